"""Hebrew and Arabic with numbers and Latin words, in the order in which they are typed."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Any

import pymupdf
import pytest

from omni_core.media.document.engines.base import Glyph
from omni_core.media.document.right_to_left import in_reading_order
from omni_core.media.service import service
from omni_core.types import Channel, CutOptions, Segment, Source

TYPED = [
    "מחיר הלחם הוא 12.50 שקלים, לפי דוח 2024.",
    "נוסד ב-15/03/2024 על ידי Bank Leumi בתל אביב",
    "ההנחה היא 25% עד 1,250 יחידות (עמוד 7)",
    "מערכת Windows Server 2019 הותקנה בבניין 4",
    "الصفحة (12) من World Bank عام 2023",
    "بلغ العدد 1,250,000 نسمة",
    "رقم الهاتف ٠١٢٣٤٥ في المكتب",
    "the word שלום עולם means hello world 12.",
    "plain words, 12 of them",
    "Rooms 3 and 4 (north)",
]


def drawn(text: str, *, right: bool, mirrored: bool = True) -> list[Glyph]:
    """The characters of a line where a reader sees them: levels of UAX 9 for these lines."""
    level = [2 if c.isascii() and c.isalpha() else 1 if _is_right(c) else 0 for c in text]
    level = _levels(text, level, 1 if right else 0)
    order = list(range(len(text)))
    for depth in range(max(level), 0, -1):
        start = 0
        while start < len(order):
            end = start
            while end < len(order) and level[order[end]] >= depth:
                end += 1
            order[start:end] = reversed(order[start:end])
            start = max(end, start + 1)
    glyphs = []
    for place, n in enumerate(order):
        letter = text[n]
        if mirrored and level[n] % 2 and letter in "()":
            letter = "()"["()".index(letter) - 1]
        glyphs.append(Glyph(letter, (6.0 * place, 0.0, 6.0 * place + 6, 10.0)))
    return glyphs


def _is_right(letter: str) -> bool:
    return unicodedata.bidirectional(letter) in ("R", "AL")


def _levels(text: str, strong: list[int], base: int) -> list[int]:
    """Numbers belong to what stands before them, other signs to what stands around them."""
    kinds: list[str] = []
    last = "R" if base else "L"
    for n, letter in enumerate(text):
        if strong[n]:
            last = "R" if strong[n] == 1 else "L"
            kinds.append(last)
        elif letter.isdigit():
            kinds.append("N" if last == "R" else "L")
        else:
            kinds.append("")
    for n, letter in enumerate(text[1:-1], 1):
        if letter in ".,/:" and kinds[n - 1] == kinds[n + 1] == "N":
            kinds[n] = "N"
        if letter == "%" and kinds[n - 1] == "N":
            kinds[n] = "N"
    for n, kind in enumerate(kinds):
        if not kind:
            before = next((k for k in reversed(kinds[:n]) if k), "R" if base else "L")
            after = next((k for k in kinds[n + 1 :] if k), "R" if base else "L")
            sides = {"R" if k == "N" else k for k in (before, after)}
            kinds[n] = sides.pop() if len(sides) == 1 else ("R" if base else "L")
    levels = {"R": 1, "N": 2, "L": 2 if base else 0}
    return [levels[kind] for kind in kinds]


@pytest.mark.parametrize("mirrored", [True, False])
@pytest.mark.parametrize("text", TYPED)
@pytest.mark.parametrize("stored", ["as seen", "as read", "mixed"])
def test_a_line_is_read_as_it_was_typed(text: str, mirrored: bool, stored: str) -> None:
    right = sum(map(_is_right, text)) >= sum(c.isascii() and c.isalpha() for c in text)
    glyphs = drawn(text, right=right, mirrored=mirrored)
    glyphs = {"as seen": glyphs, "as read": glyphs[::-1], "mixed": glyphs[1::2] + glyphs[::2]}[
        stored
    ]
    read = in_reading_order(glyphs, 10.0, page_leans_right=False)
    assert "".join(g.text for g in read) == text


def test_marks_stay_with_their_letters_and_drawn_forms_become_letters() -> None:
    shalom = "\u05e9\u05b8\u05c1\u05dc"
    boxes = [(20, 30), (22, 26), (28, 29), (8, 18)]
    glyphs = [Glyph(c, (a, 0, b, 10)) for c, (a, b) in zip(shalom, boxes, strict=True)]
    assert "".join(g.text for g in in_reading_order(glyphs, 10, page_leans_right=True)) == shalom
    forms = [Glyph("\ufee1", (0, 0, 8, 10)), Glyph("\ufefc", (8, 0, 16, 10)),
             Glyph("\ufeb3", (16, 0, 24, 10))]  # fmt: skip
    read = in_reading_order(forms, 10, page_leans_right=True)
    assert "".join(g.text for g in read) == "سلام"


@pytest.mark.parametrize("order", [1, -1])
def test_the_letters_of_a_ligature_stay_in_order_whichever_way_a_file_holds_them(
    order: int,
) -> None:
    drawn = [Glyph("ط", (0, 0, 9, 10)), Glyph("ل", (9, 0, 19, 10)), Glyph("خ", (19, 0, 19, 10)),
             Glyph("ا", (19, 0, 23, 10))]  # fmt: skip
    read = in_reading_order(drawn[::order], 10, page_leans_right=True)
    assert "".join(g.text for g in read) == "الخط"


def test_lines_and_words_of_a_page_are_as_typed_and_in_their_places(
    tmp_path: Path, cut: Any, svc: Any
) -> None:
    path = tmp_path / "a.pdf"
    with pymupdf.open() as doc:
        page = doc.new_page()
        html = "".join(f'<p dir="rtl">{line}</p>' for line in TYPED[:4])
        page.insert_htmlbox((50, 50, 545, 300), html)
        doc.save(path)
    (text,) = [s.text for s in cut(path) if s.channel is Channel.TEXT]
    assert text.split("\n") == TYPED[:4]
    words = svc.words(str(path), 1)
    assert [w.text for w in words] == " ".join(TYPED[:4]).split()
    first = [w for w in words if w.top < words[0].bottom - 0.005]
    assert [w.left for w in first] == sorted((w.left for w in first), reverse=True)


def _page_of(lines: list[str], path: Path) -> None:
    """A page on which each letter, and `لا` as one glyph, is drawn from left to right."""
    units = [re.findall("لا|لآ|.", line)[::-1] for line in lines]
    codes = {unit: code for code, unit in enumerate(sorted({u for x in units for u in x}), 33)}
    rows = "\n".join(
        f"<{code:02x}> <{unit.encode('utf-16-be').hex()}>" for unit, code in codes.items()
    )
    table = (
        "begincmap 1 begincodespacerange <00> <ff> endcodespacerange "
        f"{len(codes)} beginbfchar\n{rows}\nendbfchar endcmap"
    )
    drawn = ""
    for n, line in enumerate(units):
        shown = bytes(codes[unit] for unit in line).hex()
        drawn += f"1 0 0 1 {400 - 10 * len(line)} {700 - 20 * n} Tm <{shown}> Tj "
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 500 800]/Contents 4 0 R"
        "/Resources<</Font<</F 5 0 R>>>>>>",
        f"<</Length {len(drawn) + 17}>>stream\nBT /F 16 Tf {drawn} ET\nendstream",
        f"<</Type/Font/Subtype/Type1/BaseFont/Courier/FirstChar 33/LastChar {32 + len(codes)}"
        f"/Widths[{'600 ' * len(codes)}]/ToUnicode 6 0 R>>",
        f"<</Length {len(table)}>>stream\n{table}\nendstream",
    ]
    body = "".join(f"{n} 0 obj\n{one}\nendobj\n" for n, one in enumerate(objects, 1))
    path.write_text(f"%PDF-1.7\n{body}trailer<</Root 1 0 R/Size 7>>\n%%EOF\n")


@pytest.mark.parametrize("engine", ["pymupdf", "pypdfium2"])
@pytest.mark.parametrize(
    "lines",
    [
        ["لا يجوز التنازل عن العقد", "اتفق الطرفان على أن يدفع", "ما لم يخطر أحد الطرفين الآخر"],
        ["הישיבה תתקיים ביום שלישי", "בשעה עשר בבוקר באולם הגדול", "ולהביא תעודה מזהה"],
    ],
)
def test_lines_are_read_from_the_first_one_and_ligatures_from_the_right(
    engine: str, lines: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "a.pdf"
    _page_of(lines, path)
    svc = service(pdf=engine)
    info = svc.probe(str(path))
    source = Source("0" * 64, str(path), "a", info.modality, info.mime, 1, None, info.pages)
    items = list(svc.decompose(str(path), source, CutOptions()))
    (found,) = [i.text for i in items if isinstance(i, Segment) and i.channel is Channel.TEXT]
    assert found.split("\n") == lines
