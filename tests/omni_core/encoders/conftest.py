"""Tiny checkpoints, built once a session through the real file formats."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from omni_core.types import (
    SAMPLE_RATE,
    AudioContent,
    Content,
    ImageContent,
    TextContent,
    VideoContent,
)


@pytest.fixture(scope="session")
def tiny() -> ModuleType:
    """The builders of tiny_models.py; skips where the [omni] extra is not installed."""
    for wheel in ("torch", "torchvision", "transformers", "sentence_transformers"):
        pytest.importorskip(wheel, exc_type=ImportError)
    return _module("tiny_models")


@pytest.fixture(scope="session")
def own_module(tiny: ModuleType) -> ModuleType:
    """The builder of a repository with an input module of its own; skips as `tiny` does."""
    return _module("own_module")


@pytest.fixture(scope="session")
def checkpoints(tiny: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`checkpoints("thinker")`: the folder of a bare checkpoint, built on first use."""
    root = tmp_path_factory.mktemp("checkpoints")
    built: dict[str, Path] = {}

    def get(name: str, **options: Any) -> Path:
        key = name + "".join(f"-{k}" for k in options)
        if key not in built:
            built[key] = getattr(tiny, f"build_{name}")(root / key, **options)
        return built[key]

    return get


@pytest.fixture(scope="session")
def media() -> dict[str, Content]:
    """One of everything, and lengths that differ enough to make any padding fault show."""
    rng = np.random.default_rng(3)

    def pixels(h: int, w: int) -> Any:
        coarse = rng.integers(0, 256, (h // 8 + 1, w // 8 + 1, 3), dtype=np.uint8)
        return np.kron(coarse, np.ones((8, 8, 1), np.uint8))[:h, :w]

    def tone(seconds: float, hertz: float) -> Any:
        t = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
        return (0.5 * np.sin(2 * np.pi * hertz * t)).astype(np.float32)

    def video(frames: int, fps: float, audio: Any = None) -> VideoContent:
        shots = np.stack([pixels(72, 96) for _ in range(frames)])
        return VideoContent(
            shots, tuple(i / fps for i in range(frames)), fps, pixels(144, 192), audio
        )

    return {
        "a word": TextContent("fox"),
        "a paragraph": TextContent("the red fox jumps over the lazy dog by the river " * 5),
        "an image": ImageContent(pixels(64, 64)),
        "a page": ImageContent(pixels(220, 160)),
        "a click": AudioContent(tone(0.4, 330.0)),
        "a tune": AudioContent(tone(6.3, 220.0)),
        "a video": video(4, 1.0),
        "a long video": video(9, 1.0),
        "a fast video": video(6, 2.0),
        "a video with audio": video(3, 1.0, tone(3.0, 500.0)),
    }


def _module(name: str) -> ModuleType:
    """A helper beside this file: pytest's importlib mode leaves test folders off sys.path."""
    found = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    found.loader.exec_module(module)
    return module
