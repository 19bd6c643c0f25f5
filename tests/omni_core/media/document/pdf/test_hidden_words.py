"""Words that a PDF holds elsewhere than on its pages, and pages that lost theirs."""

from __future__ import annotations

import time
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pymupdf
import pytest

from omni_core.media.document.engines import pdf_objects, xfa
from omni_core.types import Channel, CutOptions, FileWarning, Segment, Source

Read = Callable[[Path], tuple[list[str], list[str]]]
WAIT = "Please wait... your viewer may not be able to show this"
RICH = '<body xmlns="http://www.w3.org/1999/xhtml"><p>Two</p> <p>boats</p></body>'
DATA = f"<place>Haugen</place><note>{RICH}</note><crew>of <b>three</b></crew><none/>"
DATASETS = f'<n:datasets xmlns:n="x"><n:data><form>{DATA}</form></n:data></n:datasets>'
FORM = f"<xdp><template/>{DATASETS}</xdp>"
ODD_GLYPHS = "<< /Type /Encoding /Differences [65 /x1 /x2 /x3 /x4 /x5 /x6 /x7 /x8] >>"


@pytest.fixture
def read(svc: Any) -> Read:
    """The words of each page, and the warnings."""

    def run(path: Path) -> tuple[list[str], list[str]]:
        info = svc.probe(str(path))
        source = Source("0" * 64, str(path), "a", info.modality, info.mime, 1, None, info.pages)
        pieces = list(svc.decompose(str(path), source, CutOptions()))
        words = [p.text for p in pieces if isinstance(p, Segment) and p.channel is Channel.TEXT]
        return words, [p.message for p in pieces if isinstance(p, FileWarning)]

    return run


def _pages(*words: str) -> Any:
    doc = pymupdf.open()
    for line in words:
        doc.new_page().insert_text((50, 60), line)
    return doc


@pytest.mark.parametrize(
    ("damaged", "named"), [((1,), "page 2 is damaged"), ((1, 3, 4), "pages 2, 4 to 5 are damaged")]
)
def test_pages_that_cannot_be_unpacked_are_named_once(
    damaged: tuple[int, ...], named: str, tmp_path: Path, read: Read
) -> None:
    path = tmp_path / "a.pdf"
    with _pages(*(f"words of page {n}" for n in range(1, 7))) as doc:
        for page in damaged:
            (stream,) = doc[page].get_contents()
            doc.update_stream(stream, b"no such stream", compress=False)
            doc.xref_set_key(stream, "Filter", "/FlateDecode")
        doc.save(path)
    words, warnings = read(path)
    assert words == [f"words of page {n}" for n in range(1, 7) if n - 1 not in damaged]
    assert [warning.partition(":")[0] for warning in warnings] == [named]


@pytest.mark.parametrize(("cut", "named"), [(4, False), (40, True)])
def test_a_page_that_lacks_no_more_than_its_checksum_is_whole(
    cut: int, named: bool, tmp_path: Path, read: Read
) -> None:
    path = tmp_path / "a.pdf"
    with _pages("first words") as doc:
        (stream,) = doc[0].get_contents()
        drawn = doc.xref_stream(stream) + b" ".join(b"%d %d m" % (n, n * n) for n in range(99))
        doc.update_stream(stream, zlib.compress(drawn)[:-cut], compress=False)
        doc.xref_set_key(stream, "Filter", "/FlateDecode")
        doc.save(path)
    words, warnings = read(path)
    assert words == ["first words"]
    assert bool(warnings) is named


@pytest.mark.parametrize("packed", [True, False])
def test_a_damaged_page_is_named_wherever_its_objects_are(
    packed: bool, tmp_path: Path, read: Read
) -> None:
    path = tmp_path / "a.pdf"
    with _pages("first words", "second words") as doc:
        (stream,) = doc[1].get_contents()
        drawn = doc.xref_stream(stream) + b" ".join(b"%d %d m" % (n, n * n) for n in range(99))
        doc.update_stream(stream, zlib.compress(drawn)[:-40], compress=False)
        doc.xref_set_key(stream, "Filter", "[ /FlateDecode ]")
        doc.xref_set_key(doc[1].xref, "Contents", f"[ {stream} 0 R ]")
        doc.save(path, use_objstms=packed)
    words, warnings = read(path)
    assert words == ["first words", "second words"]
    assert [warning.partition(":")[0] for warning in warnings] == ["page 2 is damaged"]


def test_a_page_on_which_nothing_is_drawn_is_not_damaged(tmp_path: Path, read: Read) -> None:
    path = tmp_path / "a.pdf"
    with _pages("first words", "-") as doc:
        (stream,) = doc[1].get_contents()
        doc.update_stream(stream, b"\n", compress=False)
        doc.xref_set_key(stream, "Filter", "/FlateDecode")
        doc.save(path)
    assert read(path) == (["first words"], [])


@pytest.mark.parametrize("split", [False, True])
def test_what_is_filled_in_on_a_form_without_pages_is_read_and_that_is_said(
    split: bool, tmp_path: Path, read: Read
) -> None:
    path = tmp_path / "a.pdf"
    parts = [("preamble", "<xdp>"), ("datasets", DATASETS), ("postamble", "</xdp>")]
    with _pages(WAIT) as doc:
        listed = ""
        for name, part in parts if split else [("", FORM)]:
            xref = doc.get_new_xref()
            doc.update_object(xref, "<<>>")
            doc.update_stream(xref, part.encode())
            listed += f"({name}) {xref} 0 R " if name else f"{xref} 0 R"
        listed = f"[{listed}]" if split else listed
        doc.xref_set_key(doc.pdf_catalog(), "AcroForm", f"<< /Fields [] /XFA {listed} >>")
        doc.save(path)
    words, warnings = read(path)
    assert words == [f"{WAIT}\nplace: Haugen\nnote: Two boats\ncrew: of three"]
    assert len(warnings) == 1
    assert "XFA form" in warnings[0]


