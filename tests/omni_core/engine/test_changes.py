"""Who is told of a change: after which steps, with which source, and what a bad listener does."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from omni_core import Engine
from omni_core.engine.changes import Changes
from omni_core.engine.results import IngestRequest, IngestStatus


async def test_a_source_that_becomes_ready_is_renamed_or_forgotten_is_told_of_once_each(
    engine: Engine, media: Path
) -> None:
    told: list[tuple[str, str]] = []

    async def listener(source_id: str) -> None:
        rows = (await engine.sources()).sources
        state = next((f"{r.title} {r.state}" for r in rows if r.id == source_id), "gone")
        told.append((source_id, state))

    engine.on_change(listener)
    notes = str(media / "notes.md")
    done = await engine.ingest(IngestRequest(notes))
    assert told == [(done.source_id, "Volcano trip ready")]
    await engine.ingest(IngestRequest(notes))  # nothing to do: nothing to tell
    await engine.ingest(IngestRequest(notes, title="Volcano"))
    await engine.forget(done.source_id)
    assert told[1:] == [(done.source_id, "Volcano ready"), (done.source_id, "gone")]


async def test_a_source_cut_short_is_told_of_as_partial(engine: Engine, media: Path) -> None:
    told: list[str] = []
    reading = asyncio.Event()

    async def listener(source_id: str) -> None:
        rows = (await engine.sources()).sources
        told.extend(row.state for row in rows if row.id == source_id)

    async def progress(status: IngestStatus) -> None:
        if status.source_id:
            reading.set()

    engine.on_change(listener)
    film = IngestRequest(str(media / "colours.mp4"))
    job = asyncio.create_task(engine.ingest(film, progress=progress))
    async with asyncio.timeout(60):
        await reading.wait()
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
    assert told == ["partial"]


async def test_a_listener_that_fails_or_left_keeps_nobody_from_being_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    changes, told = Changes(), list[str]()

    async def fails(source_id: str) -> None:
        raise ValueError("my own fault")

    async def listens(source_id: str) -> None:
        told.append(source_id)

    changes.listen(fails)
    stop, _ = changes.listen(listens), changes.listen(listens)
    await changes.notify("src_1")
    stop()
    stop()
    await changes.notify("src_2")
    assert told == ["src_1", "src_1", "src_2"]
    assert "my own fault" in caplog.text
