"""The vacuum of the embedded index: on a copy, while the index is used, and whatever ends it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import threading
import uuid
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from omni_core.errors import StoreError
from omni_core.index import edge_vacuum, versions
from omni_core.index.edge import EdgeIndex
from omni_core.index.edge_shard import Shard
from omni_core.payload import StoredSegment
from omni_core.pipes.child import Child
from omni_core.points import Point
from omni_core.query import Filter, In, Prefetch
from omni_core.types import Channel, EncoderInfo
from omni_core.worker import Worker, WorkerDied

DIM = 24
INFO = EncoderInfo("tests/vacuum", "r1", DIM, frozenset(Channel))
COUNT = 2400
THIRD = Filter(must=(In("source_id", ("src_0",)),))
LEFT = COUNT * 2 // 3


def uid(n: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, str(n)))


def point(n: int) -> Point:
    rng = np.random.default_rng(n)
    fields = {"source_id": f"src_{n % 3}", "start": float(n), "end": n + 1.0, "text": f"word{n}"}
    return Point(uid(n), rng.normal(size=DIM).astype(np.float32), None, StoredSegment(fields))


def own(store: Path) -> Path:
    return versions.folder(store) / versions.slug(INFO)


def names(store: Path) -> set[str]:
    return {path.name for path in own(store).iterdir()}


@pytest.fixture
async def index(tmp_path: Path) -> AsyncIterator[EdgeIndex]:
    """A third of its points was deleted."""
    opened = EdgeIndex(tmp_path, INFO)
    await opened.open()
    await opened.upsert([point(n) for n in range(COUNT)])
    await opened.delete(THIRD)
    yield opened
    await opened.close()


def at(step: str, monkeypatch: pytest.MonkeyPatch) -> tuple[asyncio.Event, asyncio.Event]:
    """Set when the vacuum has come to this call; it goes on when the second one is set."""
    reached, go_on = asyncio.Event(), asyncio.Event()
    real = Worker.call

    async def call(self: Worker, method: str, *args: object, **more: object) -> object:
        if method == step:
            reached.set()
            await go_on.wait()
        return await real(self, method, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Worker, "call", call)
    return reached, go_on


@asynccontextmanager
async def stopped_at(
    step: str, index: EdgeIndex, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[asyncio.Task[bool]]:
    """The vacuum, which waits before this call inside the block, and has ended after it."""
    reached, go_on = at(step, monkeypatch)
    vacuum = asyncio.create_task(index.optimize())
    async with asyncio.timeout(60):
        await reached.wait()
        yield vacuum
        go_on.set()
        await asyncio.wait([vacuum])


async def whole(index: EdgeIndex) -> None:
    """What was left is there, once, and found."""
    assert await index.count() == LEFT
    (found,) = await index.search([Prefetch(point(1).dense, limit=1)])  # type: ignore[arg-type]
    assert found[0].id == uid(1)
    assert await index.get([uid(0)]) == []


@pytest.mark.parametrize("step", ["copy_beside", "vacuum", "adopt"])
async def test_the_index_is_used_while_it_is_vacuumed(
    index: EdgeIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    async with stopped_at(step, index, monkeypatch) as vacuum:
        await whole(index)
        assert await index.optimize() is False  # one is under way
    assert vacuum.result() is True
    await whole(index)
    assert names(tmp_path) == {"shard", "index.json"}
    assert await index.optimize() is False


@pytest.mark.parametrize(
    ("step", "write"), [("copy_beside", "upsert"), ("vacuum", "delete"), ("adopt", "set_payload")]
)
async def test_what_is_written_meanwhile_is_kept_and_the_copy_is_not_used(
    index: EdgeIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, write: str
) -> None:
    async with stopped_at(step, index, monkeypatch) as vacuum:
        if write == "upsert":
            await index.upsert([point(COUNT + 1)])
        elif write == "delete":
            await index.delete(Filter(must=(In("source_id", ("src_1",)),)))
        else:
            await index.set_payload(THIRD, {"title": "new"})
    assert vacuum.result() is False
    counts = {"upsert": LEFT + 1, "delete": COUNT // 3, "set_payload": LEFT}
    assert await index.count() == counts[write]
    assert names(tmp_path) == {"shard", "index.json"}
    assert await index.optimize() is True
    assert await index.count() == counts[write]


@pytest.mark.parametrize("step", ["copy_beside", "vacuum", "adopt"])
async def test_a_vacuum_whose_index_process_is_killed_changes_nothing(
    index: EdgeIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    async with stopped_at(step, index, monkeypatch) as vacuum:
        assert index._worker is not None and index._worker.pid is not None
        os.kill(index._worker.pid, signal.SIGKILL)
    assert isinstance(vacuum.exception(), StoreError) or vacuum.result() is False
    await whole(index)
    assert await index.optimize() is True
    await whole(index)
    assert names(tmp_path) == {"shard", "index.json"}


async def test_a_vacuum_that_is_killed_is_one_line_and_can_be_made_again(
    index: EdgeIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Worker.call

    async def call(self: Worker, method: str, *args: object, **more: object) -> object:
        if method == "vacuum":
            await self.start()
            self.kill()
            child = self._child
            assert child is not None
            return await self._call(child, method, (), None, None)
        return await real(self, method, *args, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(Worker, "call", call)
        with pytest.raises(
            StoreError, match=r"vacuum of the index died .*; the index is as it was"
        ):
            await index.optimize()
    await whole(index)
    assert names(tmp_path) == {"shard", "index.json"}
    assert await index.optimize() is True


async def test_a_vacuum_that_hangs_is_ended_and_is_one_line(
    index: EdgeIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Worker.call

    async def call(self: Worker, method: str, *args: Any, deadline_s: float | None = None) -> Any:
        if method == "vacuum":
            await real(self, "count", None)
            assert self.pid is not None
            os.kill(self.pid, signal.SIGSTOP)
            deadline_s = 0.1 if deadline_s else None
        return await real(self, method, *args, deadline_s=deadline_s)

    with monkeypatch.context() as patched:
        patched.setattr(Worker, "call", call)
        async with asyncio.timeout(60):
            with pytest.raises(StoreError, match=r"gave no answer .* the index is as it was"):
                await index.optimize()
    await whole(index)
    assert names(tmp_path) == {"shard", "index.json"}


@pytest.mark.parametrize("step", ["copy_beside", "adopt"])
async def test_an_index_process_that_hangs_in_a_vacuum_is_started_anew(
    index: EdgeIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    real = Worker.call
    hung: list[int] = []

    async def call(self: Worker, method: str, *args: Any, deadline_s: float | None = None) -> Any:
        if method == step and not hung:
            assert self.pid is not None
            hung.append(self.pid)
            os.kill(self.pid, signal.SIGSTOP)
            deadline_s = 0.1 if deadline_s else None
        return await real(self, method, *args, deadline_s=deadline_s)

    monkeypatch.setattr(Worker, "call", call)
    async with asyncio.timeout(60):
        assert await index.optimize() is False
        await whole(index)
        assert len(hung) == 1 and not psutil.pid_exists(hung[0])
        assert names(tmp_path) == {"shard", "index.json"}
        assert await index.optimize() is True


async def test_closing_the_index_ends_its_vacuum_and_leaves_nothing(
    index: EdgeIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also a second process that works, here one that would never end by itself."""
    running: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    real = Worker.call

    async def call(self: Worker, method: str, *args: object, **more: object) -> object:
        if method == "vacuum":
            assert await real(self, "count", None) == LEFT  # it has opened the copy
            assert self.pid is not None
            os.kill(self.pid, signal.SIGSTOP)
            running.set_result(self.pid)
        return await real(self, method, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Worker, "call", call)
    vacuum = asyncio.create_task(index.optimize())
    async with asyncio.timeout(60):
        pid = await running
        assert names(tmp_path) == {"shard", "index.json", "vacuum"}
        vacuum.cancel()
        await asyncio.wait([vacuum])
        await index.close()
    assert vacuum.cancelled()
    assert not psutil.pid_exists(pid)
    assert names(tmp_path) == {"shard", "index.json"}


