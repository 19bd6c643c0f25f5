"""A warning about a file is a fact of the source, never of one of its segments."""

from __future__ import annotations

import asyncio
from pathlib import Path

import av
import pytest

from omni_core import Engine, IngestRequest, SearchRequest
from omni_core.payload import source_filter

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def torn(media: Path) -> Path:
    """The first half of a Matroska file whose header promises a minute."""
    path = media / "whole.mkv"
    with av.open(str(media / "colours.mp4")) as given, av.open(str(path), "w") as made:
        streams = {s.index: made.add_stream_from_template(s) for s in given.streams}
        for packet in given.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream_index]
                made.mux(packet)
    data = path.read_bytes()
    path.unlink()
    torn = media / "torn.mkv"
    torn.write_bytes(data[: len(data) // 2])
    return torn


async def test_a_video_that_breaks_off_is_searchable_and_its_source_says_what_is_missing(
    engine: Engine, torn: Path
) -> None:
    async with asyncio.timeout(60):
        status = await engine.ingest(IngestRequest(str(torn)))
    assert status.state == "ready"
    assert [w.split(":")[0] for w in status.warnings] == ["the file breaks off"]
    index = await engine._context.opened_index()
    points, _ = await index.scroll(source_filter(status.source_id))
    assert len(points) == status.segments > 0
    assert not any("warning" in p.stored.fields["extra"] for p in points)


async def test_a_video_that_breaks_off_can_be_asked_with(
    engine: Engine, media: Path, torn: Path
) -> None:
    async with asyncio.timeout(60):
        await engine.ingest(IngestRequest(str(media / "fire_truck.png")))
        found = await engine.search(SearchRequest(path=str(torn)))
    assert found.hits[0].title == "fire truck"
