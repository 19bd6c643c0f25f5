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


@pytest.mark.parametrize("named", ["ref", "cite"])
@pytest.mark.parametrize("argument", ["not_like", "exclude"])
async def test_what_is_named_as_unwanted_never_comes_back(
    engine: Engine, media: Path, named: str, argument: str
) -> None:
    await ready(engine, media / "colours.mp4", media / "lake.jpg")
    query = "meadow behind the station"
    first = (await engine.search(SearchRequest(query))).hits[0]
    unwanted = first.ref if named == "ref" else first.cite
    request = SearchRequest(
        query,
        not_like=(unwanted,) if argument == "not_like" else (),
        exclude=unwanted if argument == "exclude" else "",
    )
    found = await engine.search(request)
    answers = [*found.hits, *([found.nearest] if found.nearest else [])]
    for hit in answers:
        assert hit.ref != first.ref and hit.cite != first.cite
        if hit.source_id == first.source_id and hit.start_s is not None:
            assert first.start_s is not None and first.end_s is not None
            assert hit.end_s is not None
            assert hit.end_s <= first.start_s + 0.5 or hit.start_s >= first.end_s - 0.5
