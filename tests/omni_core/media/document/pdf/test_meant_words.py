"""What a PDF gives as the meaning of what it draws, and lines whose characters mean nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pymupdf
import pytest

from omni_core.types import Channel, Segment

BODY = ("The harbour master reads the tide table aloud", "before the pilots leave for the reef")
Made = Callable[..., Path]
GAPS = "<< /Type /Encoding /Differences [{} " + " ".join(f"/x{n}" for n in range(26)) + "] >>"
"""Letters as glyphs whose names say nothing."""
SHIFTED = "uif ijho cfmm sjoht gps ftdbqf wbmvft boe efdlt xiptf lfmq zjfmet kptumft boz cpbu"


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """A page with lines of prose, then what is drawn in a font of which the letters from
    `first` on mean nothing: the capitals."""

    def write(drawn: str, body: Sequence[str] = BODY, first: str = "A") -> Path:
        path = tmp_path / "a.pdf"
        with pymupdf.open() as doc:
            page = doc.new_page()
            page.insert_text((50, 300), body, fontname="helv")
            page.insert_text((50, 200), "x", fontname="cour")
            fonts = {name: xref for xref, _, _, _, name, *_ in page.get_fonts()}
            doc.xref_set_key(fonts["cour"], "Encoding", GAPS.replace("{}", str(ord(first))))
            doc.xref_set_key(fonts["cour"], "Subtype", "/TrueType")
            stream = page.get_contents()[-1]
            doc.update_stream(stream, f"BT /cour 11 Tf 50 640 Td {drawn} ET".encode("latin-1"))
            doc.save(path)
        return path

    return write


def _words(segments: list[Segment]) -> list[str]:
    return [s.text for s in segments if s.channel is Channel.TEXT]


@pytest.mark.parametrize("written", ["(ft)", "<FEFF00660074>", "(\\376\\377\\000f\\000t)"])
def test_a_glyph_among_words_is_what_the_file_says_it_means(
    written: str, made: Made, cut: Any
) -> None:
    drawn = f"(nears the coast a) Tj /Span << /ActualText {written} >> BDC (z) Tj EMC (er dark) Tj"
    assert _words(cut(made(drawn))) == ["\n".join((*BODY, "nears the coast after dark"))]


@pytest.mark.parametrize("written", ["()", "( )", "<FEFF00AD>"])
def test_a_replacement_without_letters_changes_no_word(
    written: str, made: Made, cut: Any, svc: Any
) -> None:
    drawn = f"(nears the coast) Tj /Span << /ActualText {written} >> BDC (-) Tj EMC"
    (text,) = _words(cut(made(drawn)))
    assert text.startswith("\n".join((*BODY, "nears the coast")))


def test_a_line_that_means_nothing_is_left_to_ocr_and_the_others_stay(made: Made, cut: Any) -> None:
    found = cut(made("(QWERTYUI) Tj", BODY * 6))
    assert _words(found) == ["\n".join(BODY * 6)]
    (seen,) = [s for s in found if s.channel is Channel.VISUAL]
    assert seen.extra == {"scan": True}


def test_lines_of_a_page_that_mean_something_stay_where_the_others_are_enciphered(
    made: Made, cut: Any
) -> None:
    found = cut(made(f"({SHIFTED}) Tj", first="a"))
    assert _words(found) == ["\n".join(BODY)]
    (seen,) = [s for s in found if s.channel is Channel.VISUAL]
    assert seen.extra == {"scan": True}


def test_a_line_of_few_such_signs_is_no_reason_to_read_the_picture(made: Made, cut: Any) -> None:
    found = cut(made("(QWE) Tj", BODY * 6))
    (seen,) = [s for s in found if s.channel is Channel.VISUAL]
    assert seen.extra == {}
