"""A question asked by example: the example itself is never among its answers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from omni_core import Engine, IngestRequest, SearchRequest

pytestmark = pytest.mark.timeout(120)


async def ready(engine: Engine, *paths: Path) -> list[str]:
    async with asyncio.timeout(60):
        done = [await engine.ingest(IngestRequest(str(p))) for p in paths]
    assert {status.state for status in done} == {"ready"}
    return [status.source_id for status in done]


async def test_a_segment_asked_by_example_is_not_its_own_answer(
    engine: Engine, media: Path
) -> None:
    (source,) = await ready(engine, media / "colours.mp4")
    example = (await engine.search(SearchRequest("meadow behind the station"))).hits[0].ref
    found = await engine.search(SearchRequest(ref=example, per_source=20, limit=20))
    assert found.hits, "the other shots of the video are answers"
    assert {h.source_id for h in found.hits} == {source}
    assert example not in {h.ref for h in found.hits}


async def test_a_moment_asked_by_example_leaves_out_every_segment_it_covers(
    engine: Engine, media: Path
) -> None:
    (source,) = await ready(engine, media / "colours.mp4")
    found = await engine.search(SearchRequest(ref=f"{source}@20-40", per_source=20, limit=20))
    answers = [*found.hits, *([found.nearest] if found.nearest else [])]
    assert answers, "the other shots of the video are at least near"
    for hit in answers:
        assert hit.start_s is not None and hit.end_s is not None
        assert hit.end_s <= 20.5 or hit.start_s >= 39.5, (hit.start_s, hit.end_s)


async def test_a_source_asked_by_example_finds_others_though_its_own_are_allowed(
    engine: Engine, media: Path
) -> None:
    lake, video = await ready(engine, media / "lake.jpg", media / "colours.mp4")
    found = await engine.search(SearchRequest(ref=lake))
    assert [h.source_id for h in found.hits] == [video] * len(found.hits)
    assert found.hits
