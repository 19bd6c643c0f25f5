"""Ligatures of fonts that name their glyphs and say nothing else of what these mean.

A glyph `T_h` is the two letters T and h (Adobe Glyph List Specification, 2), which TeX writes for
Libertine and other fonts without a table of characters. MuPDF reads the first letter only: "The"
becomes "Te". So such fonts get the table that they lack, for these glyphs. So does Zapf Dingbats,
with which forms are ticked: of its signs MuPDF makes control characters.
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
{blocks}
endcmap end end
"""
_BLOCK = "{count} beginbfchar\n{lines}\nendbfchar"
_MOST_LINES = 100
_FONT, _KIND, _NAME = 0, 2, 3
"""Places in an entry of `get_page_fonts`."""
_OTHER_SIGNS = {
    0x25: "\u260e", 0x2A: "\u261b", 0x2B: "\u261e", 0x48: "\u2605", 0x6C: "\u25cf", 0x6E: "\u25a0",
    0x73: "\u25b2", 0x74: "\u25bc", 0x75: "\u25c6", 0x77: "\u25d7", 0xA8: "\u2663", 0xA9: "\u2666",
    0xAA: "\u2665", 0xAB: "\u2660", 0xD5: "\u2192", 0xD6: "\u2194", 0xD7: "\u2195",
    **{0xAC + n: chr(0x2460 + n) for n in range(10)},
}  # fmt: skip
"""Signs of Zapf Dingbats that Unicode has in other places than the rest."""
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
        signs = kind == "null" and entry[_NAME].endswith("ZapfDingbats")
        if not signs and "_" not in names:
            continue
        if doc.xref_get_key(font, "ToUnicode")[0] != "null":
            continue
        if ligatures := dingbats() if signs else ligatures_of(names):
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


def dingbats() -> dict[int, str]:
    """The signs of Zapf Dingbats by their codes."""
    first = {code: chr(0x2700 + code - 0x20) for code in range(0x21, 0x7F)}
    second = {code: chr(0x2700 + code - 0x40) for code in range(0xA1, 0xFF) if code != 0xF0}
    return first | second | _OTHER_SIGNS


def _letters(parts: list[str]) -> str:
    """The characters that the names stand for; "" where one is unknown."""
    codes = [pymupdf.mupdf.fz_unicode_from_glyph_name(part) if part else _UNKNOWN for part in parts]
    return "" if _UNKNOWN in codes else "".join(map(chr, codes))


def _table(ligatures: dict[int, str]) -> bytes:
    lines = [
        f"<{code:02x}> <{letters.encode('utf-16-be').hex()}>" for code, letters in ligatures.items()
    ]
    blocks = (lines[at : at + _MOST_LINES] for at in range(0, len(lines), _MOST_LINES))
    shown = (_BLOCK.format(count=len(block), lines="\n".join(block)) for block in blocks)
    return _CMAP.format(blocks="\n".join(shown)).encode("ascii")
