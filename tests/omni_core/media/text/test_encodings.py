"""Text media and encodings: the words are right, and a guess is a warning of the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from omni_core.types import CutOptions, FileWarning, Segment, Source

RUSSIAN = (
    "Смотритель маяка каждый вечер поднимается по лестнице и зажигает лампу. В марте шторм "
    "разрушил северную дамбу, и вода дошла до крыльца старой школы."
)


def read(svc: Any, path: Path) -> tuple[str, list[str]]:
    info = svc.probe(str(path))
    source = Source("0" * 64, str(path), info.title, info.modality, info.mime, 1, info.duration_s)
    items = list(svc.decompose(str(path), source, CutOptions()))
    words = " ".join(i.text for i in items if isinstance(i, Segment))
    return words, [*info.warnings, *(i.message for i in items if isinstance(i, FileWarning))]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", RUSSIAN),
        ("a.md", f"# {RUSSIAN}"),
        ("a.html", f"<html><body><p>{RUSSIAN}</p></body></html>"),
        ("a.csv", f'имя,текст\nлампа,"{RUSSIAN}"\n'),
        ("a.json", '{"text": "' + RUSSIAN + '"}'),
        ("a.srt", f"1\n00:00:01,000 --> 00:00:09,000\n{RUSSIAN}\n"),
        ("a.eml", f"Subject: a\nFrom: b@example.org\nDate: today\n\n{RUSSIAN}\n"),
    ],
)
def test_a_guess_is_warned_about_once_in_every_medium_of_text(
    name: str, text: str, tmp_path: Path, svc: Any
) -> None:
    path = tmp_path / name
    path.write_bytes(text.encode("koi8-r"))
    words, warnings = read(svc, path)
    assert "разрушил северную дамбу" in words
    assert [w.partition(",")[0] for w in warnings] == ["read as KOI8-R"]
    path.write_text(text, encoding="utf-8")
    assert read(svc, path)[1] == []


def test_mail_is_read_as_it_declares_unless_that_cannot_be(tmp_path: Path, svc: Any) -> None:
    path = tmp_path / "a.eml"
    head = "Subject: =?x-unknown?Q?lamp?=\nFrom: a@example.org\nContent-Type: text/plain; charset="
    for label, page in (("koi8-r", "koi8-r"), ("iso-8859-1", "utf-8"), ("us-ascii", "utf-8")):
        path.write_bytes(f"{head}{label}\n\n".encode() + RUSSIAN.encode(page))
        words, warnings = read(svc, path)
        assert "разрушил северную дамбу" in words and "lamp" in words
        assert warnings == []
