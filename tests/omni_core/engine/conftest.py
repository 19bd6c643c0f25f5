"""A whole engine on the weightless encoder, and media made on the spot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile

import av
import numpy as np
import pytest
from PIL import Image

from omni_core import Engine
from omni_core.settings import Settings, load
from tests.blocking import blocking_calls_fail


@pytest.fixture(autouse=True)
def nothing_blocks_the_event_loop() -> Iterator[None]:
    with blocking_calls_fail():
        yield


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(
        {
            "store": str(tmp_path / "store"),
            "encoder": "hashing",
            "index": "edge",
            "speech": "off",
            "screen_text": "off",
            "timezone": "UTC",
            "decode_stall_s": 30.0,
        },
        environ={},
    )


@pytest.fixture
def opened(settings: Settings) -> Callable[..., object]:
    """A factory: the same store may be opened again, as after a restart."""

    @asynccontextmanager
    async def open_again(chosen: Settings = settings) -> AsyncIterator[Engine]:
        engine = await Engine.open(chosen)
        try:
            yield engine
        finally:
            await engine.close()

    return open_again


@pytest.fixture
async def engine(opened: Callable[..., object]) -> AsyncIterator[Engine]:
    async with opened() as e:  # type: ignore[attr-defined]
        yield e


@pytest.fixture
def media(tmp_path: Path) -> Iterator[Path]:
    """A folder with a red and a blue picture, a text, a film of three colours with subtitles."""
    folder = tmp_path / "media"
    folder.mkdir()
    Image.new("RGB", (320, 240), (220, 20, 20)).save(folder / "fire_truck.png")
    Image.new("RGB", (320, 240), (20, 40, 220)).save(folder / "lake.jpg")
    (folder / "notes.md").write_text(
        "# Volcano trip\n\nThe magma chamber lies four kilometres below the crater.\n\n"
        "Invoice E-1042 covers the gas masks.\n"
    )
    film(folder / "colours.mp4", [(220, 20, 20), (20, 200, 40), (20, 40, 220)], seconds=20)
    (folder / "colours.srt").write_text(
        "1\n00:00:01,000 --> 00:00:19,000\nFirst we look at the fire engine.\n\n"
        "2\n00:00:21,000 --> 00:00:39,000\nThe meadow behind the station is green.\n\n"
        "3\n00:00:41,000 --> 00:00:59,000\nAt last the deep lake.\n"
    )
    yield folder


def film(path: Path, colours: list[tuple[int, int, int]], seconds: float, fps: int = 5) -> None:
    """Each colour for so many seconds, with a tone, so that frames tell their time."""
    path.write_bytes(_film(path.suffix, tuple(colours), seconds, fps))


@cache  # encoding it takes longer than most tests
def _film(
    suffix: str, colours: tuple[tuple[int, int, int], ...], seconds: float, fps: int
) -> bytes:
    with NamedTemporaryFile(suffix=suffix) as file, av.open(file.name, "w") as out:
        video = out.add_stream("libx264", rate=fps, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 160, 120, "yuv420p"
        sound = out.add_stream("aac", rate=16000, layout="mono")
        n = 0
        for colour in colours:
            for _ in range(int(seconds * fps)):
                frame = av.VideoFrame.from_ndarray(
                    np.full((120, 160, 3), colour, np.uint8), format="rgb24"
                )
                frame.pts, frame.time_base = n, Fraction(1, fps)
                n += 1
                out.mux(video.encode(frame))
        total = int(len(colours) * seconds * 16000)
        wave = 0.1 * np.sin(2 * np.pi * 440 * np.arange(total) / 16000)
        for start in range(0, total - 1023, 1024):
            block = av.AudioFrame.from_ndarray(
                wave[None, start : start + 1024].astype(np.float32), format="fltp", layout="mono"
            )
            block.sample_rate, block.pts, block.time_base = 16000, start, Fraction(1, 16000)
            out.mux(sound.encode(block))
        out.mux(video.encode(None))
        out.mux(sound.encode(None))
        out.close()
        return Path(file.name).read_bytes()
