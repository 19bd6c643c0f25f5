"""Searches within a collection: the same hits, whether or not the index is given the condition."""

from __future__ import annotations

import hashlib
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omni_core import Engine, IngestRequest, Modality, SearchRequest
from omni_core.engine.search.scope import Scope, scope_of
from omni_core.index.edge import EdgeIndex
from omni_core.index.memory import MemoryIndex
from omni_core.payload import StoredSegment, in_collection, of_modalities, of_sources
from omni_core.points import Point, ScoredPoint
from omni_core.query import Filter, Prefetch
from omni_core.settings import Settings
from omni_core.text import bm25
from omni_core.types import Channel, EncoderInfo, Segment, Source, Span

INFO = EncoderInfo("tests/tiny", "r1", 16, frozenset(Channel))
WORDS = ["amber", "basalt", "cedar", "delta", "ember", "fjord", "glacier", "harbour", "island"]


class Asked:
    """An index that keeps the filters it was asked with."""

    def __init__(self, index: Any) -> None:
        self.index, self.filters = index, list[Filter | None]()

    async def search(
        self, prefetches: Any, *, filter: Filter | None = None
    ) -> list[list[ScoredPoint]]:
        self.filters.append(filter)
        found: list[list[ScoredPoint]] = await self.index.search(prefetches, filter=filter)
        return found


@pytest.fixture(params=["memory", "edge"])
async def index(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    found = MemoryIndex(INFO) if request.param == "memory" else EdgeIndex(tmp_path, INFO)
    await found.open()
    yield found
    await found.close()


def library(seed: int, elsewhere: float) -> list[Point]:
    """160 segments of 16 sources; a share of the sources is in another collection."""
    rnd, rng = random.Random(seed), np.random.default_rng(seed)  # noqa: S311
    points = []
    for number in range(16):
        sha256 = hashlib.sha256(f"{seed} {number}".encode()).hexdigest()
        source = Source(sha256, f"/{number}", f"film {number}", list(Modality)[number % 4], "", 1)
        names = (
            ["team"] if rnd.random() < elsewhere else rnd.choice([["default"], ["team", "default"]])
        )
        for at in range(10):
            text = " ".join(rnd.choices(WORDS, k=3 + at))
            segment = Segment(source.id, source.modality, Channel.TEXT,
                              Span("second", float(at), at + 1.0), text=text)  # fmt: skip
            vector = rng.normal(size=16).astype(np.float32)
            points.append(Point(segment.id, vector, bm25.document(text),
                                StoredSegment.of(segment, source, names)))  # fmt: skip
    return points


def _seen(rankings: list[list[ScoredPoint]]) -> list[list[tuple[float, str]]]:
    return [sorted((-round(p.score, 5), p.id) for p in hits) for hits in rankings]


@pytest.mark.parametrize("elsewhere", [0.0, 0.1, 0.6])
async def test_whatever_the_catalog_says_the_hits_are_those_of_the_whole_filter(
    index: Any, elsewhere: float
) -> None:
    rnd, rng = random.Random(1), np.random.default_rng(1)  # noqa: S311
    for seed in range(3):
        await index.upsert(points := library(seed, elsewhere))
        for _ in range(6):
            one = of_sources([points[rnd.randrange(160)].stored.source_id])
            more = rnd.choice([(), (of_modalities([Modality.AUDIO]),), (one,)])
            exact = Scope(Filter((in_collection("default"), *more)), 16, 160)
            guessed = replace(exact, collection="default")
            words = bm25.question(" ".join(rnd.choices(WORDS, k=2)))
            vector = rng.normal(size=16).astype(np.float32)
            asked = [Prefetch(vector, limit=500), Prefetch(words, "bm25", 500)]
            wanted = await exact.search(index, asked)
            assert all("default" in p.stored.collections for hits in wanted for p in hits)
            assert _seen(await guessed.search(index, asked)) == _seen(wanted)


async def test_the_index_is_asked_a_second_time_only_when_a_hit_is_of_another_collection() -> None:
    memory = MemoryIndex(INFO)
    points = library(0, 0.0)
    await memory.upsert(points)
    index: Any = Asked(memory)
    whole = Filter((in_collection("default"), of_modalities([Modality.AUDIO])))
    scope = Scope(whole, 16, 160, collection="default")
    vector = np.ones(16, np.float32)
    await scope.search(index, [Prefetch(vector, limit=500)])
    assert index.filters == [Filter((of_modalities([Modality.AUDIO]),))]

    # another ingest adds a source to another collection after the catalog was asked
    late = next(p for p in points if p.stored.modality is Modality.AUDIO)
    stored = late.stored.in_collections(["team"])
    await memory.upsert([replace(late, id=late.id[::-1], stored=stored)])
    found = await scope.search(index, [Prefetch(vector, limit=500)])
    assert index.filters[2:] == [whole]
    assert found[0] and all("default" in p.stored.collections for p in found[0])


@pytest.fixture
async def engine(
    opened: Callable[..., Any], settings: Settings, media: Path
) -> AsyncIterator[Engine]:
    async with opened(replace(settings, index="memory")) as engine:
        for name in ("fire_truck.png", "notes.md"):
            await engine.ingest(IngestRequest(str(media / name)))
        yield engine


async def test_the_collection_is_left_out_while_it_holds_every_source(
    engine: Engine, media: Path
) -> None:
    context = engine._context
    assert (await scope_of(context, SearchRequest("x"))).collection == "default"
    await engine.ingest(IngestRequest(str(media / "lake.jpg"), collection="team"))
    assert (await scope_of(context, SearchRequest("x"))).collection == ""
    assert (await scope_of(context, SearchRequest("x", collection="team"))).collection == ""
    one = await scope_of(context, SearchRequest("x", source="notes"))
    assert one.collection == "default"  # found there
    result = await engine.search(SearchRequest("lake blue picture", limit=20))
    assert result.searched_sources == 2
    assert not any(h.title == "lake" for h in result.hits)


async def test_kinds_are_no_condition_where_all_of_them_are_named(engine: Engine) -> None:
    scope = await scope_of(engine._context, SearchRequest("x", modality=tuple(Modality)))
    assert scope.filter == Filter(must=(in_collection("default"),))