@pytest.mark.parametrize(
    "form", [b"", b"<a><datasets>", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', b"\xff\xfe"]
)
def test_a_form_that_is_damaged_or_defines_entities_has_no_fields(form: bytes) -> None:
    assert xfa.fields(form) == []


def test_a_file_within_the_file_is_named_as_its_sender_named_it(tmp_path: Path, read: Read) -> None:
    path = tmp_path / "a.pdf"
    with _pages("See the attachments") as doc:
        doc.embfile_add("a", b"x", filename="report.pdf", ufilename="report.pdf")
        doc.embfile_add("b", b"x", filename="b", ufilename="Pläne.dwg")
        doc.save(path)
    (warning,) = read(path)[1]
    assert "report.pdf, Pläne.dwg" in warning


def test_glyphs_without_a_meaning_are_read_as_what_the_file_says_they_are(
    tmp_path: Path, read: Read
) -> None:
    path = tmp_path / "a.pdf"
    with _pages("x") as doc:
        (stream,) = doc[0].get_contents()
        font = doc[0].get_fonts()[0]
        doc.xref_set_key(font[0], "Encoding", ODD_GLYPHS)
        drawn = f"/Span << /ActualText (Harbour) >> BDC BT /{font[4]} 12 Tf 50 700 Td (ABCDEFG) Tj"
        doc.update_stream(stream, f"{drawn} ET EMC".encode())
        doc.save(path)
    assert read(path)[0] == ["Harbour"]


@pytest.mark.parametrize(
    "part",
    [b"/Kids [", b"1 0 obj ", b"%d 0 obj << /Type /ObjStm /First 9 >> stream\n", b"/Root 1 0 R "],
)
def test_bytes_without_end_are_gone_through_in_bounds(part: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    repeated = b"".join(part % n if b"%" in part else part for n in range(1, 20_000))
    path.write_bytes(b"%PDF-1.7\n1 0 obj << /Pages 2 0 R >> endobj 2 0 obj << " + repeated
                     + b" trailer << /Root 1 0 R >>")  # fmt: skip
    found = pdf_objects.PdfObjects(str(path))
    assert (found.damaged_pages, found.may_be_switched, found.metadata()) == (
        frozenset(),
        False,
        b"",
    )


def test_pages_beyond_what_may_be_gone_through_count_as_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.pdf"
    with _pages("first words") as doc:
        (stream,) = doc[0].get_contents()
        doc.update_stream(stream, b"no such stream" * 9, compress=False)
        doc.xref_set_key(stream, "Filter", "/FlateDecode")
        doc.save(path)
    assert pdf_objects.PdfObjects(str(path)).damaged_pages == {1}
    monkeypatch.setattr(pdf_objects, "MAX_WORK", 100)
    assert pdf_objects.PdfObjects(str(path)).damaged_pages == set()


@pytest.mark.parametrize("of", ["array", "overlap", "names"])
def test_few_bytes_that_name_many_cost_little(of: str, tmp_path: Path) -> None:
    many = 60_000
    head = b"".join(b"%d 0 %d %d " % (2 * n + 10, 2 * n + 11, 8 << 20) for n in range(99))
    objects = {"overlap": head + b" " * (9 << 20), "names": b"1 " * (8 << 20)}.get(of, b"")
    first = len(head) if of == "overlap" else len(objects)
    kids = b"".join(b"%d 0 R " % n for n in range(100, 400))
    pages = b"".join(b"%d 0 obj << /Contents 5 0 R >> endobj " % n for n in range(100, 400))
    path = tmp_path / "a.pdf"
    path.write_bytes(
        b"%PDF-1.7\n1 0 obj << /Pages 2 0 R >> endobj 2 0 obj << /Kids [" + kids + b"] >> endobj "
        + (pages if of == "array" else b"")
        + b"5 0 obj [" + b"6 0 R " * many + b"] endobj 6 0 obj << /Filter /FlateDecode >> stream\n"
        + zlib.compress(b"q Q") + b"\nendstream endobj 7 0 obj << /Type /ObjStm "
        b"/Filter /FlateDecode /First %d >> stream\n" % first + zlib.compress(objects)
        + b"\nendstream endobj trailer << /Root 1 0 R >>"
    )  # fmt: skip
    begun = time.process_time()
    if of != "array":
        tracemalloc.start()
    try:
        assert pdf_objects.PdfObjects(str(path)).damaged_pages == set()
        assert tracemalloc.get_traced_memory()[1] < 400 << 20
    finally:
        tracemalloc.stop()
    assert time.process_time() - begun < 20


def test_a_stream_is_whole_though_the_word_at_its_end_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    packed = zlib.compress(b"BT (words) Tj ET")
    path.write_bytes(
        b"%%PDF-1.7\n1 0 obj << /Pages 2 0 R >> endobj 2 0 obj << /Kids [3 0 R] >> endobj "
        b"3 0 obj << /Contents 4 0 R >> endobj "
        b"4 0 obj << /Length %d /Filter /FlateDecode >> stream\n%s\nendobj " % (len(packed), packed)
        + b"5 0 obj << /Length 200 >> stream\n" + b"x" * 200 + b"\nendstream endobj "
        b"trailer << /Root 1 0 R >>"
    )  # fmt: skip
    assert pdf_objects.PdfObjects(str(path)).damaged_pages == set()
