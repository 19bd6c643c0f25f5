"""The modality gap of a tiny checkpoint with random weights, measured as on a library."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from omni_core.encoders.transformer.encoder import TransformerEncoder
from omni_core.retrieval import modality_gap
from omni_core.retrieval.null_queries import NULL_QUERIES
from omni_core.settings import Settings
from omni_core.types import SAMPLE_RATE, AudioContent, Channel, Content, ImageContent, TextContent

pytestmark = pytest.mark.omni
ROW = {"dim": 32, "video_pixels": [3136, 12544], "image_pixels": [3136, 12544], "memory_gb": 0}
EACH = 16


@pytest.fixture(scope="module")
def encoder(tiny: ModuleType, checkpoints: Callable[..., Path], tmp_path_factory: Any) -> Any:
    out = tmp_path_factory.mktemp("gap") / "e5-tiny"
    tiny.save_dense(checkpoints("thinker"), out, prompts={"query": "Query: ", "document": ""})
    folder = tiny.describe(out, "e5-omni-3b", **ROW)
    loaded = TransformerEncoder.load(Settings(encoder=str(folder), device="cpu"))
    yield loaded
    loaded.close()


def evidence() -> dict[Channel, list[Content]]:
    random = np.random.default_rng(5)
    words = ["river", "bridge", "letter", "window", "candle", "forest", "engine", "market"]
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    tones = [np.sin(2 * np.pi * 110 * (n + 1) * time).astype(np.float32) for n in range(EACH)]
    pixels = [random.integers(0, 256, (64, 64, 3), dtype=np.uint8) for _ in range(EACH)]
    return {
        Channel.TEXT: [TextContent(" ".join(random.choice(words, 6))) for _ in range(EACH)],
        Channel.VISUAL: [ImageContent(p) for p in pixels],
        Channel.SOUND: [AudioContent(t) for t in tones],
    }


def test_channels_of_a_checkpoint_that_lie_apart_are_brought_to_one_height(encoder: Any) -> None:
    questions = np.stack(encoder.encode_questions([TextContent(q) for q in NULL_QUERIES["en"]]))
    cosines = {c: np.stack(encoder.encode(e)) @ questions.T for c, e in evidence().items()}
    heights = modality_gap.heights(cosines)
    assert set(heights) == {Channel.TEXT, Channel.VISUAL, Channel.SOUND}
    gap = modality_gap.measure(heights)
    assert gap is not None
    low, high = min(h.mean for h in heights.values()), max(h.mean for h in heights.values())
    aligned = [
        np.mean([gap.align(float(s), c) for s in found.ravel()]) for c, found in cosines.items()
    ]
    assert max(aligned) - min(aligned) < (high - low) / 2
