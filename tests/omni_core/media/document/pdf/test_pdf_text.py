"""The words of PDF pages: reading order, hyphens, notes, scans, layers that mean nothing."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pymupdf
import pytest
from PIL import Image

from omni_core.media.document.engines import metadata, opened
from omni_core.media.document.engines.base import Line
from omni_core.media.document.odd_letters import typed
from omni_core.media.document.page_units import PageUnits
from omni_core.media.document.pdf_page import PageRead, read_page
from omni_core.media.document.pdf_text import PageText, in_reading_order
from omni_core.media.document.text_layer import is_enciphered, is_readable
from omni_core.media.service import service
from omni_core.types import (
    Channel,
    CutOptions,
    FileWarning,
    ImageContent,
    Modality,
    Segment,
    Source,
)

LEFT = ["The glacier tongue retreated by nine", "hundred metres between the two wars",
        "leaving a chain of turquoise lakes", "behind the terminal moraine there"]  # fmt: skip
RIGHT = ["Meanwhile the northern cap gained", "mass because of heavier snowfall",
         "and the weather station at its edge", "had to be dug out of the drifts"]  # fmt: skip
TEXTS = {
    "en": "The observatory on the hill was closed after the large refractor had been sold.",
    "de": "Die Sternwarte auf dem Hügel wurde geschlossen, nachdem das Fernrohr verkauft war.",
    "pl": "Obserwatorium na wzgórzu zostało zamknięte po tym, jak duży refraktor sprzedano.",
    "cy": "Caewyd yr arsyllfa ar y bryn ar ôl i'r telesgop mawr gael ei werthu i brifysgol.",
    "sw": "Kituo cha uchunguzi kilichokuwa juu ya kilima kilifungwa baada ya darubini kubwa.",
    "vi": "Đài quan sát trên đồi đã đóng cửa sau khi chiếc kính thiên văn lớn được bán cho trường.",
    "ru": "Обсерватория на холме была закрыта после того, как большой рефрактор продали вузу.",
    "zh": "山上的天文台在大望远镜卖给南方的一所大学之后关闭了。" * 3,
    "names": "Kowalczyk Wojciechowski Szymczyk Grzybowski Krzysztof Zbigniew Przybylski Pawłowicz",
    "cells": "cell[0][0] cell[0][1] cell[0][2] cell[0][3] cell[1][0] cell[1][1] cell[1][2] " * 4,
    "codes": "HB-000417 XK-2231-Q RTVBNM KLPRTD MNBVCX 0x7F3A QWRTPL SDFGHJ ZXCVBN TRQWPL VBN",
}


@pytest.mark.parametrize("language", TEXTS)
def test_words_of_any_language_names_and_codes_are_no_cipher(language: str) -> None:
    assert is_readable(TEXTS[language])


@pytest.mark.parametrize("shift", [3, 5, 8, 11, 20])
def test_letters_that_spell_nothing_are_a_cipher(shift: int) -> None:
    table = {ord("a") + i: ord("a") + (i + shift) % 26 for i in range(26)}
    assert is_enciphered(TEXTS["en"].lower().translate(table))


@pytest.mark.parametrize("text", ["\ufffd" * 40, "\ue012\ue044 " * 30, "a\ufffd\ufffdb " * 20])
def test_characters_without_a_meaning_are_unreadable(text: str) -> None:
    assert not is_readable(text)


def test_words_of_scripts_that_never_meet_in_a_word_are_unreadable() -> None:
    glyphs = "㩈ا 䋔ٱǎ ⰚاǔورƼ ᄒ 䮨䊒ٱǎ 䗂ᜯ䜫ور ⰰẍو䆀ى " * 3
    assert not is_readable(glyphs)
    assert is_readable("تعتبر البرمجة بلغة Python من الأدوات القوية Pythonمن R و السنة ٢٠٢٤ 10µm")
    assert is_readable("使用Python编程スクリプトを書く한국어KBS뉴스 Ω-3α粒子 " * 3)


def test_letters_laced_with_latin_ones_are_unreadable_and_hashtags_are_not() -> None:
    assert not is_readable("الeمرbة كلaمات أjخرى من " * 5)
    assert not is_readable("हिxन्दी शbब्द यcहाँ " * 5)
    assert is_readable("صور #مصر_Egypt_القاهرة و #عمل_Jobs_دبي من #بيت_Home_جدة " * 5)
    assert is_readable("شركة Microsoft العربية تقدم الـPDF والـWord، Excelمن في USA " * 5)
    assert is_readable("WhatsAppपर संदेश और PDFमें फ़ाइल " * 5)


def test_the_letters_of_a_ligature_are_read_by_the_name_of_its_glyph(tmp_path: Path) -> None:
    font = (
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding<</Type/Encoding"
        "/BaseEncoding/WinAnsiEncoding/Differences[1/T_h/f_t/g_zzzz 4/A_e.alt]>>>>"
    )
    path = tmp_path / "libertine.pdf"
    doc = pymupdf.open()
    page = doc.new_page()
    page.insert_text((72, 72), "x")  # makes the entries that are replaced below
    number = page.get_fonts()[0][0]
    doc.update_object(number, font)
    name = page.get_fonts()[0][4]
    content = page.get_contents()[0]
    line = f"BT /{name} 12 Tf 72 700 Td <0165206c6f02206f6e20046f6c> Tj ET"
    doc.update_stream(content, line.encode())
    doc.save(path)
    media = service(pdf="pymupdf")
    info = media.probe(str(path))
    source = Source("0" * 64, str(path), "x", info.modality, info.mime, 1, None, info.pages)
    texts = [
        item.text
        for item in media.decompose(str(path), source, CutOptions())
        if isinstance(item, Segment)
    ]
    assert "The loft on Aeol" in texts


def test_latin_words_beside_korean_ones_keep_their_spaces(tmp_path: Path) -> None:
    """TeX writes no spaces: words stand apart, which engines make up for."""
    path = tmp_path / "exam.pdf"
    doc = pymupdf.open()
    page = doc.new_page()
    page.insert_text((72, 72), "수달 다리", fontname="korea")
    page.insert_text((72, 120), "x", fontname="helv")
    name = next(font[4] for font in page.get_fonts() if font[3] == "Helvetica")
    last = page.get_contents()[-1]
    line = f"BT /{name} 12 Tf 72 600 Td [(The)-290(test)-290(has)-290(pages)] TJ ET"
    doc.update_stream(last, line.encode())
    doc.save(path)
    media = service(pdf="pymupdf")
    info = media.probe(str(path))
    source = Source("0" * 64, str(path), "x", info.modality, info.mime, 1, None, info.pages)
    items = media.decompose(str(path), source, CutOptions())
    text = "\n".join(item.text for item in items if isinstance(item, Segment))
    assert "The test has pages" in text and "수달 다리" in text
    words = [word.text for word in media.words(str(path), 1)]
    assert {"The", "test", "has", "pages", "수달", "다리"} <= set(words)


def _lines(*placed: tuple[float, float, str]) -> list[Line]:
    return [Line(t, 10, (x, y, x + 5 * len(t), y + 12)) for x, y, t in placed]


def _rows(left: list[str], right: list[str]) -> list[tuple[float, float, str]]:
    return [
        place
        for n, (a, b) in enumerate(zip(left, right, strict=True))
        for place in ((50.0, 70.0 + 14 * n, a), (315.0, 70.0 + 14 * n, b))
    ]


def test_two_columns_drawn_row_by_row_are_read_one_after_the_other() -> None:
    heading, foot = (50.0, 40.0, "Of glaciers " * 8), (50.0, 200.0, "Both at once " * 8)
    lines = _lines(heading, *_rows(LEFT, RIGHT), foot)
    texts = [line.text for line in in_reading_order(lines)]
    assert texts == [heading[2], *LEFT, *RIGHT, foot[2]]


def test_three_columns_drawn_row_by_row_are_read_one_after_the_other() -> None:
    columns = [
        ["The old mill was", "bought by two men", "who never came to", "see it in their life"],
        ["while the river ran", "dry in the summer of", "that year and boats", "lay on the bed"],
        ["until the rain of a", "single night in late", "october filled it up", "and it turned"],
    ]
    placed = [(50.0 + 250 * c, 70.0 + 14 * r, columns[c][r]) for r in range(4) for c in range(3)]
    texts = [line.text for line in in_reading_order(_lines(*placed))]
    assert texts == [line for column in columns for line in column]


def test_chinese_written_far_apart_is_whole_words_and_symbol_fonts_are_signs() -> None:
    row = _lines(*[(50.0 + 20 * n, 70.0, c) for n, c in enumerate("红军作战")])
    column = _lines(*[(400.0, 70.0 + 14 * n, c) for n, c in enumerate("すきとおった風")])
    spaced, sums = _lines((50, 200, "同 各 方 接 洽")), _lines((50, 220, "OA \uf02b OB \uf03d u"))
    latin = _lines((50, 240, "A"), (70, 240, "B"))
    lines = [*row, *column, *spaced, *sums, *latin]
    texts = [line.text for line in typed(lines, "".join(line.text for line in lines))]
    assert texts == ["红军作战", "すきとおった風", "同各方接洽", "OA + OB = u", "A", "B"]


def test_latin_letters_whose_bytes_are_in_the_wrong_order_are_latin_letters() -> None:
    said = ["Multicolor Black (K = 100)", "größer"]
    swapped = ["".join(chr(ord(c) << 8) if c != " " else c for c in line) for line in said]
    lines = _lines(*[(50.0, 70.0 + 14 * n, line) for n, line in enumerate(swapped)])
    assert [line.text for line in typed(lines, "".join(swapped))] == said
    chinese = _lines((50.0, 70.0, "一年倀甀爀攀的文字在这里写着"))
    assert typed(chinese, chinese[0].text) == chinese


@pytest.mark.parametrize("filling", ["　", "─", "一", "━━　", "─　一", "│─┌"])
def test_wide_spaces_and_lines_of_a_form_are_no_latin_letters(filling: str) -> None:
    form = _lines((50.0, 70.0, "氏名" + filling * 20))
    assert typed(form, form[0].text) == form


def test_korean_words_that_only_a_gap_divides_are_words(tmp_path: Path, cut: Any, svc: Any) -> None:
    path = tmp_path / "a.pdf"
    words, x = ["침하게", "흐린", "품이", "눈이"], 50.0
    with pymupdf.open() as doc:
        page, font = doc.new_page(), pymupdf.Font("korea")
        writer = pymupdf.TextWriter(page.rect)
        for word in words:
            x = writer.append((x, 60), word, font, 12)[1].x + 3.5
        writer.write_text(page)
        doc.save(path)
    (text,) = [s.text for s in cut(path) if s.channel is Channel.TEXT]
    assert text == " ".join(words)
    assert [word.text for word in svc.words(str(path), 1)] == words


def test_an_empty_replacement_hides_no_words_that_are_drawn(tmp_path: Path, cut: Any) -> None:
    path = _page(tmp_path)
    with pymupdf.open(path) as doc:
        page = doc[0]
        page.insert_text((50, 60), "Consignee of the load")
        (stream,) = page.get_contents()
        drawn = doc.xref_stream(stream)
        doc.update_stream(stream, b"/Span << /ActualText () >> BDC\n" + drawn + b"\nEMC")
        doc.saveIncr()
    (text,) = [s.text for s in cut(path) if s.channel is Channel.TEXT]
    assert text == "Consignee of the load"


def test_the_rows_of_a_table_stay_together() -> None:
    rows = _rows(["Lamp", "Chair", "Table", "Shelf"], ["5,200", "300", "1,000", "90"])
    assert [x.text for x in in_reading_order(_lines(*rows))] == [t for *_, t in rows]
    notes = _rows(["Ada Example, Oslo", "Bob Other, Rome", "Cy Third, Bonn", "Di Last, Wien"],
                  [f"Came in {n} by train and ship" for n in range(1900, 1904)])  # fmt: skip
    assert [x.text for x in in_reading_order(_lines(*notes))] == [t for *_, t in notes]


def _page(tmp_path: Path, *lines: str, picture: float = 0.0) -> Path:
    """A page with lines of text, and a picture that covers this share of it."""
    path = tmp_path / "a.pdf"
    with pymupdf.open() as doc:
        page = doc.new_page()
        if picture:
            png = tmp_path / "noise.png"
            noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)
            Image.fromarray(noise).save(png)
            area = (0, 0, page.rect.width, page.rect.height * picture)
            page.insert_image(area, filename=str(png), keep_proportion=False)
        for n, line in enumerate(lines):
            page.insert_text((50, 60 + 14 * n), line, fontsize=11)
        doc.save(path)
    return path


def test_a_word_divided_at_the_end_of_a_line_is_whole(tmp_path: Path, cut: Any) -> None:
    path = _page(
        tmp_path, "The hydro-", "electric plant - well-", "known for E-", "1042 -", "works"
    )
    (text,) = [s.text for s in cut(path) if s.channel is Channel.TEXT]
    assert text == "The hydroelectric plant - wellknown for E-\n1042 -\nworks"


def test_a_word_divided_at_the_end_of_a_page_is_whole_on_the_next(tmp_path: Path, cut: Any) -> None:
    path = tmp_path / "a.pdf"
    with pymupdf.open() as doc:
        for lines in (["It was com-", "41"], ["pletely lost.", "the sub-"], ["Next chapter"]):
            page = doc.new_page()
            for n, line in enumerate(lines):
                page.insert_text((50, 60 + 14 * n), line, fontsize=11)
        doc.save(path)
    texts = [s.text for s in cut(path) if s.channel is Channel.TEXT]
    assert texts == ["It was com-\n41", "completely lost.\nthe sub-", "Next chapter"]


@pytest.mark.parametrize("engine", ["pymupdf", "pypdfium2"])
def test_a_line_drawn_again_at_its_place_is_read_once(engine: str, tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    with pymupdf.open() as doc:
        page = doc.new_page()
        for shift in (0.0, 0.4, 1.2):
            page.insert_text((50 + shift, 60 + shift), "Third reminder", fontsize=16)
        for row in range(3):
            page.insert_text((50, 120 + 14 * row), "12.50", fontsize=11)
        doc.save(path)
    svc = service(pdf=engine)
    info = svc.probe(str(path))
    source = Source("0" * 64, str(path), "x", info.modality, info.mime, 1, None, info.pages)
    items = svc.decompose(str(path), source, CutOptions())
    (text,) = [i.text for i in items if isinstance(i, Segment) and i.channel is Channel.TEXT]
    assert text.split("\n") == ["Third reminder", "12.50", "12.50", "12.50"]


def test_filled_fields_are_read_and_ticked_boxes_are_said(tmp_path: Path, cut: Any) -> None:
    path = tmp_path / "a.pdf"
    with pymupdf.open() as doc:
        page = doc.new_page()
        kinds = {
            "name": (pymupdf.PDF_WIDGET_TYPE_TEXT, "Grace Hopper"),
            "country": (pymupdf.PDF_WIDGET_TYPE_COMBOBOX, "Norway"),
            "newsletter": (pymupdf.PDF_WIDGET_TYPE_CHECKBOX, True),
            "advertising": (pymupdf.PDF_WIDGET_TYPE_CHECKBOX, False),
            "delivery": (pymupdf.PDF_WIDGET_TYPE_RADIOBUTTON, True),
        }
        for n, (name, (kind, value)) in enumerate(kinds.items()):
            field = pymupdf.Widget()
            field.field_type, field.field_name = kind, name
            field.rect = pymupdf.Rect(50, 50 + 30 * n, 250, 70 + 30 * n)
            field.choice_values = ["Chile", "Norway"] if name == "country" else None
            field.field_value = value
            page.add_widget(field)
        page.add_freetext_annot((50, 300, 300, 330), "free words on it", fontsize=11)
        doc.save(path)
    (text,) = [s.text for s in cut(path) if s.channel is Channel.TEXT]
    for words in ("Grace Hopper", "Norway", "free words on it"):
        assert text.count(words) == 1
    assert "Ticked: newsletter" in text
    assert "Ticked: delivery" in text
    assert "advertising" not in text


def test_a_file_that_hangs_at_a_place_of_the_page_is_named(tmp_path: Path, svc: Any) -> None:
    path = _page(tmp_path, "Body words")
    with pymupdf.open(path) as doc:
        doc[0].add_file_annot((200, 500), b"x", "annex.txt")
        doc.saveIncr()
    (warned,) = [s for s in _decompose(path, svc) if isinstance(s, FileWarning)]
    assert "annex.txt" in warned.message


def test_the_words_under_a_searchable_scan_are_read(tmp_path: Path, cut: Any) -> None:
    path = _page(tmp_path, picture=1.0)
    with pymupdf.open(path) as doc:
        for n in range(45):
            words = "the ledger of the harbour master for the year and its many pages"
            doc[0].insert_text((50, 60 + 16 * n), words, fontsize=12, render_mode=3)
        doc.saveIncr()
    *texts, image = cut(path)
    assert sum(len(s.text.split()) for s in texts) >= 45 * 13
    assert not image.extra.get("scan")


@pytest.mark.parametrize(("picture", "lines", "scan"), [
    (1.0, 2, True), (1.0, 0, True), (0.9, 45, False), (0.3, 2, False), (0.0, 2, False),
])  # fmt: skip
def test_a_stamp_does_not_hide_a_scan(
    picture: float, lines: int, scan: bool, tmp_path: Path, cut: Any
) -> None:
    words = "Received by the registry office on 12 May 2024 - file copy number one of ten"
    path = _page(tmp_path, *[words] * lines, picture=picture)
    (image,) = [s for s in cut(path) if s.channel is Channel.VISUAL]
    assert bool(image.extra.get("scan")) is scan


def test_remarks_are_words_of_their_page_and_attachments_are_named(
    tmp_path: Path, svc: Any
) -> None:
    path = _page(tmp_path, "Body words on the page")
    with pymupdf.open(path) as doc:
        note = doc[0].add_text_annot((100, 100), "ask the harbour master")
        note.set_info(title="Ada")
        mark = doc[0].add_highlight_annot(doc[0].search_for("Body")[0])
        mark.set_info(content="wrong word")
        doc.embfile_add("plan.xlsx", b"x")
        doc.set_toc([[1, "Chapter one", 1]])
        doc.saveIncr()
    warned, words, _ = _decompose(path, svc)
    assert "plan.xlsx" in warned.message
    assert "Note (Ada): ask the harbour master" in words.text
    assert "wrong word" in words.text
    assert words.extra["heading"] == "Chapter one"


def _decompose(path: Path, svc: Any, **options: Any) -> list[Any]:
    info = svc.probe(str(path))
    source = Source("0" * 64, str(path), "a", info.modality, info.mime, 1, None, info.pages)
    return list(svc.decompose(str(path), source, CutOptions(**options)))


def test_a_picture_that_neither_engine_draws_costs_the_picture(
    tmp_path: Path, svc: Any, spoil: Callable[..., None]
) -> None:
    path = tmp_path / "a.pdf"
    with pymupdf.open() as doc:
        for n in range(3):
            doc.new_page().insert_text((50, 60), f"words of page {n + 1}")
        doc.save(path)
    spoil("draw", "page 2")
    items = _decompose(path, svc)
    words = [s.text for s in items if isinstance(s, Segment) and s.text]
    assert words == ["words of page 1", "words of page 2", "words of page 3"]
    pictures = [s for s in items if isinstance(s, Segment) and isinstance(s.content, ImageContent)]
    assert [s.span.start for s in pictures] == [1, 3]
    (warned,) = [s for s in items if isinstance(s, FileWarning)]
    assert "page 2" in warned.message


def test_pages_whose_picture_is_not_wanted_give_their_words(tmp_path: Path, svc: Any) -> None:
    path = _page(tmp_path, "some words")
    items = _decompose(path, svc, undrawn=(1,))
    assert [s.channel for s in items] == [Channel.TEXT]


def test_an_epub_whose_first_entry_is_another_opens(tmp_path: Path, cut: Any, svc: Any) -> None:
    import io
    import zipfile

    from bench.fuzz_media import epub

    entries = zipfile.ZipFile(io.BytesIO(epub()))
    names = entries.namelist()
    assert any(a == "mimetype" for a, _ in pairwise(names))
    for name in ("a.epub", "a.zip"):
        path = tmp_path / name
        with zipfile.ZipFile(path, "w") as out:
            for entry in sorted(names, reverse=name == "a.epub"):
                out.writestr(entry, entries.read(entry))
        assert svc.probe(str(path)).mime == "application/epub+zip"
        assert any("words to read" in s.text for s in cut(path))


def _with_vertical_words(path: Path, *, latin: bool) -> None:
    """A page with a vertical line in a font that is not in the file."""
    with pymupdf.open() as doc:
        page = doc.new_page()
        about = "/Type /FontDescriptor /FontName /KozMinPr6N-Regular /Flags 4"
        described, inner, font = (doc.get_new_xref() for _ in range(3))
        doc.update_object(
            described,
            f"<< {about} /FontBBox [0 -120 1000 880] /ItalicAngle 0 /Ascent 880 /Descent -120 "
            "/StemV 80 >>",
        )
        named = "/Type /Font /BaseFont /KozMinPr6N-Regular"
        of = "<< /Registry (Adobe) /Ordering (Japan1) /Supplement 6 >>"
        doc.update_object(
            inner,
            f"<< {named} /Subtype /CIDFontType0 /CIDSystemInfo {of} "
            f"/FontDescriptor {described} 0 R >>",
        )
        doc.update_object(
            font,
            f"<< {named} /Subtype /Type0 /Encoding /UniJIS-UTF16-V "
            f"/DescendantFonts [{inner} 0 R] >>",
        )
        plain, stream = doc.get_new_xref(), doc.get_new_xref()
        doc.update_object(plain, "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
        fonts = f"<< /Font << /V {font} 0 R /H {plain} 0 R >> >>"
        doc.xref_set_key(page.xref, "Resources", fonts)
        doc.update_object(stream, "<< >>")
        said = "縦書きの文章をここに書きます".encode("utf-16-be").hex()
        below = "Latin words below" if latin else "  "
        drawn = f"BT /V 20 Tf 400 780 Td <{said}> Tj ET BT /H 12 Tf 50 100 Td ({below}) Tj ET"
        doc.update_stream(stream, drawn.encode())
        doc.xref_set_key(page.xref, "Contents", f"{stream} 0 R")
        doc.save(path)


@pytest.mark.parametrize("latin", [True, False])
def test_vertical_words_in_a_font_that_is_not_in_the_file_are_read(
    latin: bool, tmp_path: Path, cut: Any
) -> None:
    _with_vertical_words(tmp_path / "a.pdf", latin=latin)
    text = "".join(s.text for s in cut(tmp_path / "a.pdf"))
    assert "縦書きの文章をここに書きます" in text and ("Latin words below" in text) is latin


@pytest.mark.parametrize("latin", [True, False])
def test_words_that_the_only_engine_makes_nothing_of_send_their_page_to_ocr(
    latin: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opened, "second", lambda name: None)
    path = tmp_path / "a.pdf"
    _with_vertical_words(path, latin=latin)
    source = Source("0" * 64, str(path), "a", Modality.DOCUMENT, "application/pdf", 1, None, 1)
    pieces = list(service(pdf="pypdfium2").decompose(str(path), source, CutOptions()))
    segments = [piece for piece in pieces if isinstance(piece, Segment)]
    assert [s.extra.get("scan") for s in segments if s.channel is Channel.VISUAL] == [True]
    assert [s.text for s in segments if s.text] == (["Latin words below"] if latin else [])


@pytest.mark.parametrize(
    ("other", "partly", "taken"),
    [
        ("縦書きの文章を書きます", False, True),
        ("縦書きの文章を書きます", True, False),
        ("Lght hs kpr 4 ~ tk", False, False),
        ("縦書 and mostly Latin letters", False, False),
        ("", False, False),
    ],
)
def test_lines_that_one_engine_lost_are_the_others_only_in_scripts_written_downwards(
    other: str, partly: bool, taken: bool
) -> None:
    def page(lines: list[str], *, partly: bool) -> PageRead:
        read = [Line(line, 12, (0, 0, 9, 9)) for line in lines if line]
        words = PageText("\n".join(lines), [], partly=partly, lines=read)
        return PageRead(words, [], [], False, PageUnits())

    first, second = page(["kept"], partly=True), page(["kept", other], partly=partly)
    file: Any = SimpleNamespace(attempt=lambda read, **of: second if of else first)
    assert (read_page(file, 1) is second) is taken


def _with_letters_apart(path: Path, drawn: str) -> None:
    with pymupdf.open() as doc:
        page = doc.new_page()
        page.insert_text((50, 600), "Body of the page")
        (stream,) = page.get_contents()
        set_apart = f"\nBT /helv 12 Tf 50 780 Td {drawn} ET".encode()
        doc.update_stream(stream, doc.xref_stream(stream) + set_apart)
        doc.save(path)


@pytest.mark.parametrize(
    ("drawn", "words"),
    [
        ("3 Tc (Annual report of the harbour) Tj", "Annual report of the harbour"),
        ("2.6 Tc (HARBOUR) Tj", "HARBOUR"),
        ("[(T) -230 (i) -230 (d) -230 (e) -230 (s) -600 (o) -230 (f) -600 (M) -230 (ay)] TJ",
         "Tides of May"),
        ("5 Tc (x y z) Tj", "x y z"),
        ("[(a) -333 (b) -333 (c) -333 (d) -333 (e) -333 (f)] TJ", "a b c d e f"),
        ("[(1) -250 (2) -250 (3) -250 (4) -250 (5) -250 (6)] TJ", None),
        ("[(T) -230 (i) -230 (d) -230 (e) -230 (s) -230 (12) -230 (34)] TJ", "Tides 12 34"),
        ("[(Answers:) -250 (A) -250 (C) -250 (B) -250 (D) -250 (E)] TJ", "Answers: A C B D E"),
        (f"[{' -230 '.join(f'({c})' for c in 'Harbourside')} -230 (also)] TJ", "Harbourside also"),
    ],
)  # fmt: skip
def test_words_whose_letters_are_set_apart_are_words(
    drawn: str, words: str | None, tmp_path: Path, cut: Any, svc: Any
) -> None:
    path = tmp_path / "a.pdf"
    _with_letters_apart(path, drawn)
    text = "".join(s.text for s in cut(path))
    if words is None:  # as each engine sees the gaps
        assert text.replace(" ", "") == "Bodyofthepage\n123456".replace(" ", "")
        return
    lines = [" ".join(line.split()) for line in text.split("\n")]
    assert sorted(lines) == sorted(["Body of the page", words])
    assert {*words.split()} <= {word.text for word in svc.words(str(path), 1)}


@pytest.mark.parametrize("stated", [True, False])
def test_a_title_and_a_date_that_only_xmp_has_are_the_files(
    stated: bool, tmp_path: Path, svc: Any
) -> None:
    path = tmp_path / "a.pdf"
    rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    with pymupdf.open() as doc:
        doc.new_page().insert_text((50, 60), "words")
        if stated:
            doc.set_metadata({"title": "Of the file", "creationDate": "D:20190621134500Z"})
        doc.set_xml_metadata(
            f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="{rdf}"><r:Description '
            'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreateDate="2018-05-04T10:00:00Z" '
            'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title><r:Alt><r:li>Of the packet'
            "</r:li></r:Alt></dc:title></r:Description></r:RDF></x:xmpmeta>"
        )
        doc.save(path)
    info = svc.probe(str(path))
    title, day = ("Of the file", "2019-06-21") if stated else ("Of the packet", "2018-05-04")
    assert (info.title, info.recorded_at.isoformat()[:10], info.recorded_at_from) == (
        title, day, "pdf",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("packet", "filters", "known"),
    [
        (b"<x/>", "null", b"<x/>"),
        (zlib.compress(b"<x/>"), "/FlateDecode", b"<x/>"),
        (zlib.compress(b"<x/>"), "[ /FlateDecode ]", b"<x/>"),
        (zlib.compress(b"<x/>"), "/LZWDecode", b""),
        (b"no such stream", "/FlateDecode", b""),
        (zlib.compress(b" " * (32 << 20)), "/FlateDecode", b" " * metadata.MAX_BYTES),
    ],
)
def test_xmp_is_unpacked_in_bounds(packet: bytes, filters: str, known: bytes) -> None:
    assert metadata.unpacked(packet, filters) == known


def test_a_title_that_says_that_there_is_none_is_none() -> None:
    titled = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-'
        'syntax-ns#"><r:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title><r:Alt>'
        "<r:li>{}</r:li></r:Alt></dc:title></r:Description></r:RDF></x:xmpmeta>"
    )
    titles = [
        metadata.completed("", [], titled.format(t).encode())[0] for t in ("Untitled", "Tides")
    ]
    assert titles == ["", "Tides"]


def test_ticks_drawn_with_zapf_dingbats_are_signs(tmp_path: Path, cut: Any, svc: Any) -> None:
    path = tmp_path / "a.pdf"
    with pymupdf.open() as doc:
        page = doc.new_page()
        for n, (sign, words) in enumerate((("4", "paid"), ("8", "returned"), ("n", "black"))):
            page.insert_text((50, 60 + 20 * n), sign, fontname="zadb")
            page.insert_text((62, 60 + 20 * n), f" {words}")
        page.insert_text((50, 200), "\xac first", fontname="zadb")
        doc.save(path)
    text = "".join(s.text for s in cut(path))
    assert "".join(text.split())[:20] == "\u2714paid\u2718returned\u25a0black"
    assert "\u2460" in {word.text for word in svc.words(str(path), 1)}
