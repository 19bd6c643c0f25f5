"""Ligatures of fonts that name their glyphs and say nothing else of what these mean.

A glyph `T_h` is the two letters T and h (Adobe Glyph List Specification, 2), which TeX writes for
Libertine and other fonts without a table of characters. MuPDF reads the first letter only: "The"
becomes "Te". So such fonts get the table that they lack, for these glyphs.
"""

from __future__ import annotations

import re
from typing import Any

import pymupdf

_TOKEN = re.compile(r"/([^\s/\[\]<>()]+)|(\d+)")
_UNKNOWN = 0xFFFD
_CMAP = """/CIDInit /ProcSet findresource begin 12 dict begin begincmap
/CMapName /Ligatures def /CMapType 2 def
1 begincodespacerange <00> <ff> endcodespacerange
{count} beginbfchar
{lines}
endbfchar
endcmap end end
"""
_FONT, _KIND = 0, 2
"""Places in an entry of `get_page_fonts`."""
_SIMPLE = ("Type1", "MMType1", "TrueType")


def explain(doc: Any, page: int, seen: set[int]) -> None:
    """Write the missing tables of a page's fonts (`page` from 0) into the open document, before
    its text is read. `seen`: the fonts that were looked at, which is added to."""
    for entry in doc.get_page_fonts(page):
        font = entry[_FONT]
        if font in seen:
            continue
        seen.add(font)
        if font <= 0 or entry[_KIND] not in _SIMPLE:
            continue
        kind, names = doc.xref_get_key(font, "Encoding/Differences")
        if kind == "xref":
            names = doc.xref_object(int(names.split()[0]))
        if "_" not in names or doc.xref_get_key(font, "ToUnicode")[0] != "null":
            continue
        if ligatures := ligatures_of(names):
            table = doc.get_new_xref()
            doc.update_object(table, "<< >>")
            doc.update_stream(table, _table(ligatures))
            doc.xref_set_key(font, "ToUnicode", f"{table} 0 R")


def ligatures_of(differences: str) -> dict[int, str]:
    """The letters of each ligature in an array of differences, by its code (0 to 255)."""
    found: dict[int, str] = {}
    code = 0
    for name, number in _TOKEN.findall(differences):
        if number:
            code = int(number)
            continue
        parts = name.partition(".")[0].split("_")
        if len(parts) > 1 and code < 256 and (letters := _letters(parts)):
            found[code] = letters
        code += 1
    return found


def _letters(parts: list[str]) -> str:
    """The characters that the names stand for; "" where one is unknown."""
    codes = [pymupdf.mupdf.fz_unicode_from_glyph_name(part) if part else _UNKNOWN for part in parts]
    return "" if _UNKNOWN in codes else "".join(map(chr, codes))


def _table(ligatures: dict[int, str]) -> bytes:
    lines = [
        f"<{code:02x}> <{letters.encode('utf-16-be').hex()}>" for code, letters in ligatures.items()
    ]
    return _CMAP.format(count=len(lines), lines="\n".join(lines)).encode("ascii")
