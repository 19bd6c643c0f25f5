"""The files of a set: several at a time, in order, small ones beside films."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from omni_core.engine.ingest.several import SMALL_BYTES, Several
from omni_core.engine.results import FolderStatus, IngestRequest, IngestStatus
from omni_core.errors import StoreError
from omni_core.tasks import Report

pytestmark = pytest.mark.timeout(60)


class Files:
    """Files that are ingested when a test says so."""

    def __init__(self, folder: Path, names: str) -> None:
        """Of `names`, those in capitals are large."""
        self.requests = []
        for name in names.split():
            path = folder / f"{name}.bin"
            with path.open("wb") as file:
                file.truncate(SMALL_BYTES + 1 if name.isupper() else 9)
            self.requests.append(IngestRequest(str(path)))
        self.gates = {name: asyncio.Event() for name in names.split()}
        self.begun: list[str] = []
        self.cancelled: list[str] = []
        self.heard: list[FolderStatus] = []
        self.errors: dict[str, Exception] = {}
        self._changed = asyncio.Event()

    async def one(self, request: IngestRequest, report: Report[IngestStatus]) -> IngestStatus:
        name = Path(request.path).stem
        self.begun.append(name)
        await report(IngestStatus(request.path, "processing", progress=0.5, segments=2))
        try:
            await self.gates[name].wait()
        except asyncio.CancelledError:
            self.cancelled.append(name)
            raise
        if name in self.errors:
            raise self.errors[name]
        return IngestStatus(request.path, "ready", progress=1.0, segments=4)

    async def note(self, status: FolderStatus) -> None:
        self.heard.append(status)
        self._changed.set()

    def start(self, at_once: int) -> asyncio.Task[FolderStatus]:
        run = Several(self.requests, self.one, self.note, at_once).run()
        return asyncio.create_task(run)

    async def until(self, reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not reached():
                self._changed.clear()
                await self._changed.wait()

    async def under_way(self) -> str:
        """The names of the files under way, once all that may have begun."""
        for _ in range(20):
            await asyncio.sleep(0)
        return " ".join(sorted(Path(s.path).stem for s in self.heard[-1].now))


async def test_as_many_as_may_be_begin_in_order(tmp_path: Path) -> None:
    files = Files(tmp_path, "a b c d e")
    task = files.start(2)
    await files.until(lambda: len(files.heard) >= 2)
    assert await files.under_way() == "a b"
    files.gates["b"].set()
    await files.until(lambda: files.heard[-1].files_done == 1)
    assert await files.under_way() == "a c"
    for gate in files.gates.values():
        gate.set()
    status = await task
    assert files.begun == ["a", "b", "c", "d", "e"]
    assert [Path(s.path).stem for s in status.done] == ["a", "b", "c", "d", "e"]
    assert (status.finished, status.progress, status.now) == (True, 1.0, ())


@pytest.mark.parametrize("at_once", [1, 2])
async def test_small_files_go_one_by_one_beside_films_and_do_not_wait_for_them(
    tmp_path: Path, at_once: int
) -> None:
    files = Files(tmp_path, "A B C d e")
    task = files.start(at_once)
    films = " ".join("AB"[:at_once])
    for n, name in enumerate("de"):
        await files.until(lambda name=name: name in files.begun)  # type: ignore[misc]
        assert await files.under_way() == f"{films} {name}"
        files.gates[name].set()
        await files.until(lambda n=n: files.heard[-1].files_done == n + 1)  # type: ignore[misc]
    assert await files.under_way() == films
    assert "C" not in files.begun
    for gate in files.gates.values():
        gate.set()
    assert [Path(s.path).stem for s in (await task).done] == ["A", "B", "C", "d", "e"]


async def test_a_small_file_beside_small_files_waits_for_its_turn(tmp_path: Path) -> None:
    files = Files(tmp_path, "a b C")
    task = files.start(1)
    await files.until(lambda: bool(files.heard))
    assert await files.under_way() == "a"
    for gate in files.gates.values():
        gate.set()
    await task


async def test_progress_counts_every_file_under_way_and_never_falls(tmp_path: Path) -> None:
    files = Files(tmp_path, "a b c d")
    task = files.start(3)
    await files.until(lambda: len(files.heard) >= 3)
    await files.under_way()
    assert (files.heard[-1].progress, files.heard[-1].segments) == (1.5 / 4, 6)
    for name in "cadb":
        files.gates[name].set()
    await task
    shares = [status.progress for status in files.heard]
    assert shares == sorted(shares) and shares[-1] == 1.0


async def test_a_broken_store_ends_all_of_them_and_is_raised(tmp_path: Path) -> None:
    files = Files(tmp_path, "a b c")
    files.errors["b"] = StoreError("the disk is full")
    task = files.start(2)
    await files.until(lambda: len(files.heard) >= 2)
    files.gates["b"].set()
    with pytest.raises(StoreError, match="full"):
        await task
    assert (files.begun, files.cancelled) == (["a", "b"], ["a"])


async def test_a_cancelled_set_ends_the_files_that_are_under_way(tmp_path: Path) -> None:
    files = Files(tmp_path, "a b c")
    task = files.start(2)
    await files.until(lambda: len(files.heard) >= 2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (task.cancelled(), files.begun, sorted(files.cancelled)) == (
        True,
        ["a", "b"],
        ["a", "b"],
    )
