"""When a watcher looks: real events of the file system, and what cannot send any."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from omni_core.watch import Watched, signals
from tests.omni_core.watch.conftest import Folder, Watching

Start = Callable[..., Watching]


async def until(told: asyncio.Event, true: Callable[[], bool], wait_s: float = 60.0) -> None:
    """Wait for something that real events bring about; `told` is set at each."""
    async with asyncio.timeout(wait_s):
        while not true():
            await told.wait()
            told.clear()


async def test_a_file_saved_in_a_watched_folder_becomes_searchable_by_itself(
    folder: Folder, watching: Start
) -> None:
    watch = watching()
    watch.watcher._clock = type(watch.watcher._clock)()  # the real one
    running = asyncio.create_task(watch.watcher.run())
    try:
        await until(
            watch.told, lambda: len(watch.of("scan")) >= 2
        )  # the second: events are listened to
        await folder.write("new/boats.txt", "The launch of the boat is postponed to March.")
        await until(watch.told, lambda: watch.kinds() == ["ready"])
        await folder.rename("new/boats.txt", "ships.txt")
        await until(watch.told, lambda: watch.kinds() == ["ready", "renamed"])
        await folder.remove("ships.txt")
        await until(watch.told, lambda: watch.kinds() == ["ready", "renamed", "gone"])
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def test_a_polled_folder_needs_no_events(folder: Folder, watching: Start) -> None:
    watch = watching(poll_s=0.2)
    watch.watcher._clock = type(watch.watcher._clock)()
    running = asyncio.create_task(watch.watcher.run())
    try:
        await until(watch.told, lambda: len(watch.of("scan")) >= 1)
        await folder.write("boats.txt", "The launch of the boat is postponed to March.")
        await until(watch.told, lambda: watch.kinds() == ["ready"])
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def test_a_folder_that_appears_later_is_noticed(
    tmp_path: Path, watching: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals, "CHECK_MS", 200)
    later = Folder(tmp_path / "later")
    seen: list[str] = []
    told = asyncio.Event()

    def changed(paths: Iterable[str]) -> None:
        seen.extend(paths)
        told.set()

    async def cannot(folder: str, reason: str) -> None:
        raise AssertionError(reason)

    task = asyncio.create_task(signals.listen([str(later.path)], changed, cannot))
    try:
        await later.write("a.txt", "x")
        await until(told, lambda: str(later.path) in seen)
        path = await later.write("b.txt", "y")
        await until(told, lambda: path in seen)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_network_file_system_is_polled(
    folder: Folder, watching: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals, "file_system", lambda path: "nfs4")
    told: list[tuple[str, str]] = []

    async def cannot(path: str, reason: str) -> None:
        told.append((path, reason))

    await asyncio.wait_for(signals.listen([str(folder.path)], lambda paths: None, cannot), 30)
    assert told == [(str(folder.path), "nfs4 does not tell what others change")]
    watch = watching()
    await watch.watcher.look()
    await watch.watcher._poll(*told[0])
    watch.seconds += 11.0
    await watch.watcher.look()
    assert len(watch.of("scan")) == 2


def test_the_file_system_of_a_folder_is_that_of_the_nearest_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "/dev/sda1 / ext4 rw 0 0\nnas:/x /mnt/my\\040nas nfs4 rw 0 0\n/dev/sdb1 /mnt ext4 rw 0 0\n"
    )
    assert signals.file_system("/mnt/my nas/films", mounts) == "nfs4"
    assert signals.file_system("/mnt/my", mounts) == "ext4"
    assert signals.file_system("/home", mounts) == "ext4"
    assert signals.file_system("/home", tmp_path / "none") == ""


async def test_a_system_without_enough_watches_is_polled(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*args: object) -> None:
        raise OSError("OS file watch limit reached")

    monkeypatch.setattr(signals, "_until_another", full)
    told: list[str] = []

    async def cannot(path: str, reason: str) -> None:
        told.append(reason)

    await asyncio.wait_for(signals.listen([str(folder.path)], lambda paths: None, cannot), 30)
    assert told == ["OS file watch limit reached"]


def test_folders_are_named_with_their_collections(tmp_path: Path) -> None:
    from omni_core.errors import BadRequestError
    from omni_core.watch.folders import watched

    notes, films = tmp_path / "notes", tmp_path / "films"
    odd = tmp_path / "a=b"
    for path in (notes, films, odd, notes / "deep"):
        path.mkdir()
    assert watched([str(notes), f"cinema={films}", str(odd)], collection="x") == (
        Watched(str(notes), "x"), Watched(str(films), "cinema"), Watched(str(odd), "x"),
    )  # fmt: skip
    assert watched(["roots"], roots=[notes, films]) == (Watched(str(notes)), Watched(str(films)))
    with pytest.raises(BadRequestError, match="no folder"):
        watched(["roots"])
    with pytest.raises(BadRequestError, match="watched already"):
        watched([str(notes), str(notes / "deep")])
