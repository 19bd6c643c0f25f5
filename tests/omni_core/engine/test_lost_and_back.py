"""Sources whose segments an index lost are what they were once it has them again: it was the index
of a wrong address, or a server that had not loaded all of its data."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omni_core import Engine, IngestRequest
from omni_core.catalog import SqliteCatalog
from omni_core.engine.checking.looking import look
from omni_core.engine.checking.mending import mend
from omni_core.errors import OmniError
from omni_core.payload import source_filter
from omni_core.settings import Settings

pytestmark = pytest.mark.timeout(300)


async def put(engine: Engine, tmp_path: Path, name: str = "notes") -> str:
    path = tmp_path / f"{name}.md"
    path.write_text(f"# {name}\n\nThe ferry of {name} leaves at seven.\n")
    status = await engine.ingest(IngestRequest(str(path)))
    assert status.state == "ready", status
    return str(status.source_id)


async def taken_out(engine: Engine, source: str) -> list[Any]:
    """The points of a source, which the index does not have any more."""
    index = await engine._context.opened_index()
    page, _ = await index.scroll(source_filter(source))
    points = await index.get([p.id for p in page], vectors=True)
    await index.delete(source_filter(source))
    return points


async def test_an_index_that_was_only_away_leaves_no_source_partial(
    opened: Callable[..., Any], settings: Settings, tmp_path: Path
) -> None:
    async with opened() as engine:
        await put(engine, tmp_path)
        before = (await engine.sources()).sources
    wrong = replace(settings, index="memory")  # of an index that is empty
    for _ in range(2):  # the second look must not take what the first one found for what should be
        async with opened(wrong) as engine:
            await engine.ready(60)
            (row,) = (await engine.sources()).sources
            assert (row.state, row.segments) == ("partial", 0)
            assert f"of its {before[0].segments} segments" in row.warnings[0]
    assert [f.harmless for f in (await look(settings)).faults] == [True]
    async with opened() as engine:
        await engine.ready(60)
        assert (await engine.sources()).sources == before
    assert (await look(settings)).faults == ()


async def test_a_known_file_is_ready_only_where_the_index_holds_it(
    opened: Callable[..., Any], settings: Settings, tmp_path: Path
) -> None:
    async with opened() as engine:
        await put(engine, tmp_path)
        assert (await engine.ingest(IngestRequest(str(tmp_path / "notes.md")))).already
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))  # nobody listens
        away = replace(settings, index="server", qdrant_url=f"127.0.0.1:{s.getsockname()[1]}")
        no_file = replace(away, qdrant_url="https://127.0.0.1", qdrant_ca=str(tmp_path / "none"))
        for wrong, code in ((away, "INDEX_UNREACHABLE"), (no_file, "BAD_ARGUMENT")):
            async with opened(wrong) as engine:
                with pytest.raises(OmniError) as told:
                    await engine.ingest(IngestRequest(str(tmp_path / "notes.md")))
                assert told.value.code == code  # the ingest ends: no file is at fault
                assert [r.state for r in (await engine.sources()).sources] == ["ready"]
    async with opened(replace(settings, index="memory")) as engine:  # an index that is empty
        await put(engine, tmp_path)
        assert await (await engine._context.opened_index()).count() == 2


async def test_a_server_that_loads_the_rest_later_is_compared_again(
    opened: Callable[..., Any], settings: Settings, tmp_path: Path
) -> None:
    async with opened(replace(settings, index="memory")) as engine:
        source = await put(engine, tmp_path)
        before = (await engine.sources()).sources
        catalog, held = engine._context.catalog, engine._context.index
        points = await taken_out(engine, source)
        await held._compare()
        assert (await engine.sources()).sources[0].state == "partial"
        await held.look_for_lost()
        assert (await engine.sources()).sources[0].state == "partial"
        index = await engine._context.opened_index()
        await index.upsert(points[:1])
        await held._compare()
        (row,) = (await engine.sources()).sources
        assert (row.state, row.segments) == ("partial", 1)
        await index.upsert(points)
        await held.look_for_lost()
        assert (await engine.sources()).sources == before
        assert await asyncio.to_thread(catalog.expected) == {}


async def test_what_is_ingested_again_and_fails_can_still_come_back(
    opened: Callable[..., Any], settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(replace(settings, index="memory")) as engine:
        source = await put(engine, tmp_path)
        before = (await engine.sources()).sources
        points = await taken_out(engine, source)
        held, index = engine._context.index, await engine._context.opened_index()
        await held._compare()

        async def fails(*_: Any, **__: Any) -> Any:
            raise ValueError("a fault in the decoder")

        with monkeypatch.context() as patch:
            patch.setattr("omni_core.engine.ingest.file.run_here", fails)
            status = await engine.ingest(IngestRequest(str(tmp_path / "notes.md")))
        assert status.state == "failed"
        assert (await engine.sources()).sources[0].state == "partial"
        await index.upsert(points)
        await held.look_for_lost()
        assert (await engine.sources()).sources == before


async def test_what_is_ingested_again_whole_is_ready_and_has_nothing_to_wait_for(
    opened: Callable[..., Any], settings: Settings, tmp_path: Path
) -> None:
    async with opened(replace(settings, index="memory")) as engine:
        source = await put(engine, tmp_path)
        before = (await engine.sources()).sources[0]
        await taken_out(engine, source)
        await engine._context.index._compare()
        await put(engine, tmp_path)
        (row,) = (await engine.sources()).sources
        assert (row.state, row.segments, row.warnings) == ("ready", before.segments, ())
        assert await asyncio.to_thread(engine._context.catalog.expected) == {}


async def test_the_doctor_makes_whole_what_is_there_again(
    opened: Callable[..., Any], settings: Settings, tmp_path: Path
) -> None:
    async with opened() as engine:
        await put(engine, tmp_path)
    async with opened(replace(settings, index="memory")) as engine:
        await engine.ready(60)
    said = await mend(settings)
    assert said.done == ["all segments are there again: 1 source"], said

    def states() -> list[str]:
        with SqliteCatalog(settings.store_path, read_only=True) as catalog:
            return [row.state for row in catalog.list()[0]]

    assert await asyncio.to_thread(states) == ["ready"]


async def test_what_the_index_lost_while_it_was_given_is_partial_and_whole_when_ingested_again(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = await engine._context.opened_index()
    path = tmp_path / "notes.md"
    path.write_text("# Ferries\n\nOne leaves at seven.\n\n# Trains\n\nOne leaves at nine.\n")
    upsert = index.upsert
    with monkeypatch.context() as patch:
        patch.setattr(index, "upsert", lambda points: upsert(list(points)[1:]))
        status = await engine.ingest(IngestRequest(str(path)))
    (row,) = (await engine.sources()).sources
    assert (status.state, row.state) == ("partial", "partial")
    assert status.segments == row.segments == await index.count(source_filter(row.id))
    assert "ingest the file again" in status.warnings[0]
    again = await engine.ingest(IngestRequest(str(path)))
    assert again.state == "ready" and again.segments > status.segments
    assert await index.count(source_filter(row.id)) == again.segments
