"""No medium refuses what another could read, and no damaged binary file is read as text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from omni_core.errors import UnreadableError
from omni_core.media.service import service
from omni_core.types import (
    CutOptions,
    FileWarning,
    Modality,
    Segment,
    Source,
)

SENTENCE = "The otters of the lower river were counted at dawn by two volunteers."


def read(svc: Any, path: Path) -> tuple[str, str, list[str]]:
    """MIME type, all words, all warnings."""
    info = svc.probe(str(path))
    source = Source("0" * 64, str(path), info.title, info.modality, info.mime, 1, info.duration_s)
    items = list(svc.decompose(str(path), source, CutOptions()))
    warned = [*info.warnings, *(i.message for i in items if isinstance(i, FileWarning))]
    return info.mime, "\n".join(i.text for i in items if isinstance(i, Segment)), warned


@pytest.mark.parametrize(
    ("name", "text", "mime"),
    [
        ("about.md", f"# Formats\n\n`%PDF-1.7` begins a PDF. {SENTENCE}\n", "text/markdown"),
        ("gif.txt", f"GIF89a is the format of 1989. {SENTENCE}", "text/plain"),
        ("tags.txt", f"ID3 tags come first. {SENTENCE}", "text/plain"),
        ("ogg.md", f"OggS begins every page. {SENTENCE}", "text/markdown"),
        ("notes.srt", f"Remember. {SENTENCE}\nNothing more.", "text/plain"),
        ("answer.html", '{"says": "' + SENTENCE + ' <b>"}', "application/json"),
        ("answer", '{"says": "' + SENTENCE + '"}', "application/json"),
        ("answer.txt", '[{"says": "' + SENTENCE + '"}]', "application/json"),
        ("wiki.txt", f"[[otters]] {SENTENCE}", "text/plain"),
        ("list.txt", f'["a", b] is no JSON. {SENTENCE}', "text/plain"),
        ("plain.json", SENTENCE, "text/plain"),
        ("letter.csv", f"Dear all, we met, and talked.\n{SENTENCE}\nYours, Ada", "text/plain"),
        ("prose.csv", f"{SENTENCE}\n{SENTENCE}\n", "text/plain"),
        ("prose.tsv", f"{SENTENCE}\n{SENTENCE}\n", "text/plain"),
        ("note.eml", f"Hello Ada,\n\nas we said: {SENTENCE}\n", "text/plain"),
        ("page.txt", f"<p>{SENTENCE}</p>", "text/html"),
        ("page.mp4", f"<html><body>{SENTENCE}</body></html>", "text/html"),
        ("README", SENTENCE, "text/plain"),
    ],
)
def test_a_text_is_read_whatever_its_name_and_its_first_words_promise(
    name: str, text: str, mime: str, tmp_path: Path, svc: Any
) -> None:
    (tmp_path / name).write_text(text)
    found, words, warnings = read(svc, tmp_path / name)
    assert (found, warnings) == (mime, [])
    assert SENTENCE in words


@pytest.mark.parametrize("name", ["a.pdf", "a.txt", "a", "a.md"])
def test_a_damaged_pdf_of_nothing_but_text_is_no_text(name: str, tmp_path: Path, svc: Any) -> None:
    broken = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<<>>\n"
    for data in (broken, b"\n\n" + broken, b"X-Cache: none\n\n" + broken):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UnreadableError):
            read(svc, tmp_path / name)


@pytest.mark.parametrize(
    "data",
    [b"GIF89a\x01\0\x01\0\0\0\0;nothing", b"ID3\x03\0\0\0\0\0\x0f" + b"words " * 60, b"OggS\0\2 x"],
)
def test_a_damaged_binary_file_is_no_text(data: bytes, tmp_path: Path, svc: Any) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    with pytest.raises(UnreadableError) as e:
        read(svc, tmp_path / "a.txt")
    assert e.value.code == "CORRUPT_MEDIA"


PLUGIN = """
from omni_core.errors import UnreadableError
from omni_core.protocols import Medium
from omni_core.types import *

