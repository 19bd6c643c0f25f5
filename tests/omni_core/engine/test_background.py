"""What the engine does by itself, while nobody asks."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from omni_core import Engine, IngestRequest
from omni_core.engine import background
from omni_core.engine.index_opening import IndexOpening
from omni_core.errors import StoreError
from omni_core.index.edge import EdgeIndex
from omni_core.settings import Settings
from omni_core.unfinished import Unfinished


async def test_a_vacuum_that_failed_is_not_made_again_at_once(
    opened: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each writes the whole index anew."""
    vacuums: list[bool] = []
    rounds = asyncio.Semaphore(0)

    async def optimize(self: EdgeIndex) -> bool:
        vacuums.append(True)
        raise StoreError("the vacuum of the index died (killed); the index is as it was")

    async def look_for_lost(self: IndexOpening) -> None:
        rounds.release()

    monkeypatch.setattr(background, "IDLE_S", 0.01)
    monkeypatch.setattr(EdgeIndex, "optimize", optimize)
    monkeypatch.setattr(IndexOpening, "look_for_lost", look_for_lost)
    async with opened() as engine, asyncio.timeout(60):
        await engine.ready(60)
        for _ in range(5):
            await rounds.acquire()
    assert vacuums == [True]


async def test_what_killed_ingests_left_of_thumbnails_goes_and_what_is_written_stays(
    opened: Callable[..., Any], settings: Settings, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened() as engine:
        found = await engine.ingest(IngestRequest(str(media / "lake.jpg")))
    folders = [settings.store_path / "thumbs" / name for name in (found.source_id, "src_forgotten")]
    names = ["a.jpg", ".b.jpg.0123456789ab"]
    written = [Unfinished(folder / "c.jpg") for folder in folders]

    def leave() -> None:
        for folder in folders:
            folder.mkdir(exist_ok=True)
            for name in names:
                (folder / name).write_text("half")
        for one in written:
            one.make()

    def left() -> list[list[str]]:
        return [sorted(n for n in os.listdir(folder) if n[0] == ".") for folder in folders]

    def end() -> None:
        for one in written:
            one.remove()

    await asyncio.to_thread(leave)
    before = await asyncio.to_thread(left)
    assert [len(names) for names in before] == [2, 2]
    monkeypatch.setattr(background, "IDLE_S", 0.01)
    async with opened(), asyncio.timeout(60):
        now = before
        while names[1] in now[0] or names[1] in now[1]:
            now = await asyncio.to_thread(left)
    assert now == [[n for n in each if n != names[1]] for each in before]
    await asyncio.to_thread(end)


async def test_an_ingest_that_goes_on_sweeps_up_what_was_left_of_its_thumbnails(
    engine: Engine, settings: Settings, media: Path
) -> None:
    path = str(media / "lake.jpg")
    found = await engine.ingest(IngestRequest(path))
    await engine.forget(found.source_id, now=True)
    left = settings.store_path / "thumbs" / found.source_id / ".b.jpg.0123456789ab"

    def leave() -> None:
        left.parent.mkdir(exist_ok=True)
        left.write_text("half")

    await asyncio.to_thread(leave)
    assert (await engine.ingest(IngestRequest(path))).source_id == found.source_id
    assert not await asyncio.to_thread(left.exists)
