"""A source that the store would not take further is absent or partial, never `processing`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omni_core import Engine, IngestRequest
from omni_core.engine.ingest import refused
from omni_core.errors import StoreError
from omni_core.settings import Settings

pytestmark = pytest.mark.timeout(240)

Opened = Callable[..., AbstractAsyncContextManager[Engine]]


def text(path: Path, paragraphs: int = 200) -> Path:
    path.write_text("\n\n".join(f"Paragraph {n}. {'word ' * 100}" for n in range(paragraphs)))
    return path


class Full:
    """The n-th write of the index, and all further ones, find the disk full, until it is freed."""

    def __init__(self, index: Any, after: int) -> None:
        self.left, self.freed, self.write = after, False, index.upsert

    async def upsert(self, points: Any) -> None:
        self.left -= 1
        if self.left < 0 and not self.freed:
            raise StoreError("the disk of the index is full; free some space and call again")
        await self.write(points)


@pytest.mark.parametrize("after", [0, 1, 2, 5, 9])
async def test_whichever_write_is_refused_the_source_is_absent_or_partial_and_goes_on_later(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    path = await asyncio.to_thread(text, tmp_path / "long.txt")
    async with asyncio.timeout(200), opened() as engine:
        index = await engine._context.opened_index()
        full = Full(index, after)
        monkeypatch.setattr(index, "upsert", full.upsert)
        with pytest.raises(StoreError, match="full"):
            await engine.ingest(IngestRequest(str(path)))
        rows = (await engine.sources()).sources
        assert [r.state for r in rows] == (["partial"] if rows else [])
        assert bool(rows) == (after > 0)
        full.freed = True
        status = await engine.ingest(IngestRequest(str(path)))
        assert status.state == "ready"
        assert await index.count() == status.segments


async def test_a_row_that_cannot_even_be_ended_is_shown_as_partial_and_ended_once_it_can_be(
    opened: Opened, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await asyncio.to_thread(text, tmp_path / "long.txt")
    monkeypatch.setattr(refused, "AGAIN_S", 0.05)
    async with asyncio.timeout(200), opened(replace(settings, index="memory")) as engine:
        catalog: Any = engine._context.catalog
        for write in ("progress", "finish", "remove"):
            monkeypatch.setattr(catalog, write, _full)
        with pytest.raises(StoreError, match="full"):
            await engine.ingest(IngestRequest(str(path)))
        [row] = (await engine.sources()).sources
        assert row.state == "partial" and "full" in row.warnings[-1]
        assert (await asyncio.to_thread(catalog.get, row.sha256)).state == "processing"
        monkeypatch.undo()
        tasks = engine._context.tasks._tasks
        await asyncio.wait([t for t in tasks if t.get_name() == "settle a source"])
        assert not engine._context.unsettled
        assert (await asyncio.to_thread(catalog.get, row.sha256)).state == "partial"
        status = await engine.ingest(IngestRequest(str(path)))
    assert status.state == "ready"


def _full(*args: Any, **facts: Any) -> None:
    raise StoreError("the catalog failed (database or disk is full); free some space")


async def test_a_folder_stops_with_one_line_and_goes_on_when_the_store_is_opened_again(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    paths = [str(await asyncio.to_thread(text, folder / f"{n}.txt", 20 + n)) for n in range(4)]
    async with asyncio.timeout(200):
        async with opened() as engine:
            index = await engine._context.opened_index()
            monkeypatch.setattr(index, "upsert", Full(index, 2).upsert)
            with pytest.raises(StoreError, match="full") as e:
                await engine.ingest_folder(paths)
            assert "\n" not in str(e.value)
        async with opened() as engine:
            assert await engine.resume([str(folder)]) == tuple(paths)
            await engine.ingest_folder(paths)  # joins it
            rows = (await engine.sources()).sources
    assert sorted(r.title for r in rows) == ["0", "1", "2", "3"]
    assert {r.state for r in rows} == {"ready"}
