"""Books (EPUB): each chapter is read, by page where the engine makes words of it, or named."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from omni_core.errors import UnreadableError
from omni_core.media.service import service
from omni_core.types import CutOptions, FileWarning, PdfEngine, Segment, Source

Zipped = Callable[[str, dict[str, str | bytes]], Path]
CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="O/c.opf" media-type="application/oebps-package+xml"/>'
    "</rootfiles></container>"
)
MUPDF, PDFIUM = "pymupdf", "pypdfium2"


def chapter(words: str, declared: str = "utf-8") -> str:
    return (
        f'<?xml version="1.0" encoding="{declared}"?>'
        f'<html xmlns="http://www.w3.org/1999/xhtml"><body><p>{words}</p></body></html>'
    )


def book(zipped: Zipped, spine: list[str], **parts: str | bytes) -> Path:
    """A book with this spine; keywords are its chapters, `a` is O/a.xhtml, and `encryption`."""
    items = "".join(
        f'<item id="{n}" href="{href}" media-type="application/xhtml+xml"/>'
        for n, href in enumerate(spine)
    )
    refs = "".join(f'<itemref idref="{n}"/>' for n in range(len(spine)))
    listed: dict[str, str | bytes] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "O/c.opf": '<package xmlns="http://www.idpf.org/2007/opf" version="2.0">'
        f"<manifest>{items}</manifest><spine>{refs}</spine></package>",
    }
    if "encryption" in parts:
        listed["META-INF/encryption.xml"] = parts.pop("encryption")
    return zipped("a.epub", listed | {f"O/{name}.xhtml": data for name, data in parts.items()})


def locked(algorithm: str, *parts: str) -> str:
    entries = "".join(
        f'<EncryptedData><EncryptionMethod Algorithm="{algorithm}"/><CipherData>'
        f'<CipherReference URI="{part}"/></CipherData></EncryptedData>'
        for part in parts
    )
    return f'<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container">{entries}</encryption>'  # noqa: E501


def read(path: Path, engine: str = MUPDF) -> tuple[list[Segment], str, list[str]]:
    """Segments, their text, warnings."""
    name: PdfEngine = "pymupdf" if engine == MUPDF else "pypdfium2"
    svc = service(pdf=name)
    info = svc.probe(str(path))
    source = Source("0" * 64, str(path), "a", info.modality, info.mime, 1, None, info.pages)
    items: list[Any] = list(svc.decompose(str(path), source, CutOptions()))
    found = [item for item in items if isinstance(item, Segment)]
    text = "\n".join(segment.text for segment in found if segment.text)
    return found, text, [item.message for item in items if isinstance(item, FileWarning)]


@pytest.mark.parametrize("engine", [MUPDF, PDFIUM])
def test_a_chapter_that_is_not_in_the_file_is_named_and_the_others_are_read(
    engine: str, zipped: Zipped
) -> None:
    spine = ["a.xhtml", "gone.xhtml", "c.xhtml"]
    path = book(zipped, spine, a=chapter("first words"), c=chapter("last words"))
    found, text, warnings = read(path, engine)
    assert text.split() == ["first", "words", "last", "words"]
    assert warnings == ["chapters that are not in the file: O/gone.xhtml"]
    units = {segment.span.axis for segment in found}
    assert units == {"page" if engine == MUPDF else "char"}
    if engine == MUPDF:
        assert {segment.span.start for segment in found} == {1, 3}


@pytest.mark.parametrize("engine", [MUPDF, PDFIUM])
@pytest.mark.parametrize(
    ("words", "page", "declared"),
    [
        ("灯塔的看守人每天早晨记录风向", "gbk", "gb2312"),
        ("灯台守は毎朝、風向きを記録し", "shift_jis", "Shift_JIS"),
        ("Každé ráno zapíše směr větru", "iso8859-2", "iso-8859-2"),
        ("Der Fährmann fährt über die Brücke nach Köln", "cp1252", "utf-8"),
        ("Das Boot heißt Möwe", "utf-16-le", "utf-16"),
    ],
)
def test_words_in_an_encoding_that_is_not_laid_out_are_read_as_text(
    words: str, page: str, declared: str, engine: str, zipped: Zipped
) -> None:
    data = chapter(words, declared).encode(page)
    path = book(zipped, ["a.xhtml", "b.xhtml"], a=chapter("Erst dies"), b=data)
    found, text, warnings = read(path, engine)
    assert text.split() == ["Erst", "dies", *words.split()]
    assert {segment.span.axis for segment in found} == {"char"}
    assert all("is a guess" in line for line in warnings)


@pytest.mark.parametrize(
    ("words", "declared"),
    [("Fähre nach Köln", "utf-8"), ("Fähre nach Köln", "utf-16"), ("Смотритель", "windows-1251"),
     ("Fähre nach Köln", "iso-8859-1"), ("Смотритель", "KOI8-R")],
)  # fmt: skip
def test_a_book_that_is_laid_out_is_read_by_page(words: str, declared: str, zipped: Zipped) -> None:
    data = chapter(words, declared).encode(declared)
    path = book(zipped, ["a.xhtml", "b.xhtml"], a=chapter("one"), b=data)
    found, text, warnings = read(path)
    assert text.split() == ["one", *words.split()]
    assert {(segment.span.axis, segment.span.start) for segment in found} == {
        ("page", 1), ("page", 2)
    }  # fmt: skip
    assert warnings == []


@pytest.mark.parametrize("engine", [MUPDF, PDFIUM])
def test_a_book_whose_chapters_are_encrypted_is_refused(engine: str, zipped: Zipped) -> None:
    key = locked("http://www.w3.org/2001/04/xmlenc#aes128-cbc", "O/a.xhtml")
    path = book(zipped, ["a.xhtml"], a=bytes(range(256)), encryption=key)
    with pytest.raises(UnreadableError) as e:
        read(path, engine)
    assert e.value.code == "ENCRYPTED"


@pytest.mark.parametrize("engine", [MUPDF, PDFIUM])
def test_of_a_book_that_is_encrypted_in_part_the_rest_is_read(engine: str, zipped: Zipped) -> None:
    key = locked("http://www.w3.org/2001/04/xmlenc#aes256-cbc", "O/b.xhtml")
    spine = ["a.xhtml", "b.xhtml", "c.xhtml"]
    path = book(zipped, spine, a=chapter("free"), b=b"words" * 20, c=chapter("too"), encryption=key)
    _, text, warnings = read(path, engine)
    assert text.split() == ["free", "too"]
    assert warnings == ["encrypted chapters are not read: O/b.xhtml"]


@pytest.mark.parametrize(
    "algorithm", ["http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"]
)
def test_fonts_that_are_hidden_leave_a_book_as_it_is(algorithm: str, zipped: Zipped) -> None:
    key = locked(algorithm, "O/font.otf")
    found, text, warnings = read(book(zipped, ["a.xhtml"], a=chapter("open words"), encryption=key))
    assert (text.split(), warnings) == (["open", "words"], [])
    assert {segment.span.axis for segment in found} == {"page"}


def test_an_address_that_leads_within_a_chapter_is_its_chapter(zipped: Zipped) -> None:
    path = book(zipped, ["a.xhtml#part", "b.xhtml"], a=chapter("first"), b=chapter("second"))
    assert read(path)[1].split() == ["first", "second"]


def test_a_damaged_chapter_costs_its_damaged_part(zipped: Zipped) -> None:
    words = " ".join(f"word{n * n}" for n in range(3000))
    path = book(zipped, ["a.xhtml", "b.xhtml"], a=chapter(f"BEGIN {words}"), b=chapter("second"))
    data = bytearray(path.read_bytes())
    at = data.index(b"O/a.xhtml") + 4000
    data[at : at + 20] = b"\xff" * 20
    path.write_bytes(data)
    for engine in (MUPDF, PDFIUM):
        _, text, warnings = read(path, engine)
        assert text.startswith("BEGIN word0 word1 word4")
        assert text.rstrip().endswith("second")
        assert "damaged chapters, read only in part: O/a.xhtml" in warnings


@pytest.mark.parametrize("engine", [MUPDF, "pypdfium2"])
def test_a_reading_above_a_word_follows_it_in_brackets(zipped: Zipped, engine: str) -> None:
    words = "<ruby>漢字<rt>かんじ</rt></ruby>を<ruby>学<rp>(</rp><rt>まな</rt><rp>)</rp></ruby>"
    words += "<ruby>食<rt>た</rt>べ<rt></rt></ruby>"
    path = book(zipped, ["a.xhtml"], a=f"<html><body><p>{words}</p></body></html>")
    _, text, warnings = read(path, engine)
    assert ("漢字(かんじ)を学(まな)食(た)べ" in text, warnings) == (True, [])


@pytest.mark.parametrize("name", [MUPDF, "pypdfium2"])
def test_a_book_has_the_date_that_it_states(zipped: Zipped, name: PdfEngine) -> None:
    parts: dict[str, str | bytes] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "O/a.xhtml": "<html><body><p>words</p></body></html>",
        "O/c.opf": '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:date>2012-03-04</dc:date></metadata>'
        '<manifest><item id="0" href="a.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="0"/></spine></package>',
    }
    path = zipped("a.epub", parts)
    info = service(pdf=name).probe(str(path))
    assert info.recorded_at is not None and info.recorded_at.isoformat()[:10] == "2012-03-04"
    assert info.recorded_at_from == "container"


def test_what_an_author_says_of_pictures_is_read_on_their_pages(zipped: Zipped) -> None:
    long = "".join(f"<p>{'The boats wait for the tide. ' * 20}</p>" for _ in range(40))
    none, swan, lock = (
        f'<img src="p.png" {alt}/>' for alt in ('alt=""', "alt='A swan &amp; a mast'", 'alt="Lock"')
    )
    body = f"start</p>{none}{swan}{long}{lock}<p>end"
    path = book(zipped, ["a.xhtml", "b.xhtml"], a=chapter(body), b=chapter("last"))
    drawn = io.BytesIO()
    Image.new("RGB", (40, 40), "red").save(drawn, "PNG")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("O/p.png", drawn.getvalue())
    found, text, _ = read(path)

    said = {s.span.start: s.text for s in found if s.text and "Picture: " in s.text}
    pages = max(int(s.span.start) for s in found)
    assert text.count("Picture: ") == 2
    assert "Picture: A swan & a mast" in said[1]
    assert "Picture: Lock" in said[pages - 1]
