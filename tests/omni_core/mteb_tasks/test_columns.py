"""Rows of mteb's data sets without mteb."""

from __future__ import annotations

import io
import wave
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from omni_core.errors import BadRequestError
from omni_core.mteb_tasks import columns
from omni_core.types import AudioContent, ImageContent, TextContent, VideoContent

TONE = np.sin(2 * np.pi * 440 * np.arange(44_100) / 44_100).astype(np.float32)


def wav() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as f:
        f.setnchannels(1)
        f.setsampwidth(2)
        f.setframerate(44_100)
        f.writeframes((TONE * 20_000).astype(np.int16).tobytes())
    return out.getvalue()


def test_a_row_of_several_columns_is_several_contents() -> None:
    row = {"id": "d1", "text": "a red wall", "image": Image.new("L", (8, 6)), "audio": None}
    text, image = columns.contents(row)
    assert isinstance(text, TextContent)
    assert isinstance(image, ImageContent)
    assert image.pixels.shape == (6, 8, 3)
    assert columns.contents({"id": "d2"}) == []


@pytest.mark.parametrize("stereo", [False, True])
def test_sound_of_any_rate_becomes_16_khz_mono(stereo: bool) -> None:
    array = np.stack([TONE, TONE]) if stereo else TONE
    heard = columns.samples({"array": array, "sampling_rate": 44_100})
    assert heard.dtype == np.float32
    assert heard.shape[0] == pytest.approx(16_000, abs=40)
    peak = np.abs(np.fft.rfft(heard[:16_000], 16_000)).argmax()
    assert peak == pytest.approx(440, abs=1)


class Decoder:
    """A clip as torchcodec's VideoDecoder gives it: `frames` numbered by their red."""

    def __init__(self, frames: int, seconds: float) -> None:
        self._data = np.zeros((frames, 3, 4, 6), np.uint8)
        self._data[:, 0] = (np.arange(frames) % 256)[:, None, None]
        self.metadata = SimpleNamespace(duration_seconds=seconds)

    def __len__(self) -> int:
        return len(self._data)

    def get_frames_at(self, indices: list[int]) -> Any:
        return SimpleNamespace(data=self._data[indices])


def test_a_clip_gives_two_frames_a_second_from_its_first_to_its_last() -> None:
    taken = columns.frames(Decoder(250, seconds=10.0))
    assert taken.shape == (20, 4, 6, 3)
    assert (taken[0, 0, 0, 0], taken[-1, 0, 0, 0]) == (0, 249)
    assert len(columns.frames(Decoder(9000, seconds=300.0))) == columns.MAX_FRAMES
    assert len(columns.frames(Decoder(5, seconds=0.2))) == 1
    assert columns.frames(np.zeros((7, 3, 4, 6), np.uint8)).shape == (7, 4, 6, 3)


def test_the_sound_of_a_film_is_part_of_the_film() -> None:
    row = {"video": Decoder(50, 2.0), "audio": {"array": TONE, "sampling_rate": 44_100}}
    (clip,) = columns.contents(row)
    assert isinstance(clip, VideoContent)
    assert clip.audio is not None
    assert clip.times == (0.0, 0.5, 1.0, 1.5)
    (sound,) = columns.contents({"audio": row["audio"]})
    assert isinstance(sound, AudioContent)


def test_a_row_is_written_as_the_files_that_it_holds(tmp_path: Path) -> None:
    row = {
        "id": "d1", "title": "Walls", "text": "A red wall.",
        "image": Image.new("RGB", (8, 6)), "audio": {"bytes": wav(), "path": None},
    }  # fmt: skip
    text, image, sound = columns.files(row, tmp_path, "00000001")
    assert text.read_text() == "Walls\n\nA red wall."
    assert (image.name, sound.name) == ("00000001-image.png", "00000001-audio.wav")
    with Image.open(image) as opened:
        assert opened.size == (8, 6)
    with pytest.raises(BadRequestError, match="measure the encoder alone"):
        columns.files({"video": Decoder(5, 1.0)}, tmp_path, "x")
