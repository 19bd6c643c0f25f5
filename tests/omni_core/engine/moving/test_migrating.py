"""A library from one index into another, and back."""

from __future__ import annotations

import asyncio
import shutil
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omni_core import Engine, IngestRequest, SearchRequest, encoders, index
from omni_core.engine import MigrationStatus, migrate
from omni_core.engine.moving import comparing
from omni_core.errors import BadRequestError, NotFoundError, StoreError
from omni_core.index.edge import EdgeIndex
from omni_core.index.memory import MemoryIndex
from omni_core.payload import StoredSegment
from omni_core.points import Point
from omni_core.settings import Settings
from tests.omni_core.index.qdrant_standin import StandIn

QUESTION = "how deep is the magma chamber"


async def answers(engine: Engine) -> list[tuple[str, float]]:
    found = await engine.search(SearchRequest(QUESTION))
    return [(h.cite, round(h.score, 3)) for h in found.hits]


async def points_of(settings: Settings) -> dict[str, Point]:
    info = await asyncio.to_thread(encoders.describe, settings)
    one = await asyncio.to_thread(index.load, settings, info)
    await one.open()
    page, _ = await one.scroll(limit=1000)
    found = {p.id: p for p in await one.get([p.id for p in page], vectors=True)}
    await one.close()
    return found


async def test_a_library_goes_to_a_server_and_back_with_the_same_points_and_answers(
    filled: Settings, there: Settings, opened: Callable[..., Any]
) -> None:
    before = await points_of(filled)
    async with opened(filled) as engine:
        expected = await answers(engine)
    told: list[MigrationStatus] = []

    async def progress(status: MigrationStatus) -> None:
        told.append(status)

    done = await migrate(filled, there, progress)

    assert (done.sources_done, done.sources_total, done.written) == (4, 4, len(before))
    assert (done.stage, done.current, told[-1].stage) == ("done", "", "comparing")
    assert done.compared is not None
    assert (done.compared.samples, done.compared.same_results) == (len(before), 1.0)
    moved = await points_of(there)
    assert moved.keys() == before.keys()
    assert all(comparing.is_same(moved[i], before[i]) for i in before)
    async with opened(there) as engine:
        assert await answers(engine) == expected
        assert {len(s.collections) for s in (await engine.sources()).sources} == {1, 2}
    back = await migrate(there, filled)
    assert (back.sources_done, back.written) == (4, 0)  # nothing had changed