@pytest.mark.parametrize("left", [("shard.old",), ("vacuum",), ("shard.old", "vacuum")])
@pytest.mark.parametrize("named", [True, False])
def test_what_a_kill_left_of_a_vacuum_is_mended_at_the_next_opening(
    tmp_path: Path, left: tuple[str, ...], named: bool
) -> None:
    """Killed before the copy took its place, and between the two renames of that."""
    if not named and "shard.old" not in left:
        return
    shard = Shard(tmp_path, DIM, False)
    shard.upsert([point(n) for n in range(10)])
    shard.close()
    for name in left:
        shutil.copytree(tmp_path / "shard", tmp_path / name)
    if not named:
        shutil.rmtree(tmp_path / "shard")
    again = Shard(tmp_path, DIM, False)
    assert again.count(None) == 10
    again.close()
    assert [path.name for path in tmp_path.iterdir()] == ["shard"]


@pytest.mark.parametrize("killed", ["as it was opened", "as it was taken back"])
def test_a_copy_in_place_that_nobody_found_whole_gives_the_place_back(
    tmp_path: Path, killed: str
) -> None:
    """Its process may have been killed by opening it, or while it removed what is no good."""
    shard = Shard(tmp_path, DIM, False)
    shard.upsert([point(n) for n in range(10)])
    shard.close()
    shutil.copytree(tmp_path / "shard", tmp_path / "shard.old")
    shutil.rmtree(tmp_path / "shard" / "segments")
    if killed == "as it was taken back":
        (tmp_path / "shard").rename(tmp_path / "vacuum")
    again = Shard(tmp_path, DIM, False)
    assert again.count(None) == 10
    again.close()
    assert [path.name for path in tmp_path.iterdir()] == ["shard"]


