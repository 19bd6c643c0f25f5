"""What was forgotten can be brought back for some days, and nothing of it is seen meanwhile."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omni_core import Engine, IngestRequest, OpenRequest, SearchRequest
from omni_core.catalog import SqliteCatalog
from omni_core.engine import bin_limits
from omni_core.engine.bin import copy_to_bin, delete, settle_left
from omni_core.engine.bin_limits import empty_surplus, surplus
from omni_core.errors import NotFoundError, StoreError
from omni_core.index.memory import MemoryIndex
from omni_core.payload import source_filter
from omni_core.settings import Settings
from omni_core.types import BinnedSource, SourceRow

pytestmark = pytest.mark.timeout(120)
WORDS = "# Harbour\n\nThe ferry leaves at seven from pier nine.\n"


async def put(engine: Engine, tmp_path: Path, name: str = "notes.md", words: str = WORDS) -> str:
    path = tmp_path / name
    path.write_text(words)
    status = await engine.ingest(IngestRequest(str(path), collection="trips", title="Trip"))
    assert status.state == "ready", status
    return str(status.source_id)


async def sees(engine: Engine, source: str) -> list[str]:
    """Where a source is still seen."""
    seen = []
    try:
        if (await engine.search(SearchRequest("ferry", collection="trips"))).hits:
            seen.append("search")
    except OSError:
        raise
    except Exception as e:
        assert getattr(e, "code", "") in ("EMPTY_INDEX", "UNKNOWN_COLLECTION"), e
    page = await engine.sources()
    if page.total or page.collections:
        seen.append("list")
    if (await engine.status())["segments"]:
        seen.append("counts")
    for ask in (engine.read(source), engine.open_ref(OpenRequest(source)), engine.named(source)):
        try:
            await ask
            seen.append("read")
        except NotFoundError:
            pass
    index = await engine._context.opened_index()
    if await index.count(source_filter(source)):
        seen.append("index")
    return seen


async def test_a_forgotten_source_is_seen_nowhere_and_comes_back_as_it_was(
    engine: Engine, tmp_path: Path
) -> None:
    source = await put(engine, tmp_path)
    before = (await engine.sources()).sources[0]
    hits = (await engine.search(SearchRequest("ferry", collection="trips"))).hits
    await engine.forget(source)
    assert await sees(engine, source) == []
    (entry,) = await engine.bin()
    assert (entry.id, entry.title, entry.segments) == (source, "Trip", before.segments)
    assert entry.size > 0
    back = await engine.restore_source(source)
    assert back == before
    assert (await engine.search(SearchRequest("ferry", collection="trips"))).hits == hits
    assert await engine.bin() == ()
    with pytest.raises(NotFoundError):
        await engine.restore_source(source)


async def test_ingesting_the_same_bytes_brings_the_source_back_at_once(
    engine: Engine, tmp_path: Path
) -> None:
    source = await put(engine, tmp_path)
    await engine.forget(source)
    status = await engine.ingest(IngestRequest(str(tmp_path / "notes.md"), collection="trips"))
    assert (status.source_id, status.state, status.already) == (source, "ready", True)
    assert status.title == "Trip"
    assert await engine.bin() == ()


async def test_what_is_deleted_now_or_emptied_does_not_come_back(
    engine: Engine, tmp_path: Path
) -> None:
    source = await put(engine, tmp_path)
    await engine.forget(source, now=True)
    assert await engine.bin() == ()
    again = await engine.ingest(IngestRequest(str(tmp_path / "notes.md")))
    assert not again.already
    await engine.forget(source)
    assert await engine.empty_bin() == 1
    assert await sees(engine, source) == [] and await engine.bin() == ()


async def test_the_bin_empties_itself_after_the_days_of_the_settings(
    opened: Callable[..., Any], settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(replace(settings, bin_days=1.0)) as engine:
        source = await put(engine, tmp_path)
        await engine.forget(source)
        await empty_surplus(engine._context)
        assert len(await engine.bin()) == 1
        later = time.time() + 90_000
        monkeypatch.setattr(time, "time", lambda: later)
        await empty_surplus(engine._context)
        assert await engine.bin() == ()


async def test_the_bin_goes_on_emptying_itself_after_the_catalog_gave_no_answer(
    opened: Callable[..., Any], settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a PostgreSQL server does that is started again."""
    async with opened(replace(settings, bin_days=1.0)) as engine, asyncio.timeout(60):
        source = await put(engine, tmp_path)
        await engine.forget(source)
        catalog, asked = engine._context.catalog, asyncio.Event()
        loop, binned = asyncio.get_running_loop(), catalog.binned

        def away() -> list[Any]:
            loop.call_soon_threadsafe(asked.set)
            raise StoreError("the catalog gives no answer")

        monkeypatch.setattr(bin_limits, "PAUSE_S", 0.0)
        monkeypatch.setattr(catalog, "binned", away)
        task = asyncio.create_task(bin_limits.keep_small(engine._context))
        await asked.wait()
        monkeypatch.setattr(catalog, "binned", binned)
        later = time.time() + 90_000
        monkeypatch.setattr(time, "time", lambda: later)
        while await engine.bin():
            assert not task.done()
            engine._context.bin_grew.set()
            await asyncio.sleep(0)
        task.cancel()


