"""MP3 is known by its frames, also behind what is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from omni_core.errors import UnreadableError
from omni_core.media.av.mpeg_audio import frame_bytes, is_mpeg_audio
from omni_core.types import Modality


@pytest.fixture(scope="module")
def mp3(tmp_path_factory: pytest.TempPathFactory, tools: Any, tone: Any) -> bytes:
    path = tmp_path_factory.mktemp("mp3") / "a.mp3"
    with av.open(str(path), "w", options={"id3v2_version": "0", "write_xing": "0"}) as c:
        tools.write_sound(c, c.add_stream("libmp3lame", rate=48000, layout="mono"), tone(3))
    return path.read_bytes()


@pytest.mark.parametrize(
    "before",
    [bytes(1500), bytes(6000), np.random.default_rng(3).bytes(900), b"\xff\xff\xff" * 40],
    ids=["zeros", "many zeros", "junk", "fill bytes"],
)
def test_what_precedes_the_first_frame_does_not_matter(
    before: bytes, mp3: bytes, svc: Any, tmp_path: Path
) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(before + mp3)
    info = svc.probe(str(path))
    assert info.modality is Modality.AUDIO
    assert info.duration_s == pytest.approx(3, abs=0.15)


def test_a_name_alone_makes_no_sound(svc: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(np.random.default_rng(2).bytes(3000))
    with pytest.raises(UnreadableError) as e:
        svc.probe(str(path))
    assert e.value.code == "UNSUPPORTED_TYPE"


def test_random_bytes_are_no_frames() -> None:
    heads = (np.random.default_rng(n).bytes(4096) for n in range(200))
    assert not any(is_mpeg_audio(head, ".mp3") and head[0] != 0xFF for head in heads)


def test_a_header_without_its_first_byte_is_none(mp3: bytes) -> None:
    assert frame_bytes(mp3[:6]) > 0
    assert [frame_bytes(bytes([first]) + mp3[1:6]) for first in range(255)] == [0] * 255
