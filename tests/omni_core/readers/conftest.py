"""Readers as ingest loads them, and things for them to hear and to see."""

from __future__ import annotations

import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from omni_core import readers
from omni_core.settings import Settings
from omni_core.types import Samples

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(store=str(tmp_path_factory.mktemp("readers")), threads=2)


@pytest.fixture(scope="session")
def _loaded(settings: Settings) -> dict[str, Any]:
    found, missing = readers.load(settings)
    assert missing == []
    return {reader.name: reader for reader in found}


@pytest.fixture
def speech(_loaded: dict[str, Any]) -> Iterator[Any]:
    yield _loaded["speech"]
    _loaded["speech"].flush("src_a")
    _loaded["speech"].flush("src_b")


@pytest.fixture
def screen_text(_loaded: dict[str, Any]) -> Iterator[Any]:
    yield _loaded["screen_text"]
    _loaded["screen_text"].flush("src_a")


@pytest.fixture(scope="session")
def voice() -> Samples:
    """3 s: "He was not an ill-disposed young man,"."""
    with wave.open(str(DATA / "sense_and_sensibility_0880.wav")) as f:
        assert f.getframerate() == 16_000
        raw = f.readframes(f.getnframes())
    return np.frombuffer(raw, np.int16).astype(np.float32) / np.float32(32768)


@pytest.fixture(scope="session")
def draw() -> Callable[..., Any]:
    """Lines of words as a picture (height, width, 3)."""

    def _draw(
        *lines: str, size: int = 34, edge: tuple[int, int] = (854, 480), left: int = 60,
        paper: Any = "white", ink: Any = "black",
    ) -> Any:  # fmt: skip
        picture = Image.new("RGB", edge, paper)
        pen = ImageDraw.Draw(picture)
        for i, line in enumerate(lines):
            place = (left, 40 + i * size * 1.6)
            pen.text(place, line, font=ImageFont.load_default(size), fill=ink)
        return np.asarray(picture)

    return _draw