class Notes(Medium):
    rank = 5
    kinds = "notes (NTS)"

    def matches(self, head, suffix):
        return head.startswith(b"NOTES")

    def probe(self, path, password=None):
        if "none" in path:
            raise UnreadableError("no notes", code="UNSUPPORTED_TYPE")
        if "damaged" in path:
            raise UnreadableError("damaged notes", code="CORRUPT_MEDIA")
        if "locked" in path:
            raise UnreadableError("locked notes", code="ENCRYPTED")
        return MediaInfo(Modality.DOCUMENT, "text/x-notes")

    def decompose(self, path, source, options):
        yield FileWarning("a note is torn")
        if "late" in path:
            yield Segment(source.id, source.modality, Channel.TEXT, Span("char", 0, 1),
                          TextContent("first"), "first")
        raise ValueError("broken")
"""


@pytest.fixture
def with_notes(install: Callable[..., None]) -> Iterator[Any]:
    install("notes-medium", PLUGIN, {"media": "notes = notes_medium:Notes"})
    yield service()


def test_the_next_medium_reads_what_the_first_says_is_none_of_its_own(
    with_notes: Any, tmp_path: Path
) -> None:
    (tmp_path / "none.txt").write_text(f"NOTES on otters: {SENTENCE}")
    assert read(with_notes, tmp_path / "none.txt")[0] == "text/plain"
    assert read(with_notes, tmp_path / "none.txt")[2] == []


def test_what_one_medium_calls_damaged_is_read_by_another_with_a_warning(
    with_notes: Any, tmp_path: Path
) -> None:
    (tmp_path / "damaged.txt").write_text(f"NOTES on otters: {SENTENCE}")
    mime, words, warnings = read(with_notes, tmp_path / "damaged.txt")
    assert (mime, warnings) == ("text/plain", ["read as text/plain: it cannot be read as notes"])
    assert SENTENCE in words


def test_a_failure_before_the_first_segment_is_mended_and_a_later_one_is_not(
    with_notes: Any, tmp_path: Path
) -> None:
    (tmp_path / "early.txt").write_text(f"NOTES on otters: {SENTENCE}")
    _, words, warnings = read(with_notes, tmp_path / "early.txt")
    assert SENTENCE in words and warnings == []
    (tmp_path / "late.txt").write_text(f"NOTES on otters: {SENTENCE}")
    with pytest.raises(UnreadableError, match=r"'late\.txt' cannot be decoded"):
        read(with_notes, tmp_path / "late.txt")


def test_a_password_is_asked_for_and_the_first_error_stands(
    with_notes: Any, tmp_path: Path
) -> None:
    (tmp_path / "locked.txt").write_text("NOTES")
    with pytest.raises(UnreadableError) as e:
        with_notes.probe(str(tmp_path / "locked.txt"))
    assert e.value.code == "ENCRYPTED"
    (tmp_path / "none.bin").write_bytes(b"NOTES\0\1\2\3")
    with pytest.raises(UnreadableError, match="no notes"):
        with_notes.probe(str(tmp_path / "none.bin"))


def test_a_file_that_changes_is_looked_at_again(tmp_path: Path, svc: Any) -> None:
    path = tmp_path / "a.csv"
    path.write_text("name,born\nAda,1815\n")
    assert read(svc, path)[0] == "text/csv"
    path.write_text(f"{SENTENCE}\n{SENTENCE}\n")
    assert read(svc, path)[0] == "text/plain"


def test_a_source_of_one_kind_is_never_cut_as_another(with_notes: Any, tmp_path: Path) -> None:
    path = tmp_path / "early.txt"
    path.write_text("NOTES")
    source = Source("0" * 64, str(path), "a", Modality.IMAGE, "image/png", 1)
    with pytest.raises(UnreadableError):
        list(with_notes.decompose(str(path), source, CutOptions()))