def test_a_file_that_a_write_takes_from_the_copying_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard = Shard(tmp_path, DIM, False)
    shard.upsert([point(n) for n in range(COUNT)])
    shard.delete(THIRD)
    state = shard.vacuum_due()
    assert state is not None

    def copy(path: Path) -> None:
        shard.upsert([point(COUNT + 1)])
        raise FileNotFoundError(2, "No such file or directory", str(path / "wal" / "open-1"))

    monkeypatch.setattr(edge_vacuum, "copy", copy)
    assert shard.copy_beside(state) is False
    assert shard.copy_beside(state) is False  # and is not begun
    shard.close()


async def test_a_vacuum_that_ends_while_its_process_starts_leaves_none(
    index: EdgeIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starting, ending = threading.Event(), threading.Event()
    workers: list[Worker] = []
    run, end = Worker._run, Worker.end

    def slowly(self: Worker, started: Future[Child]) -> None:
        if self.name == "vacuum of the index":
            workers.append(self)
            starting.set()
            ending.wait(60)
        run(self, started)

    def told(self: Worker) -> None:
        ending.set()
        end(self)

    monkeypatch.setattr(Worker, "_run", slowly)
    monkeypatch.setattr(Worker, "end", told)
    vacuum = asyncio.create_task(index.optimize())
    assert await asyncio.to_thread(starting.wait, 60)
    vacuum.cancel()
    async with asyncio.timeout(60):
        await asyncio.wait([vacuum])
    assert vacuum.cancelled() and ending.is_set()
    assert [worker.pid for worker in workers] == [None]
    with pytest.raises(WorkerDied, match="is closed"):
        await workers[0].start()
    assert names(tmp_path) == {"shard", "index.json"}


async def test_a_vacuum_whose_process_cannot_be_started_is_one_line(
    index: EdgeIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Worker._run

    def refused(self: Worker, started: Future[Child]) -> None:
        if self.name == "vacuum of the index":
            started.set_exception(OSError(28, "No space left on device"))
        else:
            run(self, started)

    monkeypatch.setattr(Worker, "_run", refused)
    with pytest.raises(StoreError, match="No space left on device; the index is as it was"):
        await index.optimize()
    await whole(index)
    assert names(tmp_path) == {"shard", "index.json"}


def test_a_copy_that_cannot_take_the_place_leaves_the_shard_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard = Shard(tmp_path, DIM, False)
    shard.upsert([point(n) for n in range(COUNT)])
    shard.delete(THIRD)
    state = shard.vacuum_due()
    assert state is not None
    with pytest.raises(StoreError, match="could not take its place: No such file"):
        shard.adopt(state)
    assert shard.count(None) == LEFT
    shard.close()


@pytest.mark.parametrize("fault", ["fewer points", "damaged"])
def test_a_vacuumed_copy_that_is_not_whole_is_not_used(tmp_path: Path, fault: str) -> None:
    shard = Shard(tmp_path, DIM, False)
    shard.upsert([point(n) for n in range(COUNT)])
    shard.delete(THIRD)
    state = shard.vacuum_due()
    assert state is not None
    assert shard.copy_beside(state)
    if fault == "damaged":
        (tmp_path / "vacuum" / "edge_config.json").write_text("{")
    else:
        beside = Shard(tmp_path / "vacuum", DIM, False, rewrites=True)
        beside.delete(Filter(must=(In("source_id", ("src_1",)),)))
        beside.vacuum()
        beside.close()
    with pytest.raises(StoreError, match=r"has 800 of 1600 points|is damaged"):
        shard.adopt(state)
    assert shard.count(None) == LEFT
    shard.close()
    again = Shard(tmp_path, DIM, False)
    assert again.count(None) == LEFT
    again.close()


async def test_a_copy_of_the_index_has_nothing_of_a_vacuum_in_it(
    index: EdgeIndex, tmp_path: Path
) -> None:
    (own(tmp_path) / edge_vacuum.FOLDER).mkdir()
    (own(tmp_path) / edge_vacuum.FOLDER / "half").write_text("half")
    assert await index.copy_to(tmp_path / "copy")
    assert names(tmp_path / "copy") == {"shard", "index.json"}


def test_fields_that_only_narrow_one_source_are_not_indexed_any_more(tmp_path: Path) -> None:
    import qdrant_edge as edge

    shard = Shard(tmp_path, DIM, False)
    shard.upsert([point(n) for n in range(5)])
    shard._shard.update(edge.UpdateOperation.create_field_index("start", edge.FloatIndexParams()))
    shard.close()
    again = Shard(tmp_path, DIM, False)
    assert {"start", "end", "page"}.isdisjoint(again._shard.info().payload_schema)
    assert {"source_id", "recorded_at"} <= set(again._shard.info().payload_schema)
    again.close()
