"""A Qdrant server that restarts while files are ingested: the ingest waits for it and goes on, and
a search says at once that it does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from omni_core import IngestRequest
from omni_core.engine import outages
from omni_core.engine.checking.looking import look
from omni_core.engine.ingest.outages import Wait
from omni_core.engine.ingest.run import Run
from omni_core.engine.results import FolderStatus, IngestStatus, SearchRequest
from omni_core.errors import StoreError
from omni_core.index.qdrant import nodes
from omni_core.originals import Original
from omni_core.settings import Settings
from tests.omni_core.catalog import postgres_server
from tests.omni_core.catalog.swallowing import Swallowing
from tests.omni_core.index.qdrant_standin import StandIn

pytestmark = pytest.mark.timeout(240)
Opened = Callable[..., Any]
ALWAYS = [0] * 100_000
"""The answers of a server that is gone."""


@pytest.fixture
def server() -> Iterator[StandIn]:
    standin = StandIn()
    yield standin
    standin.failures = []
    standin.close()


@pytest.fixture
def shared(settings: Settings, server: StandIn, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(nodes, "PAUSES_S", (0.01, 0.01, 0.01))
    monkeypatch.setattr(outages, "FIRST_S", 0.05)
    return replace(settings, index="server", qdrant_url=server.url, qdrant_api_key=server.key)


def texts(tmp_path: Path) -> list[str]:
    folder = tmp_path / "texts"
    folder.mkdir()
    for n in range(4):
        words = "\n\n".join(f"Paragraph {p} of {n}. {'word ' * 90}" for p in range(60))
        (folder / f"{n}.txt").write_text(words)
    return [str(path) for path in sorted(folder.iterdir())]


async def test_a_folder_goes_on_when_the_index_is_back_and_one_line_says_that_it_waits(
    opened: Opened, shared: Settings, server: StandIn, tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    paths = await asyncio.to_thread(texts, tmp_path)
    waits = asyncio.Event()

    async def see(status: FolderStatus) -> None:
        now = status.current
        if now is not None and now.segments and not waits.is_set() and not server.failures:
            server.failures = list(ALWAYS)
        if now is not None and "the Qdrant server" in now.waiting_for:
            waits.set()

    async with asyncio.timeout(200), opened(shared) as engine:
        ingest = asyncio.create_task(engine.ingest_folder(paths, progress=see))
        await waits.wait()
        with pytest.raises(StoreError) as told:
            await engine.search(SearchRequest("word"))
        assert told.value.code == "INDEX_UNREACHABLE"
        server.failures = []
        done = (await ingest).done
        assert [s.state for s in done] == ["ready"] * 4
        index = await engine._context.opened_index()
        assert await index.count() == sum(s.segments for s in done)
    assert caplog.text.count("ingests wait for it") == 1
    assert "it answers again" in caplog.text


async def test_an_index_that_stays_away_ends_the_ingest_which_is_kept(
    opened: Opened, shared: Settings, server: StandIn, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    paths = await asyncio.to_thread(texts, tmp_path)
    monkeypatch.setattr(outages, "WAIT_S", 0.3)
    async with asyncio.timeout(200), opened(shared) as engine:
        await engine.ingest(IngestRequest(paths[0]))
        server.failures = list(ALWAYS)
        with pytest.raises(StoreError) as told:
            await engine.ingest_folder(paths)
        assert told.value.code == "INDEX_UNREACHABLE"
        server.failures = []
        again = await engine.ingest_folder(paths)
        assert [s.state for s in again.done] == ["ready"] * 4


@pytest.fixture
def database() -> Iterator[tuple[str, Swallowing]]:
    """PostgreSQL behind a way that can be made to hang: the address by that way, and the way."""
    if why := postgres_server.why_not():
        pytest.skip(why)
    with postgres_server.server() as url:
        parts = urlsplit(url)
        way = Swallowing(parts.hostname or "127.0.0.1", parts.port or 5432)
        yield url.replace(f":{parts.port}/", f":{way.port}/"), way
        way.close()


async def test_a_folder_goes_on_when_the_database_that_hung_answers_again(
    opened: Opened, shared: Settings, database: tuple[str, Swallowing], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from omni_core.catalog import postgres_watch

    monkeypatch.setattr(postgres_watch, "QUIET_S", 0.3)
    monkeypatch.setattr(postgres_watch, "LOOK_S", 0.05)
    paths = await asyncio.to_thread(texts, tmp_path)
    hung, waits = asyncio.Event(), asyncio.Event()
    url, way = database

    async def see(status: FolderStatus) -> None:
        now = status.current
        if now is not None and now.segments and not hung.is_set():
            hung.set()
            way.hang()
        if now is not None and "PostgreSQL" in now.waiting_for:
            waits.set()

    there = replace(shared, catalog=url, catalog_schema=f"outage_{tmp_path.parent.name}"[:60])
    async with asyncio.timeout(200), opened(there) as engine:
        ingest = asyncio.create_task(engine.ingest_folder(paths, progress=see))
        await waits.wait()
        way.flow()
        done = (await ingest).done
        assert [s.state for s in done] == ["ready"] * 4
        index = await engine._context.opened_index()
        assert await index.count() == sum(s.segments for s in done)


async def test_an_outage_that_comes_again_long_after_is_waited_for_and_told_again(
    opened: Opened, shared: Settings, server: StandIn, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """The time that an ingest waits counts from the outage, also where nothing was stored since
    the one before; but what never gets on ends."""
    monkeypatch.setattr(outages, "WAIT_S", 1.0)
    monkeypatch.setattr(outages, "FIRST_S", 0.7)
    paths = await asyncio.to_thread(texts, tmp_path)
    away = StoreError("away", code="INDEX_UNREACHABLE")
    async with asyncio.timeout(100), opened(shared) as engine:
        context = engine._context
        await context.opened_index()
        wait = Wait(context)

        async def nothing(status: IngestStatus) -> None:
            return None

        request = IngestRequest(paths[0])
        status = IngestStatus(request.path, "processing")
        run = Run(request, status, nothing, Original(request.path, request.links))
        for _ in range(outages.TRIES):
            assert await wait.until_back(run, away)
        assert not await wait.until_back(run, away)
        server.failures = list(ALWAYS)
        caplog.clear()
        for _ in range(2):
            assert not await Wait(context).until_back(run, away)
        server.failures = []
    assert caplog.text.count("ingests wait for it") == 2


async def test_a_file_that_is_another_one_after_an_outage_leaves_nothing_half(
    opened: Opened, shared: Settings, server: StandIn, tmp_path: Path
) -> None:
    [path, *_] = await asyncio.to_thread(texts, tmp_path)
    waits = asyncio.Event()

    async def see(status: IngestStatus) -> None:
        if status.segments and not waits.is_set():
            server.failures = list(ALWAYS)
        if "the Qdrant server" in status.waiting_for:
            waits.set()

    async with asyncio.timeout(200), opened(shared) as engine:
        ingest = asyncio.create_task(engine.ingest(IngestRequest(path), progress=see))
        await waits.wait()
        await asyncio.to_thread(Path(path).write_bytes, b"\0\1\2\3 no text any more")
        server.failures = []
        assert (await ingest).state == "failed"
        assert (await engine.sources()).sources == ()
        assert await (await engine._context.opened_index()).count() == 0


async def test_a_key_that_may_only_read_leaves_nothing_of_a_file_that_it_cannot_store(
    opened: Opened, shared: Settings, server: StandIn, tmp_path: Path
) -> None:
    paths = await asyncio.to_thread(texts, tmp_path)
    only_reads = replace(shared, qdrant_api_key=server.read_only_key)
    async with opened(only_reads) as engine:
        with pytest.raises(StoreError) as refused:
            await engine.ingest(IngestRequest(paths[0]))
        assert refused.value.code == "READ_ONLY"
        assert (await engine.sources()).sources == ()
    async with opened(shared) as engine:
        await engine.ingest(IngestRequest(paths[0]))
        (before,) = (await engine.sources()).sources
    async with opened(only_reads) as engine:
        with pytest.raises(StoreError):
            await engine.ingest_folder(paths)
        assert (await engine.sources()).sources == (before,)
        with pytest.raises(StoreError) as refused:
            await engine.forget(before.id)
        assert refused.value.code == "READ_ONLY"
    async with opened(shared) as engine:  # nor is done later what was refused
        await engine._context.opened_index()
        assert (await engine.sources()).sources == (before,)
        assert await engine.bin() == ()


async def test_a_collection_without_an_index_of_its_payloads_is_slow_and_not_lost(
    opened: Opened, shared: Settings, server: StandIn, tmp_path: Path
) -> None:
    paths = await asyncio.to_thread(texts, tmp_path)
    async with opened(shared) as engine:
        await engine.ingest(IngestRequest(paths[0]))
    [name] = server.created
    server.answer("DELETE", f"/collections/{name}/index/page", None)
    (fault,) = (await look(shared)).faults
    assert fault.harmless and "lacks indexes of page: filters are slow" in fault.detail
