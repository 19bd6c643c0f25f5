"""A tiny EmbeddingGemma 2 with random weights, as the three graphs of the published export."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from omni_core.encoders.gemma import files
from omni_core.encoders.gemma.encoder import GemmaEncoder
from omni_core.settings import Settings


@pytest.fixture(scope="session")
def checkpoint(tiny: ModuleType, checkpoints: Callable[..., Path]) -> Path:
    """The folder in transformers' format; skips without the [omni] extra."""
    return checkpoints("gemma", dim=768)


@pytest.fixture(scope="session")
def plain(checkpoint: Path) -> Any:
    """The transformers implementation of the same weights."""
    from transformers import EmbeddingGemma2Model

    return EmbeddingGemma2Model.from_pretrained(checkpoint, attn_implementation="eager").eval()


@pytest.fixture(scope="session")
def folder(checkpoint: Path, plain: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in the layout of the export, with float32 weights."""
    from bench import gemma_export

    out = tmp_path_factory.mktemp("gemma") / files.NAME
    gemma_export.export_text(plain, out / files.TEXT_GRAPH)
    gemma_export.export_vision(plain, out / files.VISION_GRAPH)
    gemma_export.export_audio(plain, out / files.AUDIO_GRAPH)
    for name in (files.TOKENIZER, files.PROCESSOR):
        (out / name).write_bytes((checkpoint / name).read_bytes())
    return out


@pytest.fixture(scope="session")
def gemma(folder: Path) -> Callable[..., GemmaEncoder]:
    """Make an encoder of that folder; `dim` cuts its vectors."""

    def make(dim: int = 768) -> GemmaEncoder:
        info = GemmaEncoder.describe(Settings())
        return GemmaEncoder(folder, replace(info, dim=dim), threads=1)

    return make
