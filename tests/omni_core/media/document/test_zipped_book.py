"""FictionBook in a ZIP, as libraries of books hand it out."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from omni_core.errors import OmniError
from omni_core.types import CutOptions, FileWarning, Segment, Source

BOOK = (
    '<?xml version="1.0" encoding="windows-1251"?><FictionBook xmlns="http://www.gribuser.ru/xml/'
    'fictionbook/2.0"><description><title-info><book-title>Тёмные аллеи</book-title></title-info>'
    "</description><body><section><title><p>Глава первая</p></title><p>В холодное осеннее "
    "ненастье.</p></section></body></FictionBook>"
).encode("cp1251")


def zipped(**files: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_", "."), content)
    return made.getvalue()


def read(svc: Any, path: Path) -> tuple[str, str, list[str]]:
    """Title, words and warnings."""
    info = svc.probe(str(path))
    source = Source("ab" * 32, str(path), info.title, info.modality, info.mime, 1)
    items = list(svc.decompose(str(path), source, CutOptions()))
    words = " ".join(i.text for i in items if isinstance(i, Segment))
    return info.title, words, [i.message for i in items if isinstance(i, FileWarning)]


@pytest.mark.parametrize("name", ["bunin.fb2.zip", "bunin.fbz", "a.zip"])
def test_a_book_in_a_zip_is_read_as_the_book(name: str, tmp_path: Path, svc: Any) -> None:
    path = tmp_path / name
    path.write_bytes(zipped(b_fb2=BOOK))
    title, words, warnings = read(svc, path)
    assert title == "Тёмные аллеи" and warnings == []
    assert "В холодное осеннее ненастье." in words and "Глава первая" in words


def test_a_book_without_a_name_is_named_as_its_file(tmp_path: Path, svc: Any) -> None:
    path = tmp_path / "winter.fb2.zip"
    path.write_bytes(zipped(b_fb2=b"<?xml version='1.0'?><FictionBook><p>Snow.</p></FictionBook>"))
    assert read(svc, path)[:2] == ("winter.fb2", "Snow.")


def test_a_zip_of_several_books_says_what_to_do(tmp_path: Path, svc: Any) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(zipped(a_fb2=BOOK, b_fb2=BOOK))
    with pytest.raises(OmniError, match=r"ZIP archive of a\.fb2, b\.fb2; unpack it") as e:
        svc.probe(str(path))
    assert e.value.code == "UNSUPPORTED_TYPE"


def test_a_book_whose_zip_is_damaged_keeps_what_precedes_the_damage(
    tmp_path: Path, svc: Any
) -> None:
    path = tmp_path / "a.fb2.zip"
    lines = "".join(f"<p>Line {n} of the long winter {n * n}.</p>" for n in range(5000))
    whole = zipped(b_fb2=f"<?xml version='1.0'?><FictionBook>{lines}</FictionBook>".encode())
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + bytes(64) + whole[middle + 64 :])
    _, words, warnings = read(svc, path)
    assert "Line 9 of the long winter 81." in words
    assert warnings == ["cut short or damaged, read only as far as it goes: a.fb2.zip"]


KML = b"<?xml version='1.0'?><kml xmlns='x'><Document><name>Bays</name></Document></kml>"


@pytest.mark.parametrize(
    ("name", "parts", "title", "words", "others"),
    [
        ("a.kmz", {"doc.kml": KML, "files/a.png": b"x"}, "Bays", "Bays", "files/a.png"),
        ("a.htmlz", {"index.html": b"<title>Bays</title><p>Low tide", "style.css": b"",
                     "metadata.opf": b"<a/>", "images/a.png": b"x"},
         "Bays", "Low tide", "images/a.png"),
        ("a.textpack", {"a.textbundle/text.md": b"# Bays\n\nLow *tide*",
                        "a.textbundle/info.json": b"{}"},
         "Bays", "# Bays\n\nLow *tide*", ""),
    ],
)  # fmt: skip
def test_one_text_in_a_zip_is_read_and_the_files_beside_it_named(
    name: str, parts: dict[str, bytes], title: str, words: str, others: str, tmp_path: Path,
    svc: Any,
) -> None:  # fmt: skip
    made = tmp_path / name
    with zipfile.ZipFile(made, "w") as archive:
        for part, content in parts.items():
            archive.writestr(part, content)

    found = read(svc, made)

    assert found[:2] == (title, words)
    assert [w.split(": ")[1].split(";")[0] for w in found[2]] == ([others] if others else [])
