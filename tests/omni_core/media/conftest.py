"""Media made at test time, small and with known truth."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image, ImageDraw

from bench import priority
from omni_core.media.service import MediaService, service
from omni_core.types import CutOptions, Segment, Source, VideoContent

Cutter = Callable[..., list[Segment]]
FilmMaker = Callable[..., Path]
RATE = 48000


@pytest.fixture(scope="session")
def svc() -> MediaService:
    return service()


@pytest.fixture
def cut(svc: MediaService) -> Cutter:
    """Probe and decompose a file; keyword arguments are CutOptions."""

    def run(path: Path, **options: Any) -> list[Segment]:
        info = svc.probe(str(path), options.get("password"))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        source = Source(
            digest, str(path), info.title, info.modality, info.mime, 1, info.duration_s, info.pages
        )
        pieces = svc.decompose(str(path), source, CutOptions(**options))
        return [piece for piece in pieces if isinstance(piece, Segment)]

    return run


def barcode(i: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """(120, 160) grey: twelve bars are the bits of `i`."""
    a = np.full((120, 160), 60, np.uint8)
    for b in range(12):
        a[20:60, 10 + b * 12 : 20 + b * 12] = 235 if (i >> b) & 1 else 16
    a[70:110, (i * 5) % 120 : (i * 5) % 120 + 30] = 200
    return a


@pytest.fixture(scope="session")
def read_barcode() -> Callable[[Any], int]:
    """The number in a frame of the barcode film, upright, of any size."""

    def read(rgb: Any) -> int:
        grey = rgb.mean(axis=2)
        y, x = grey.shape[0] / 120, grey.shape[1] / 160
        cells = [
            grey[int(28 * y) : int(52 * y), int((12.5 + b * 12) * x) : int((17.5 + b * 12) * x)]
            for b in range(12)
        ]
        return sum(int(cell.mean() > 125) << b for b, cell in enumerate(cells))

    return read


def scene(number: int) -> Callable[[int], np.ndarray[Any, np.dtype[np.uint8]]]:
    """A moving scene unlike the others: (240, 320, 3)."""
    rng = np.random.default_rng(number)
    small = rng.integers(0, 255, (6, 8, 3), dtype=np.uint8)
    big = np.asarray(Image.fromarray(small).resize((640, 480), Image.Resampling.BICUBIC))

    def draw(i: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
        return np.ascontiguousarray(big[i : i + 240, 2 * i : 2 * i + 320])

    return draw


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> FilmMaker:
    """Write a film: `frames` RGB or grey pictures, optional 48 kHz mono sound."""
    folder = tmp_path_factory.mktemp("films")
    made = iter(range(10_000))

    def make(
        frames: Sequence[Any],
        *,
        suffix: str = ".mp4",
        fps: int = 25,
        codec: str = "libx264",
        sound: Any = None,
        sound_codec: str = "aac",
        sound_at: float = 0.0,
        at: Sequence[int] | None = None,
        options: dict[str, str] | None = None,
        form: dict[str, str] | None = None,
        tags: dict[str, str] | None = None,
        rotate: int = 0,
        name: str = "",
    ) -> Path:
        path = folder / (name or f"film{next(made)}{suffix}")
        with priority.kept(), av.open(str(path), "w", options=form or {}) as c:
            c.metadata.update(tags or {})
            v = c.add_stream(codec, rate=fps)
            v.height, v.width = frames[0].shape[:2]
            v.pix_fmt = "yuv420p"
            v.options = options or ({"crf": "18"} if codec == "libx264" else {})
            if rotate:
                v.set_display_rotation(rotate)
            a = c.add_stream(sound_codec, rate=RATE, layout="mono") if sound is not None else None
            for n, pixels in enumerate(frames):
                kind = "rgb24" if pixels.ndim == 3 else "gray"
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format=kind)
                frame = frame.reformat(format="yuv420p")
                frame.pts = n if at is None else at[n]
                frame.time_base = Fraction(1, fps)
                c.mux(v.encode(frame))
            c.mux(v.encode())
            if a is not None:
                write_sound(c, a, sound, round(sound_at * RATE))
        return path

    return make


def write_sound(c: Any, stream: Any, samples: Any, first: int = 0) -> None:
    """Encode mono float samples from sample number `first` on."""
    for i in range(0, len(samples) - 1023, 1024):
        block = samples[None, i : i + 1024].astype(np.float32)
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, first + i, Fraction(1, RATE)
        c.mux(stream.encode(frame))
    c.mux(stream.encode())


@pytest.fixture(scope="session")
def tone() -> Callable[..., Any]:
    """Sound at 48 kHz: a tone with a pause in the middle of each `every` seconds."""

    def make(seconds: float, *, hz: float = 440, every: float = 0, gap: float = 0.4) -> Any:
        t = np.arange(int(seconds * RATE)) / RATE
        x = 0.4 * np.sin(2 * np.pi * hz * t) + 0.02 * np.sin(2 * np.pi * 97 * t)
        if every:
            x[(t % every) > every - gap] = 0.0
        return x.astype(np.float32)

    return make


@pytest.fixture(scope="session")
def barcode_film(film: FilmMaker, tone: Callable[..., Any]) -> Path:
    """Eight seconds of numbered frames with sound."""
    return film([barcode(i) for i in range(200)], sound=tone(8), options={"g": "50", "bf": "3"})


@pytest.fixture(scope="session")
def slide() -> Callable[[str], Any]:
    """A white page with words, (360, 480, 3)."""

    def draw(words: str) -> Any:
        image = Image.new("RGB", (480, 360), (250, 250, 245))
        pen = ImageDraw.Draw(image)
        for row, line in enumerate(words.split("\n")):
            pen.text((20, 20 + row * 40), line, (10, 10, 10), font_size=28)
        return np.asarray(image)

    return draw


def shots(segments: Sequence[Segment]) -> list[Segment]:
    """The segments that are shots."""
    return [s for s in segments if isinstance(s.content, VideoContent)]


@pytest.fixture(scope="session")
def tools() -> Any:
    """Helpers of this folder, since test modules cannot import one another."""
    from types import SimpleNamespace

    return SimpleNamespace(barcode=barcode, scene=scene, shots=shots, write_sound=write_sound)
