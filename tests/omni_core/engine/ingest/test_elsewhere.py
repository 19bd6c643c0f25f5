"""A file that another process ingests: this one waits, and goes on where that one is gone."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omni_core import Engine, IngestRequest, IngestStatus
from omni_core.encoders.hashing import HashingEncoder
from omni_core.engine import store
from omni_core.engine.ingest import file, reading
from omni_core.engine.results import FolderStatus
from omni_core.errors import BadRequestError, UnreadableError
from omni_core.files import sha256_of
from omni_core.ids import PIPELINE
from omni_core.settings import Settings, load
from omni_core.types import Modality, Source

MODEL = HashingEncoder.describe(load({}, environ={})).fingerprint


@pytest.fixture
def shared(settings: Settings, url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(file, "POLL_S", 0.05)
    monkeypatch.setattr(store, "OF_ONE_PROCESS", frozenset())  # there is one process: this one
    schema = f"engine_{settings.store_path.parent.name}"[:60]
    return replace(settings, catalog=url, catalog_schema=schema, index="memory")


async def take(other: Any, path: Path) -> Source:
    """Let the other process begin this file."""
    found = Source(sha256_of(path), str(path), path.stem, Modality.DOCUMENT, "text/plain", 1)

    def begin() -> None:
        other.begin(found, collection="default", mtime_ns=1, model=MODEL, pipeline=PIPELINE)

    await asyncio.to_thread(begin)
    return found


@pytest.mark.parametrize("index", ["edge", "memory"])
async def test_an_index_of_one_process_is_refused_beside_a_shared_catalog(
    settings: Settings, index: str
) -> None:
    with pytest.raises(BadRequestError, match="--qdrant"):
        await Engine.open(replace(settings, catalog="postgresql://h/d", index=index))


async def test_a_file_waits_for_the_process_that_ingests_it(
    shared: Settings, other: Any, media: Path
) -> None:
    waits = asyncio.Event()

    async def progress(status: IngestStatus) -> None:
        if status.stage == "waiting" and status.waiting_for.startswith(file.ELSEWHERE):
            waits.set()

    async with asyncio.timeout(120), await Engine.open(shared) as engine:
        held = await take(other, media / "notes.md")
        job = asyncio.create_task(
            engine.ingest(IngestRequest(str(media / "notes.md")), progress=progress)
        )
        await waits.wait()
        await asyncio.to_thread(other.finish, held.sha256, segments=3)
        status = await job
        assert (status.state, status.already, status.segments) == ("ready", True, 3)


async def test_a_folder_goes_on_with_the_other_files_and_takes_over_from_the_dead(
    shared: Settings, other: Any, media: Path
) -> None:
    others_done = asyncio.Event()

    async def progress(status: FolderStatus) -> None:
        if status.files_done == 2:
            others_done.set()

    async with asyncio.timeout(120), await Engine.open(shared) as engine:
        await take(other, media / "fire_truck.png")
        paths = [str(media / name) for name in ("fire_truck.png", "lake.jpg", "notes.md")]
        job = asyncio.create_task(engine.ingest_folder(paths, progress=progress))
        await others_done.wait()
        assert not job.done()
        await asyncio.to_thread(other.close)  # or its lease runs out
        status = await job
        assert [s.state for s in status.done] == ["ready"] * 3
        assert not any(s.already for s in status.done)
        assert len((await engine.sources()).sources) == 3


async def test_a_process_that_slept_is_not_believed(
    shared: Settings, other: Any, media: Path
) -> None:
    """Its source was taken over while it was cutting."""
    async with asyncio.timeout(120), await Engine.open(shared) as engine:
        await engine.ready()
        catalog: Any = engine._context.catalog
        begun, taken = catalog.begin, asyncio.Event()
        loop = asyncio.get_running_loop()

        def begin(source: Source, **facts: Any) -> Any:
            answer = begun(source, **facts)
            if not taken.is_set():
                with other._writing() as db:
                    db.execute("UPDATE sources SET lease_until = now() - make_interval(secs => 1)")
                other.begin(source, **facts)
                loop.call_soon_threadsafe(taken.set)
            return answer

        catalog.begin = begin
        job = asyncio.create_task(engine.ingest(IngestRequest(str(media / "notes.md"))))
        await taken.wait()
        row = await asyncio.to_thread(other.list)
        await asyncio.to_thread(other.finish, row[0][0].sha256, segments=7)
        status = await job
        assert (status.state, status.segments) == ("ready", 7)


async def test_a_file_that_another_process_completed_a_moment_ago_is_not_ingested_again(
    shared: Settings, other: Any, media: Path
) -> None:
    """It was begun and completed after this process had looked for it."""
    async with asyncio.timeout(120), await Engine.open(shared) as engine:
        await engine.ready()
        catalog: Any = engine._context.catalog
        begun = catalog.begin

        def begin(source: Source, **facts: Any) -> Any:
            catalog.begin = begun
            other.begin(source, **facts)
            other.finish(source.sha256, segments=7)
            return begun(source, **facts)

        catalog.begin = begin
        status = await engine.ingest(IngestRequest(str(media / "notes.md")))
        assert (status.state, status.already, status.segments) == ("ready", True, 7)
        assert await (await engine._context.opened_index()).count() == 0


async def test_points_whose_catalog_row_was_lost_do_not_stay_beside_those_of_the_next_ingest(
    shared: Settings, media: Path
) -> None:
    async with asyncio.timeout(120), await Engine.open(shared) as engine:
        request = IngestRequest(str(media / "notes.md"))
        first = await engine.ingest(request)
        index = await engine._context.opened_index()
        (point, *_), _ = await index.scroll(limit=1)
        stale = replace(point, id=str(uuid.uuid4()))
        await index.upsert([stale])
        await asyncio.to_thread(engine._context.catalog.remove, first.source_id)
        again = await engine.ingest(request)
        assert (again.state, again.already) == ("ready", False)
        assert not await index.get([stale.id])
        assert await index.count() == again.segments == first.segments


async def test_a_file_that_fails_after_its_lease_was_lost_does_not_end_the_folder(
    shared: Settings, other: Any, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This process slept; its decoder died of that; another process has completed the file."""
    read, bad = reading.run_here, media / "notes.md"

    def take_over(source: Source) -> None:
        with other._writing() as db:
            db.execute("UPDATE sources SET lease_until = now() - make_interval(secs => 1)")
        other.begin(source, collection="default", mtime_ns=1, model=MODEL, pipeline=PIPELINE)
        other.finish(source.sha256, segments=7)

    async def slept(context: Any, run: Any, pipeline: Any, cutter: Any) -> None:
        if run.request.path != str(bad):
            return await read(context, run, pipeline, cutter)
        await asyncio.to_thread(take_over, pipeline.source)
        raise UnreadableError("the decoder died")

    monkeypatch.setattr(file, "run_here", slept)
    async with asyncio.timeout(120), await Engine.open(shared) as engine:
        status = await engine.ingest_folder([str(bad), str(media / "lake.jpg")])
        assert [(s.state, s.already) for s in status.done] == [("ready", True), ("ready", False)]


async def test_an_ingest_waits_while_the_database_takes_no_writes(
    shared: Settings, media: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As a standby, until the address names the one that was promoted."""
    waits: list[str] = []
    async with asyncio.timeout(120), await Engine.open(shared) as engine:
        await engine.ingest(IngestRequest(str(media / "lake.jpg")))
        catalog: Any = engine._context.catalog
        once = iter([True])

        async def progress(status: IngestStatus) -> None:
            if status.stage == "reading" and next(once, False):
                off = "SELECT set_config('default_transaction_read_only', 'on', false)"
                await asyncio.gather(
                    *[asyncio.to_thread(catalog._pool.read, off, ()) for _ in range(8)]
                )
            waits.append(status.waiting_for)

        status = await engine.ingest(IngestRequest(str(media / "notes.md")), progress=progress)
    assert status.state == "ready" and status.segments > 0
    assert "PostgreSQL, which takes no writes" in waits
    assert "takes no writes" in caplog.text and "the ingest goes on" in caplog.text
