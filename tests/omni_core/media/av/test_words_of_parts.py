"""Each part of a joined file tells its own titles and chapters, at its own seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import pytest

from omni_core.types import CHAPTER_ORIGIN, Channel


@pytest.fixture
def radio(tmp_path: Path, tone: Any, tools: Any) -> Any:
    """Ogg files of four seconds each, with these tags, joined byte by byte."""

    def make(*tags: dict[str, str]) -> Path:
        joined = b""
        for n, of_part in enumerate(tags):
            path = tmp_path / f"{n}.ogg"
            with av.open(str(path), "w") as c:
                stream = c.add_stream("libopus", rate=48000, layout="mono")
                stream.metadata.update(of_part)
                tools.write_sound(c, stream, tone(4, hz=300 + 100 * n))
            joined += path.read_bytes()
        whole = tmp_path / "radio.ogg"
        whole.write_bytes(joined)
        return whole

    return make


def told(segments: Any) -> list[tuple[float, float, str, str]]:
    return [
        (round(s.span.start), round(s.span.end), s.origin, s.text)
        for s in segments
        if s.channel is Channel.TEXT
    ]


def test_the_titles_of_later_parts_are_told_where_they_are_heard(radio: Any, cut: Any) -> None:
    path = radio(
        {"title": "First song", "artist": "Nina Berg"},
        {"title": "Second song", "artist": "Olaf Tal", "comment": "A live recording"},
    )
    assert told(cut(path)) == [
        (0, 0, "file tags", "artist: Nina Berg"),
        (4, 8, "file tags", "title: Second song; artist: Olaf Tal"),
        (4, 8, "description", "A live recording"),
    ]


def test_what_every_part_says_is_told_once(radio: Any, cut: Any) -> None:
    same = {"title": "The long show", "artist": "Radio Tal"}
    assert told(cut(radio(same, same, same))) == [(0, 0, "file tags", "artist: Radio Tal")]


def test_chapters_of_later_parts_lie_in_them(radio: Any, cut: Any) -> None:
    chapters = {
        "CHAPTER001": "00:00:01.000", "CHAPTER001NAME": "The mill",
        "CHAPTER002": "00:00:03.000", "CHAPTER002NAME": "The weir",
    }  # fmt: skip
    found = told(cut(radio({"title": "One"}, {"title": "Two"} | chapters)))
    assert [one for one in found if one[2] == CHAPTER_ORIGIN] == [
        (5, 7, CHAPTER_ORIGIN, "The mill"),
        (7, 8, CHAPTER_ORIGIN, "The weir"),
    ]
