"""A model whose pictures lie lower than its texts by a known offset: calibration finds them.

Vectors have one number more than those of `hashing`. Questions and texts lie in it at `GAP`,
pictures at 0: any text, also one about something else, has a cosine that is higher by the square
of `GAP`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from omni_core import Engine, IngestRequest, SearchRequest
from omni_core.settings import Settings
from omni_core.types import Channel

CODE = """
import dataclasses
import numpy as np
from omni_core.encoders.hashing import HashingEncoder
from omni_core.types import TextContent

class Apart(HashingEncoder):
    text, picture = {text}, {picture}

    @classmethod
    def describe(cls, settings):
        known = HashingEncoder.describe(settings)
        return dataclasses.replace(known, name="{name}", dim=known.dim + 1)

    def encode(self, contents):
        found = super().encode(contents)
        return [None if v is None else self.lifted(v, c) for v, c in zip(found, contents)]

    def lifted(self, vector, content):
        height = self.text if isinstance(content, TextContent) else self.picture
        return np.append(np.sqrt(1 - height**2) * vector, height).astype(np.float32)
"""
GAP = 0.7
WORDS = (
    "harbour ledger copper violin monsoon turbine orchard glacier parliament lantern cobalt saddle "
    "quarry meridian pepper anchor tunnel marble falcon compass barley canal ribbon furnace"
).split()
COLOURS = {"red": (220, 20, 20), "blue": (20, 40, 220), "green": (20, 200, 40),
           "yellow": (240, 220, 20), "black": (5, 5, 5), "white": (250, 250, 250)}  # fmt: skip


@pytest.fixture
def model(install: Callable[..., None], settings: Settings) -> Callable[..., Settings]:
    """Settings for a model with the given heights of texts and pictures."""

    def make(text: float, picture: float, **changes: Any) -> Settings:
        name = f"apart-{text}-{picture}".replace(".", "")
        code = CODE.format(text=text, picture=picture, name=name)
        install(
            f"omni-{name}", code, {"encoders": f"{name} = {f'omni-{name}'.replace('-', '_')}:Apart"}
        )
        return replace(settings, encoder=name, index="memory", **changes)

    return make


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A picture of each colour and 24 texts about nothing that a colour is."""
    folder = tmp_path / "library"
    folder.mkdir()
    for n, pixels in enumerate(COLOURS.values()):
        Image.new("RGB", (160, 120), pixels).save(folder / f"p{n}.png")
    random = np.random.default_rng(3)
    for n in range(24):
        text = " ".join(random.choice(WORDS, 12))
        (folder / f"t{n}.txt").write_text(f"{text}.\n")
    return folder


async def asked(engine: Engine, words: str) -> list[tuple[str, Channel]]:
    found = await engine.search(SearchRequest(words, limit=10, per_source=10))
    titles = {r.id: r.title for r in (await engine.list_sources()).sources}
    return [(titles[h.source_id], h.why[0]) for h in found.hits]


async def fill(engine: Engine, folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        await engine.ingest(IngestRequest(str(path)))


async def test_the_starved_channel_is_found_once_its_height_is_known(
    opened: Any, model: Any, library: Path
) -> None:
    async with opened(model(GAP, 0.0, modality_gap="off")) as engine:
        await fill(engine, library)
        raw = {c: await asked(engine, f"something {c}") for c in COLOURS}
    assert all(channel is not Channel.VISUAL for hits in raw.values() for _, channel in hits)


async def test_debug(opened: Any, model: Any, library: Path) -> None:
    async with opened(model(GAP, 0.0)) as engine:
        await fill(engine, library)
        for n, c in enumerate(COLOURS):
            print(n, c, await asked(engine, f"something {c}"))
        print(
            engine._context.calibrated.heights,
            engine._context.calibrated.gap,
            engine._context.calibrated.by_channel,
        )
    assert 0