async def test_without_days_a_source_is_deleted_at_once(
    opened: Callable[..., Any], settings: Settings, tmp_path: Path
) -> None:
    async with opened(replace(settings, bin_days=0.0)) as engine:
        await engine.forget(await put(engine, tmp_path))
        assert await engine.bin() == ()


async def test_a_source_that_could_not_be_taken_out_of_the_index_goes_at_the_second_try(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = await put(engine, tmp_path)
    before = (await engine.sources()).sources[0]
    index = await engine._context.opened_index()
    deleted = index.delete

    async def fails(chosen: Any) -> None:
        await deleted(chosen)
        raise StoreError("the index failed")

    monkeypatch.setattr(index, "delete", fails)
    with pytest.raises(StoreError):
        await engine.forget(source)
    monkeypatch.setattr(index, "delete", deleted)
    await engine.forget(source)
    assert await sees(engine, source) == []
    assert await engine.restore_source(source) == before


STEPS = (
    "begin_binning", "keep_in_bin", "fill_bin", "begin_forgetting", "forget", "end_binning",
    "begin_restoring", "bin_part", "end_restoring",
)  # fmt: skip


@pytest.mark.parametrize("step", STEPS)
async def test_a_process_that_dies_at_any_step_leaves_nothing_half(
    opened: Callable[..., Any], settings: Settings, tmp_path: Path, step: str
) -> None:
    class Killed(BaseException):
        pass

    async with opened() as engine:
        source = await put(engine, tmp_path)
        before = (await engine.sources()).sources[0]
        if STEPS.index(step) > 5:
            await engine.forget(source)
        catalog = engine._context.catalog
        whole = getattr(catalog, step)

        def dies(*args: Any, **more: Any) -> Any:
            whole(*args, **more)
            for name in ("end_forgetting", "undo_restoring"):
                setattr(catalog, name, lambda *_: None)
            catalog.bin_step = lambda *_: ""
            raise Killed

        setattr(catalog, step, dies)
        verb = engine.restore_source if STEPS.index(step) > 5 else engine.forget
        with pytest.raises(Killed):
            await asyncio.create_task(verb(source))
    async with opened() as engine:
        await engine.ready()
        rows, held = (await engine.sources()).sources, await engine.bin()
        assert len(rows) + len(held) == 1, (rows, held)
        if held:
            assert await sees(engine, source) == []
            assert await engine.restore_source(source) == before
        else:
            assert rows == (before,)
        assert (await engine.search(SearchRequest("ferry", collection="trips"))).hits


async def test_a_memory_index_gives_and_takes_the_same(
    opened: Callable[..., Any], settings: Settings, tmp_path: Path
) -> None:
    async with opened(replace(settings, index="memory")) as engine:
        assert isinstance(await engine._context.opened_index(), MemoryIndex)
        source = await put(engine, tmp_path)
        hits = (await engine.search(SearchRequest("ferry", collection="trips"))).hits
        await engine.forget(source)
        assert await sees(engine, source) == []
        await engine.restore_source("Trip")
        assert (await engine.search(SearchRequest("ferry", collection="trips"))).hits == hits


async def test_forgetting_waits_for_what_is_being_brought_back(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = await put(engine, tmp_path)
    before = (await engine.sources()).sources[0]
    await engine.forget(source)
    index = await engine._context.opened_index()
    whole, reached, go_on = index.upsert, asyncio.Event(), asyncio.Event()

    async def slow(points: Any) -> None:
        await whole(points)
        reached.set()
        await go_on.wait()

    monkeypatch.setattr(index, "upsert", slow)
    restoring = asyncio.create_task(engine.restore_source(source))
    await reached.wait()
    forgetting = asyncio.create_task(engine.forget(source))
    done, _ = await asyncio.wait([forgetting], timeout=0.3)
    go_on.set()
    await asyncio.gather(restoring, forgetting)
    assert not done
    assert await sees(engine, source) == []
    assert await engine.restore_source(source) == before


async def test_what_a_dead_process_was_bringing_back_is_not_taken_from_a_later_ingest(
    opened: Callable[..., Any], tmp_path: Path
) -> None:
    async with opened() as engine:
        source = await put(engine, tmp_path)
        await engine.forget(source)
        catalog = engine._context.catalog
        (entry,) = await engine.bin()
        await asyncio.to_thread(lambda: catalog.begin_restoring(entry.sha256, whole=True))
        await put(engine, tmp_path)
        before = (await engine.sources()).sources[0]
    async with opened() as engine:
        await engine.ready()
        assert (await engine.sources()).sources == (before,)
        assert await engine.bin() == ()


async def test_a_copy_into_the_bin_that_fails_takes_no_room(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = await put(engine, tmp_path)
    before = (await engine.sources()).sources[0]
    catalog = engine._context.catalog

    def full(*_: Any) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(catalog, "fill_bin", full)
    with pytest.raises(StoreError):
        await engine.forget(source)
    assert await asyncio.to_thread(catalog.bin_parts, before.sha256) == []
    assert (await engine.sources()).sources == (before,)


@pytest.mark.parametrize("value", ["x'ff00'", "cast(x'61ff' as text)", "'many'"])
@pytest.mark.parametrize("column", ["title", "uri", "segments", "warnings", "model"])
async def test_a_source_whose_row_is_damaged_can_be_forgotten_and_brought_back(
    opened: Callable[..., Any], settings: Settings, tmp_path: Path, column: str, value: str
) -> None:
    async with opened() as engine:
        source = await put(engine, tmp_path)
    with closing(sqlite3.connect(settings.store_path / "catalog.sqlite")) as db, db:
        db.execute(f"UPDATE sources SET {column} = {value}")  # noqa: S608 - ours
    async with opened() as engine:
        await engine.forget(source)
        (entry,) = await engine.bin()
        assert entry.id == source and isinstance(entry.title, str)
        assert (await engine.restore_source(source)).id == source


async def left_half_in_the_bin(engine: Engine, tmp_path: Path, step: str) -> SourceRow:
    """What a source was before a process ended while "moving" it to the bin, or "restoring" it."""
    source = await put(engine, tmp_path)
    before = (await engine.sources()).sources[0]
    catalog, sha256 = engine._context.catalog, before.sha256
    if step == "restoring":
        await engine.forget(source)
        await asyncio.to_thread(lambda: catalog.begin_restoring(sha256, whole=True))
    else:
        await copy_to_bin(engine._context, await engine._context.opened_index(), before)
        await asyncio.to_thread(catalog.begin_forgetting, sha256)
    return before


@pytest.mark.parametrize("step", ["moving", "restoring"])
async def test_what_another_process_dies_at_is_settled_before_the_ingest_that_waited_for_it(
    opened: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr("omni_core.engine.ingest.file.POLL_S", 0.01)
    async with opened() as engine:
        before = await left_half_in_the_bin(engine, tmp_path, step)
        asked = iter(["another server", "another server"])
        monkeypatch.setattr(engine._context.catalog, "ingested_by", lambda _: next(asked, ""))
        assert await put(engine, tmp_path) == before.id
        assert (await engine.sources()).sources == (before,)
    async with opened() as engine:
        await engine.ready()
        assert (await engine.sources()).sources == (before,)
        assert await engine.bin() == ()


async def test_what_another_process_brings_back_is_left_to_it(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = await put(engine, tmp_path)
    await engine.forget(source)
    (entry,) = await engine.bin()
    catalog = engine._context.catalog
    begun = catalog.begin_restoring

    def another_was_faster(sha256: str, **more: Any) -> None:
        begun(sha256, **more)
        monkeypatch.setattr(catalog, "ingested_by", lambda _: "another server")
        raise StoreError("another server is ingesting this file", code="BUSY")

    monkeypatch.setattr(catalog, "begin_restoring", another_was_faster)
    with pytest.raises(StoreError):
        await engine.restore_source(source)
    assert await asyncio.to_thread(catalog.bin_step, entry.sha256) == "restoring"
    assert (await engine.sources()).total == 1


async def test_what_an_older_version_read_stays_in_the_bin_until_the_new_ingest_is_whole(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = await put(engine, tmp_path)
    before = (await engine.sources()).sources[0]
    await engine.forget(source)
    await _as_older(engine, "bin")
    index = await engine._context.opened_index()
    whole = index.upsert

    async def full(_: Any) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(index, "upsert", full)
    with pytest.raises(StoreError):
        await put(engine, tmp_path)
    assert [entry.id for entry in await engine.bin()] == [source]
    monkeypatch.setattr(index, "upsert", whole)
    back = await engine.restore_source(source)
    assert (back.segments, back.title) == (before.segments, before.title)
    await engine.forget(source)
    await _as_older(engine, "bin")
    assert await put(engine, tmp_path) == source
    assert await engine.bin() == ()


async def _as_older(engine: Engine, table: str, more: str = "") -> None:
    def write() -> None:
        with engine._context.catalog._writing() as db:
            db.execute(f"UPDATE {table} SET pipeline = 'older'{more}")  # noqa: S608 - ours

    await asyncio.to_thread(write)


async def in_part(engine: Engine, tmp_path: Path, collection: str) -> None:
    """An ingest of the notes that ended in part, beside what the bin has of them."""
    await _as_older(engine, "bin")
    await engine.ingest(IngestRequest(str(tmp_path / "notes.md"), collection=collection))
    await _as_older(engine, "sources", ", state = 'partial', segments = 1")


async def test_a_whole_source_in_the_bin_replaces_what_the_library_has_in_part(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = await put(engine, tmp_path)
    before = (await engine.sources()).sources[0]
    await engine.forget(source)
    monkeypatch.setattr("omni_core.engine.ingest.file.drop_replaced", _nothing)
    await in_part(engine, tmp_path, "later")
    back = await engine.restore_source(source)
    assert (back.state, back.segments) == ("ready", before.segments)
    assert set(back.collections) == {"trips", "later"}
    for name in back.collections:
        assert (await engine.search(SearchRequest("ferry", collection=name))).hits
    index = await engine._context.opened_index()
    assert await index.count() == before.segments


async def test_forgetting_what_is_there_in_part_keeps_the_whole_one_in_the_bin(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = await put(engine, tmp_path)
    before = (await engine.sources()).sources[0]
    await engine.forget(source)
    monkeypatch.setattr("omni_core.engine.ingest.file.drop_replaced", _nothing)
    await in_part(engine, tmp_path, "later")
    await engine.forget(source)
    assert await sees(engine, source) == []
    back = await engine.restore_source(source)
    assert (back.state, back.segments) == ("ready", before.segments)


async def _nothing(*_: Any) -> None:
    return


async def test_a_source_that_comes_back_while_the_bin_is_emptied_stays(
    engine: Engine, tmp_path: Path
) -> None:
    source = await put(engine, tmp_path)
    await engine.forget(source)
    held = await engine.bin()
    before = await engine.restore_source(source)
    assert await delete(engine._context, held) == 0
    await engine.forget(source)
    assert await delete(engine._context, held) == 0, "it was forgotten again since"
    assert await engine.restore_source(source) == before


async def test_two_calls_that_forget_the_same_source_leave_it_in_the_bin_once(
    engine: Engine, tmp_path: Path
) -> None:
    source = await put(engine, tmp_path)
    before = (await engine.sources()).sources[0]
    ended = await asyncio.gather(*(engine.forget(source) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(e, NotFoundError) for e in ended) == 3, ended
    assert await sees(engine, source) == []
    assert await engine.restore_source(source) == before


async def test_forgetting_beside_an_ingest_of_the_same_file_leaves_all_of_it_or_nothing(
    engine: Engine, tmp_path: Path
) -> None:
    source = await put(engine, tmp_path)
    for _ in range(6):
        calls = [put(engine, tmp_path), engine.forget(source), put(engine, tmp_path)]
        await asyncio.gather(*calls, return_exceptions=True)
        index = await engine._context.opened_index()
        rows, points = (await engine.sources()).sources, await index.count()
        if rows:
            assert rows[0].state == "ready" and rows[0].segments == points, rows
            assert await engine.bin() == ()
        else:
            assert not points and len(await engine.bin()) == 1
            await engine.restore_source(source)


def entry(number: int, uri: str, size_mb: int = 1, hours_ago: float = 0.0) -> BinnedSource:
    return BinnedSource(
        id=f"src_{number}", sha256=str(number), title="", uri=uri, segments=1,
        size=size_mb << 20, forgotten_at=1e9 - hours_ago * 3600, state="ready", model="m",
        pipeline="p",
    )  # fmt: skip


def kept(held: list[BinnedSource], settings: Settings, **limits: Any) -> list[str]:
    gone = surplus(held, replace(settings, **limits), 1e9)
    return [e.id for e in held if e not in gone]


def test_the_bin_keeps_the_newest_contents_of_a_file_that_changes_often(settings: Settings) -> None:
    held = [entry(n, "/m/log.md", hours_ago=n) for n in range(6)]
    held.append(entry(9, "/m/other.md", hours_ago=100))
    assert kept(held, settings, bin_versions=2) == ["src_0", "src_1", "src_9"]
    assert kept(held, settings, bin_days=0.1, bin_versions=2) == ["src_0", "src_1"]


def test_a_bin_that_is_too_large_loses_former_contents_first_and_never_what_was_forgotten_last(
    settings: Settings,
) -> None:
    held = [
        entry(1, "/m/talk.mp4", 3, hours_ago=50), entry(2, "/m/film.mp4", 3, hours_ago=40),
        entry(3, "/m/log.md", 3, hours_ago=3), entry(4, "/m/log.md", 3, hours_ago=2),
        entry(5, "/m/log.md", 3, hours_ago=1),
    ]  # fmt: skip
    assert len(kept(held, settings, bin_max_mb=15)) == 5
    assert kept(held, settings, bin_max_mb=10) == ["src_1", "src_2", "src_5"]
    assert kept(held, settings, bin_max_mb=7) == ["src_2", "src_5"]
    assert kept(held, settings, bin_max_mb=1) == ["src_5"]


async def test_what_is_forgotten_makes_the_bin_look_for_what_is_too_much(
    opened: Callable[..., Any], settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omni_core.engine.bin_limits.PAUSE_S", 0.01)
    async with opened(replace(settings, index="memory", bin_versions=2)) as engine:
        for number in range(4):
            await engine.forget(await put(engine, tmp_path, words=f"{WORDS}{number}\n"))
        for _ in range(1000):  # ten seconds
            if len(held := await engine.bin()) <= 2:
                break
            await asyncio.sleep(0.01)
        assert len(held) == 2


@pytest.mark.parametrize("older", [False, True])
async def test_emptying_the_bin_gives_its_room_back_to_the_file_system(
    opened: Callable[..., Any], settings: Settings, tmp_path: Path, older: bool
) -> None:
    file = settings.store_path / "catalog.sqlite"
    async with opened(replace(settings, index="memory")) as engine:
        catalog = engine._context.catalog
        if older:  # the file of an older version cannot give room back in steps

            def as_older() -> None:
                catalog._db.execute("PRAGMA auto_vacuum = NONE")
                catalog._db.execute("VACUUM")

            await asyncio.to_thread(as_older)
        await engine.forget(await put(engine, tmp_path))
        (held,) = await engine.bin()

        def fill() -> None:
            with catalog._writing() as db:
                db.execute("INSERT INTO bin_points VALUES (?, 99, zeroblob(20000000))",
                           (held.sha256,))  # fmt: skip
            catalog._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

        await asyncio.to_thread(fill)
        before = (await asyncio.to_thread(file.stat)).st_size
        assert await engine.empty_bin() == 1
        assert (await asyncio.to_thread(file.stat)).st_size < before - 18_000_000
        await put(engine, tmp_path)


async def test_room_is_given_back_in_small_steps(settings: Settings, tmp_path: Path) -> None:
    def work() -> list[int]:
        with SqliteCatalog(tmp_path / "s") as catalog:
            with catalog._writing() as db:
                db.execute("CREATE TABLE large (body BLOB)")
                db.execute("INSERT INTO large VALUES (zeroblob(20000000))")
                db.execute("DROP TABLE large")
            return [catalog.unused_bytes(), *(catalog.give_room_back() for _ in range(12))]

    left = await asyncio.to_thread(work)
    steps = [a - b for a, b in itertools.pairwise(left) if a > b]
    assert len(steps) > 5 and max(steps) < 3_200_000
    assert left[-1] == 0


@pytest.mark.parametrize("step", ["moving", "restoring"])
async def test_what_a_process_that_was_not_known_to_have_ended_left_is_settled_later(
    opened: Callable[..., Any], settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:  # fmt: skip
    async with opened(replace(settings, index="memory")) as engine:
        before = await left_half_in_the_bin(engine, tmp_path, step)
        with monkeypatch.context() as patch:
            patch.setattr(engine._context.catalog, "ingested_by", lambda _: "another server")
            await settle_left(engine._context)
        assert (await engine.sources()).total == 1
        await settle_left(engine._context)
        assert await sees(engine, before.id) == []
        assert await engine.restore_source(before.id) == before
