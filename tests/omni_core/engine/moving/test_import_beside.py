"""An import while another process ingests one of its sources: what that one stores counts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from omni_core import Engine
from omni_core.engine.vectors import importing
from omni_core.errors import StoreError
from omni_core.ids import PIPELINE
from omni_core.payload import source_filter
from omni_core.settings import Settings
from tests.omni_core.engine.moving.test_migrating import points_of

Opened = Callable[..., Any]
pytestmark = pytest.mark.timeout(120)


@pytest.fixture
async def exported(filled: Settings, opened: Opened, tmp_path: Path) -> str:
    """The library of four sources as a folder."""
    folder = str(tmp_path / "export")
    async with opened(filled) as engine:
        await engine.export_vectors(folder)
    return folder


async def begun_again(engine: Engine, title: str) -> tuple[Any, int]:
    """A source whose ingest begins again in this process, its points in the index; how many."""
    row = next(s for s in (await engine.sources()).sources if s.title == title)
    catalog = engine._context.catalog
    await asyncio.to_thread(
        lambda: catalog.begin(
            row.source, collection=row.collections[0], mtime_ns=0,
            model=engine._context.info.fingerprint, pipeline=row.pipeline or PIPELINE,
        )
    )  # fmt: skip
    index = await engine._context.opened_index()
    return row, await index.count(source_filter(row.id))


async def test_an_import_waits_for_another_process_and_deletes_nothing_that_it_has_stored(
    exported: str, filled: Settings, there: Settings, postgres: str, opened: Opened,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    waits = asyncio.Event()

    def waiting(form: str, *given: object) -> None:
        assert (form % given).startswith("the import waits, at lake: omni-mcp with pid")
        waits.set()

    monkeypatch.setattr(importing.log, "warning", waiting)
    shared = replace(there, catalog=postgres, catalog_schema="beside")
    elsewhere = replace(shared, store=str(tmp_path / "other"))
    async with opened(shared) as one, opened(elsewhere) as two:
        await one.import_vectors(exported)
        row, held = await begun_again(one, "lake")
        index = await two._context.opened_index()
        work = asyncio.ensure_future(two.import_vectors(exported))
        async with asyncio.timeout(60):
            await waits.wait()
        assert held and await index.count(source_filter(row.id)) == held
        catalog = one._context.catalog
        await asyncio.to_thread(lambda: catalog.finish(row.sha256, segments=held))
        done = await work
        assert (done.sources_done, done.already) == (4, 4)
        assert {s.state for s in (await two.sources()).sources} == {"ready"}
    assert (await points_of(shared)).keys() == (await points_of(filled)).keys()


async def test_an_import_that_lost_a_source_to_another_process_deletes_nothing_of_it(
    exported: str, there: Settings, postgres: str, opened: Opened, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    shared = replace(there, catalog=postgres, catalog_schema="lost_to", catalog_lease_s=60)
    elsewhere = replace(shared, store=str(tmp_path / "other"))
    async with opened(elsewhere) as one, opened(shared) as two:
        index = await two._context.opened_index()
        real, taken = type(index).upsert, list[Any]()

        async def taken_over(self: Any, points: Any) -> None:
            await real(self, points)
            if not taken:
                taken.append(points[0].stored.source_id)
                pool = one._context.catalog._pool
                with pool.transaction() as db:
                    db.execute(
                        "UPDATE sources SET owner = 'another', worker = 'another',"
                        " lease_until = clock_timestamp() + interval '1 hour', attempt = 9"
                    )
                raise StoreError("its disk is full", code="STORE_FAILED")

        monkeypatch.setattr(type(index), "upsert", taken_over)
        with pytest.raises(StoreError, match="disk is full"):
            await two.import_vectors(exported)
        assert await index.count(source_filter(taken[0])) > 0


async def test_what_another_process_completes_after_the_look_is_not_deleted(
    exported: str, there: Settings, postgres: str, opened: Opened, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    shared = replace(there, catalog=postgres, catalog_schema="completed")
    elsewhere = replace(shared, store=str(tmp_path / "other"))
    async with opened(shared) as one, opened(elsewhere) as two:
        await one.import_vectors(exported)
        row, held = await begun_again(one, "lake")
        removes = importing._Group._remove
        finished: list[None] = []

        async def late(group: Any, *given: Any, **named: Any) -> None:
            if not finished:
                finish = partial(one._context.catalog.finish, row.sha256, segments=held)
                await asyncio.to_thread(finish)
                finished.append(None)
            await removes(group, *given, **named)

        monkeypatch.setattr(importing._Group, "_remove", late)
        done = await two.import_vectors(exported)
        assert finished and (done.sources_done, done.already) == (4, 4)
        index = await two._context.opened_index()
        assert held and await index.count(source_filter(row.id)) == held