async def test_an_index_that_was_moved_into_a_folder_is_settled_and_then_compared(
    filled: Settings, there: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled: list[int] = []
    real = EdgeIndex.optimize

    async def optimize(self: EdgeIndex) -> bool:
        self._grown = 1
        settled.append(await self.count())
        return await real(self)

    expected = await points_of(filled)
    await migrate(filled, there)
    await asyncio.to_thread(shutil.rmtree, filled.store_path / "index")
    monkeypatch.setattr(EdgeIndex, "optimize", optimize)
    done = await migrate(there, filled)
    assert settled == [len(expected)]
    assert done.compared is not None and done.compared.same_results == 1.0
    moved = await points_of(filled)
    assert moved.keys() == expected.keys()
    assert all(comparing.is_same(moved[i], expected[i]) for i in expected)


async def test_a_repeated_migration_writes_what_changed_and_removes_what_is_gone(
    filled: Settings, there: Settings, media: Path, opened: Callable[..., Any]
) -> None:
    await migrate(filled, there)
    async with opened(filled) as engine:
        rows = {s.title: s for s in (await engine.sources()).sources}
        await engine.forget(rows["lake"].id)
        await engine.ingest(IngestRequest(str(media / "fire_truck.png"), title="Engine 4"))

    again = await migrate(filled, there)

    assert again.written == rows["fire truck"].segments
    assert (await points_of(there)).keys() == (await points_of(filled)).keys()


async def test_a_migration_that_broke_off_goes_on_where_it_was(
    filled: Settings, there: Settings, server: StandIn
) -> None:
    async def stop_at_the_third(status: MigrationStatus) -> None:
        if status.sources_done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await migrate(filled, there, stop_at_the_third)
    held = len(await points_of(there))

    done = await migrate(filled, there)

    assert 0 < held < len(await points_of(filled))
    assert done.written == done.segments - held


async def test_an_index_that_answers_otherwise_is_not_called_the_same(
    filled: Settings, there: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = MemoryIndex.get

    async def twisted(self: Any, ids: Any, *, vectors: bool = False) -> list[Point]:
        found = await real(self, ids, vectors=vectors)
        return [replace(p, dense=None if p.dense is None else -p.dense) for p in found]

    monkeypatch.setattr(MemoryIndex, "get", twisted)
    with pytest.raises(StoreError, match="segments differ; the library stays where it was") as e:
        await migrate(filled, replace(filled, index="memory"))
    assert e.value.code == "NOT_THE_SAME"


async def test_where_it_is_already_and_a_store_in_use_are_refused(
    filled: Settings, there: Settings, opened: Callable[..., Any]
) -> None:
    with pytest.raises(BadRequestError, match="is there already"):
        await migrate(filled, filled)
    async with opened(filled):
        with pytest.raises(StoreError) as e:
            await migrate(filled, there)
        assert e.value.code == "STORE_BUSY"


async def test_a_folder_without_a_library_is_named_and_nothing_is_made_there(
    there: Settings, tmp_path: Path
) -> None:
    misspelt = replace(there, index="edge", store=str(tmp_path / "misspelt"))
    with pytest.raises(NotFoundError, match=r"no library in .*misspelt; check --store"):
        await migrate(misspelt, replace(there, store=misspelt.store))
    assert not await asyncio.to_thread((tmp_path / "misspelt").exists)


async def test_nothing_is_copied_into_the_collection_of_another_library(
    filled: Settings, there: Settings, tmp_path: Path, media: Path
) -> None:
    other = replace(there, store=str(tmp_path / "other"))
    async with await Engine.open(other) as engine:
        await engine.ingest(IngestRequest(str(media / "notes.md")))
    before = await points_of(there)
    with pytest.raises(StoreError) as refused:
        await migrate(filled, there)
    assert refused.value.code == "FOREIGN_COLLECTION"
    assert (await points_of(there)).keys() == before.keys()


async def test_index_and_catalog_go_to_servers_and_back_and_answer_the_same(
    filled: Settings, there: Settings, postgres: str, opened: Callable[..., Any], tmp_path: Path
) -> None:
    async with opened(filled) as engine:
        expected, rows = await answers(engine), (await engine.sources()).sources
    shared = replace(there, catalog=postgres)

    done = await migrate(filled, shared)

    assert (done.sources_done, done.stage) == (4, "done")
    elsewhere = replace(shared, store=str(tmp_path / "another machine"))
    async with opened(elsewhere) as engine:
        assert await answers(engine) == expected
        assert (await engine.sources()).sources == rows
        await engine.forget(next(r.id for r in rows if r.title == "lake"))
    await migrate(replace(elsewhere, store=filled.store), filled)
    async with opened(filled) as engine:
        assert await answers(engine) == expected
        assert {r.title for r in (await engine.sources()).sources} == {
            r.title for r in rows if r.title != "lake"
        }
    again = await migrate(there, replace(shared, catalog_schema="second"))  # the catalog alone
    assert (again.written, again.compared) == (0, None)


async def test_a_catalog_that_is_shared_is_not_put_beside_an_index_of_one_process(
    filled: Settings,
) -> None:
    with pytest.raises(BadRequestError, match="needs an index that they share"):
        await migrate(filled, replace(filled, catalog="postgresql://localhost/x"))


async def test_points_that_the_catalog_does_not_know_stay_behind(
    filled: Settings, there: Settings, opened: Callable[..., Any]
) -> None:
    await migrate(filled, there)
    info = await asyncio.to_thread(encoders.describe, filled)
    old = await asyncio.to_thread(index.load, filled, info)
    await old.open()
    page, _ = await old.scroll(limit=1000)
    whole = await old.get([p.id for p in page], vectors=True)
    lost = [replace(p, id=str(uuid.uuid4()), stored=_of_another(p.stored)) for p in whole]
    await old.upsert(lost)  # as when a catalog was deleted, and its files were ingested again
    await old.close()

    done = await migrate(filled, there)

    assert done.written == 0 and done.compared is not None
    assert (done.segments, done.compared.points) == (len(page), len(page))


def _of_another(stored: StoredSegment) -> StoredSegment:
    return StoredSegment({**stored.fields, "source_id": "src_lost"})
