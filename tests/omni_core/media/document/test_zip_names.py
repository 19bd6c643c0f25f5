"""Names in zips whose encoding is not marked: the ones that were meant."""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest

from omni_core.errors import UnreadableError
from omni_core.media.document.zip_names import names_of

CONTAINER = (
    '<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
    '<rootfiles><rootfile full-path="c.opf"/></rootfiles></container>'
)
BOOK = (
    '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf"><metadata/><manifest>'
    '<item id="a" href="%s" media-type="application/xhtml+xml"/></manifest>'
    '<spine><itemref idref="a"/></spine></package>'
)
CHAPTER = '<html xmlns="http://www.w3.org/1999/xhtml"><body><p>The heron nests.</p></body></html>'


def unmarked(path: Path, name: bytes, parts: dict[str, str]) -> None:
    """A zip whose part `?` has a name of these bytes, without the mark of UTF-8."""
    held = "Q" * len(name)
    with zipfile.ZipFile(path, "w") as archive:
        for part, content in parts.items():
            archive.writestr(part.replace("?", held), content)
    path.write_bytes(path.read_bytes().replace(held.encode(), name))


@pytest.mark.parametrize(
    ("page", "name"),
    [
        ("cp437", "Größe.txt"),
        ("cp850", "Größe der Häuser.txt"),
        ("cp1252", "Größe.txt"),
        ("cp852", "Zażółć gęślą.txt"),
        ("cp932", "灯台.txt"),
        ("cp932", "ひらがな/カタカナ 第1話.jpg"),
        ("gbk", "报告第一.doc"),
        ("big5", "報告.doc"),
        ("cp949", "보고서.hwp"),
        ("cp866", "Отчёт.doc"),
        ("cp866", "Договор аренды/Приложение 1.docx"),
        ("cp1251", "Отчёт за май.doc"),
        ("utf-8", "Größe 报告.doc"),
    ],
)
def test_a_name_in_the_code_page_of_its_maker_is_the_one_that_was_meant(
    page: str, name: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.zip"
    unmarked(path, name.encode(page), {"?": "x"})
    with zipfile.ZipFile(path) as archive:
        meant, without = names_of(archive.infolist())
    assert list(meant.values()) == [name]
    assert len(without) == 1


def test_a_marked_name_and_an_ascii_one_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    names = ("éáâ.txt", "a.txt")
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    with zipfile.ZipFile(path) as archive:
        assert names_of(archive.infolist()) == ({name: name for name in names}, frozenset())


def test_a_refused_archive_is_told_with_the_names_that_were_meant(tmp_path: Path, svc: Any) -> None:
    path = tmp_path / "a.zip"
    unmarked(path, "报告第一.doc".encode("gbk"), {"?": "x"})
    with pytest.raises(UnreadableError, match="a ZIP archive of 报告第一"):
        svc.probe(str(path))


@pytest.mark.parametrize("page", ["utf-8", "cp437"])
def test_a_chapter_under_an_unmarked_name_is_read(page: str, tmp_path: Path, cut: Any) -> None:
    path = tmp_path / "a.epub"
    parts = {"META-INF/container.xml": CONTAINER, "c.opf": BOOK % "Gr%C3%B6%C3%9Fe.xhtml"}
    unmarked(path, "Größe.xhtml".encode(page), {**parts, "?": CHAPTER})
    assert "The heron nests." in "".join(segment.text for segment in cut(path))


@pytest.mark.parametrize(
    ("page", "first", "second"),
    [
        ("cp866", "Отчёт за май.doc", "Größe.txt"),
        ("cp437", "Größe.txt", "Отчёт за май.doc"),
        ("cp932", "灯台の写真.jpg", "報告第一.jpg"),
        ("gbk", "报告第一.doc", "Договор.doc"),
    ],
)
def test_names_of_several_programs_are_each_the_one_that_was_meant(
    page: str, first: str, second: str
) -> None:
    """The second one is UTF-8 without its mark."""
    stored = [first.encode(page).decode("cp437"), second.encode().decode("cp437")]
    meant, _ = names_of([zipfile.ZipInfo(name) for name in stored])
    assert [meant[name] for name in stored] == [first, second]


def test_a_name_beside_that_in_a_code_page_is_taken_unless_it_was_renamed() -> None:
    data = "Отчёт за май".encode("cp866")
    for crc, name in ((zlib.crc32(data), "фараон.txt"), (1, "Отчёт за май")):
        entry = zipfile.ZipInfo(data.decode("cp437"))
        field = b"\1" + struct.pack("<I", crc) + "фараон.txt".encode()
        entry.extra = b"UX\2\0ab" + struct.pack("<HH", 0x7075, len(field)) + field
        assert names_of([entry])[0][entry.filename] == name
