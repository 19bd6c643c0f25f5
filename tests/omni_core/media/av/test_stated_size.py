"""A file that lacks a part of what its header states says so; a whole one does not."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from omni_core.media.av.stated_size import missing
from omni_core.types import CutOptions, FileWarning, Source

SOUNDS = {
    "wav": "pcm_s16le", "w64": "pcm_s16le", "mp3": "libmp3lame", "asf": "wmav2", "avi": "mp3",
}  # fmt: skip


@pytest.fixture
def made(tmp_path: Path, tools: Any, tone: Any) -> Any:
    """Ten seconds of sound, in an AVI and an ASF with pictures."""

    def make(form: str, rate: int = 48000, **options: str) -> Path:
        path = tmp_path / f"whole.{form}"
        with av.open(str(path), "w", format=form, options=options) as c:
            video = c.add_stream("mpeg4", rate=10) if form in ("avi", "asf") else None
            sound = c.add_stream(SOUNDS[form], rate=rate, layout="mono")
            sound.bit_rate = 64_000
            if video is not None:
                video.width, video.height = 160, 120
                for i in range(100):
                    picture = np.full((120, 160, 3), i * 2, np.uint8)
                    c.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
                c.mux(video.encode())
            tools.write_sound(c, sound, tone(10))
        return path

    return make


def warnings(svc: Any, path: Path) -> list[str]:
    info = svc.probe(str(path))
    source = Source("0" * 64, str(path), "", info.modality, info.mime, 1, info.duration_s)
    return [
        i.message
        for i in svc.decompose(str(path), source, CutOptions())
        if isinstance(i, FileWarning)
    ]


@pytest.mark.parametrize("form", list(SOUNDS))
def test_a_file_of_which_a_quarter_is_there_breaks_off(form: str, made: Any, svc: Any) -> None:
    path = made(form)
    assert warnings(svc, path) == []
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 4])
    (warned,) = warnings(svc, path)
    assert warned.startswith("the file breaks off: ")
    assert warned.endswith(" s could be read; the rest is missing or damaged")


def test_the_warning_estimates_what_the_whole_file_would_last(made: Any, svc: Any) -> None:
    path = made("wav")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 4])
    (warned,) = warnings(svc, path)
    assert warned.startswith("the file breaks off: 2.5 of about 10.0 s could be read")


def test_tags_and_padding_behind_a_whole_file_are_no_part_of_it(made: Any, svc: Any) -> None:
    for form in ("wav", "mp3"):
        path = made(form)
        path.write_bytes(path.read_bytes() + b"TAG" + bytes(125))
        assert warnings(svc, path) == []


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000])
def test_a_size_that_was_not_known_when_it_was_written_says_nothing(
    size: int, made: Any, svc: Any
) -> None:
    path = made("wav")
    data = bytearray(path.read_bytes())
    for at in (4, data.index(b"data") + 4):
        data[at : at + 4] = struct.pack("<I", size)
    path.write_bytes(data)
    assert missing(str(path), None, 10.0) == 0
    assert warnings(svc, path) == []


def test_a_large_wav_states_its_size_in_a_chunk_of_its_own(made: Any) -> None:
    path = made("wav", rf64="always")
    size = path.stat().st_size
    assert path.read_bytes()[:4] == b"RF64"
    assert missing(str(path), None, 10.0) == 0
    path.write_bytes(path.read_bytes()[: size // 2])
    assert missing(str(path), None, 5.0) == pytest.approx(5, abs=0.2)


def test_a_broadcast_states_no_size(made: Any) -> None:
    path = made("asf")
    data = bytearray(path.read_bytes())
    at = data.index(bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365"))
    half = len(data) // 2
    path.write_bytes(data[:half])
    assert missing(str(path), None, 5.0) == pytest.approx(5, abs=0.2)
    data[at + 88] |= 1
    path.write_bytes(data[:half])
    assert missing(str(path), None, 5.0) == 0
