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
from omni_core.engine.search import pipeline
from omni_core.index.memory import MemoryIndex
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
VISUAL = Channel.VISUAL
WORDS = (
    *("harbour", "ledger", "copper", "violin", "monsoon", "turbine", "orchard", "glacier"),
    *("parliament", "lantern", "cobalt", "saddle", "quarry", "meridian", "pepper", "anchor"),
    *("tunnel", "marble", "falcon", "compass", "barley", "canal", "ribbon", "furnace"),
)
COLOURS = {"red": (220, 20, 20), "blue": (20, 40, 220), "green": (20, 200, 40),
           "yellow": (240, 220, 20), "black": (5, 5, 5), "white": (250, 250, 250)}  # fmt: skip


@pytest.fixture
def model(install: Callable[..., None], settings: Settings) -> Callable[..., Settings]:
    """Settings for a model with the given heights of texts and pictures."""
    installed: set[str] = set()
    made: list[str] = []

    def make(text: float, picture: float, **changes: Any) -> Settings:
        name = f"apart_{10 * text:.0f}_{10 * picture:.0f}"
        if name not in installed:
            installed.add(name)
            code = CODE.format(text=text, picture=picture, name=name)
            install(name, code, {"encoders": f"{name} = {name}:Apart"})
        store = f"{settings.store}-{len(made)}"
        made.append(store)
        return replace(settings, encoder=name, index="memory", store=store, **changes)

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

    return [(h.title, h.why[0]) for h in found.hits]


async def fill(engine: Engine, folder: Path, names: str = "*") -> None:
    for path in sorted(folder.glob(names)):
        await engine.ingest(IngestRequest(str(path)))


async def test_the_starved_channel_is_found_once_its_height_is_known(
    opened: Any, model: Any, library: Path
) -> None:
    first: dict[str, int] = {}
    for setting in ("off", "auto"):
        async with opened(model(GAP, 0.0, modality_gap=setting)) as engine:
            await fill(engine, library)
            found = [await asked(engine, f"{WORDS[n]} {c}") for n, c in enumerate(COLOURS)]
            first[setting] = sum(hits[0] == (f"p{n}", VISUAL) for n, hits in enumerate(found))
    assert first == {"off": 0, "auto": len(COLOURS)}


async def test_a_channel_does_not_vanish_when_another_fills_the_candidates(
    opened: Any, model: Any, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "PREFETCH_LIMIT", 12)  # there are 24 texts
    held: dict[str, int] = {}
    for setting in ("off", "auto"):
        async with opened(model(GAP, 0.0, modality_gap=setting)) as engine:
            await fill(engine, library)
            found = [await asked(engine, f"something {c}") for c in COLOURS]
            held[setting] = sum((f"p{n}", VISUAL) in hits for n, hits in enumerate(found))
    assert held == {"off": 0, "auto": len(COLOURS)}


async def test_where_there_is_no_gap_nothing_changes(
    opened: Any, model: Any, library: Path
) -> None:
    answers = []
    for setting in ("off", "auto"):
        async with opened(model(GAP, GAP, modality_gap=setting)) as engine:
            await fill(engine, library)
            questions = [f"{WORDS[n]} {c}" for n, c in enumerate(COLOURS)]
            answers.append([await engine.search(SearchRequest(q, limit=20)) for q in questions])
            assert engine._context.calibrated.gap is None
    assert answers[0] == answers[1]


async def test_a_channel_that_comes_later_is_measured_when_a_question_meets_it(
    opened: Any, model: Any, library: Path
) -> None:
    async with opened(model(GAP, 0.0)) as engine:
        await fill(engine, library, "t*.txt")
        await asked(engine, "harbour red")
        assert set(engine._context.calibrated.heights) == {Channel.TEXT}
        await fill(engine, library, "p*.png")
        await asked(engine, "harbour red")
        assert (await asked(engine, "harbour red"))[0] == ("p0", VISUAL)
        known = engine._context.calibrated
        await asked(engine, "copper blue")
        assert engine._context.calibrated is known


async def test_a_question_costs_one_search_of_the_index(
    opened: Any, model: Any, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    search = MemoryIndex.search

    async def counted(self: MemoryIndex, prefetches: Any, **more: Any) -> Any:
        calls.append(len(prefetches))
        return await search(self, prefetches, **more)

    monkeypatch.setattr(MemoryIndex, "search", counted)
    async with opened(model(GAP, 0.0)) as engine:
        await fill(engine, library)
        await asked(engine, "copper blue")
        calls.clear()
        await asked(engine, "harbour red")
        assert calls == [len(engine._context.info.channels) + 1]


async def test_models_with_measured_thresholds_are_not_calibrated(
    opened: Any, settings: Settings, library: Path
) -> None:
    async with opened(replace(settings, index="memory")) as engine:
        await fill(engine, library)
        assert await asked(engine, "harbour red")
        assert engine._context.calibrated is None
