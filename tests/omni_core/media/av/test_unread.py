"""What a film holds and nobody reads is named: more pictures, attached files, captions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import pytest

from omni_core.types import CutOptions, FileWarning, Source

WORDS, FILLING = b"\xfc\xc8\xe9", b"\xfc\x80\x80"
"""Two letters, and nothing, of closed captions."""


@pytest.fixture
def warned(svc: Any) -> Any:
    def run(path: Path, **options: Any) -> list[str]:
        info = svc.probe(str(path))
        source = Source("0" * 64, str(path), "a", info.modality, info.mime, 1, info.duration_s)
        items = list(svc.decompose(str(path), source, CutOptions(**options)))
        return [i.message for i in items if isinstance(i, FileWarning)]

    return run


@pytest.fixture
def written(tmp_path: Path, tools: Any) -> Any:
    """A film of two seconds with so many video tracks and these files attached to it."""

    def make(tracks: int = 1, attached: tuple[tuple[str, str], ...] = ()) -> Path:
        path = tmp_path / "film.mkv"
        with av.open(str(path), "w") as c:
            streams = [c.add_stream("mpeg4", rate=10) for _ in range(tracks)]
            for n, stream in enumerate(streams):
                stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
                stream.metadata["title"] = f"camera {n}" if n else ""
            for name, mime in attached:
                c.add_attachment(name, mime, b"words that nobody reads")
            for i in range(20):
                for stream in streams:
                    frame = av.VideoFrame.from_ndarray(tools.barcode(i), format="gray")
                    c.mux(stream.encode(frame.reformat(format="yuv420p")))
            for stream in streams:
                c.mux(stream.encode())
        return path

    return make


@pytest.fixture
def captioned(film: Any, tools: Any, tmp_path: Path) -> Any:
    """A film with these captions in one of its pictures, the fifth."""

    def make(pair: bytes, picture: int = 4) -> Path:
        frames = [tools.barcode(i) for i in range(picture + 46)]
        raw = film(
            frames, suffix=".h264", options={"bf": "0", "slices": "1", "g": "999"}
        ).read_bytes()
        starts = [raw.index(b"\0\0\1\x65")]
        while (at := raw.find(b"\0\0\1\x41", starts[-1] + 4)) >= 0:
            starts.append(at)
        words = b"\xb5\0\x31GA94\x03" + b"\x41\xff" + pair + b"\xff"
        unit = b"\0\0\1\x06\x04" + bytes([len(words)]) + words + b"\x80"
        path = tmp_path / "captions.h264"
        at = starts[picture]
        path.write_bytes(raw[:at] + unit + raw[at:])
        return path

    return make


def test_a_film_with_one_video_track_has_nothing_unread(written: Any, warned: Any) -> None:
    assert warned(written()) == []


def test_a_second_video_track_is_named(written: Any, warned: Any) -> None:
    assert warned(written(tracks=3)) == [
        "pictures not seen: track 2 camera 1, track 3 camera 2",
    ]


def test_an_attached_file_is_named_unless_it_is_a_font(written: Any, warned: Any) -> None:
    files = (("notes.txt", "text/plain"), ("DejaVu.ttf", "application/octet-stream"),
             ("mono", "application/x-truetype-font"))  # fmt: skip
    assert warned(written(attached=files)) == ["attached files not read: notes.txt"]


def test_closed_captions_are_named_where_no_subtitles_are_read(
    captioned: Any, warned: Any, tmp_path: Path
) -> None:
    path, line = captioned(WORDS), "closed captions in the pictures are not read"
    assert warned(path) == [line]
    assert warned(path, fast=True) == [line]
    subtitles = tmp_path / "words.srt"
    subtitles.write_text("1\n00:00:00,000 --> 00:00:01,000\nHi there\n")
    assert warned(path, transcript=str(subtitles)) == []


def test_closed_captions_that_begin_late_are_named(captioned: Any, warned: Any) -> None:
    assert warned(captioned(WORDS, 420)) == ["closed captions in the pictures are not read"]


def test_filling_in_the_place_of_captions_is_none(captioned: Any, warned: Any) -> None:
    assert warned(captioned(FILLING)) == []
