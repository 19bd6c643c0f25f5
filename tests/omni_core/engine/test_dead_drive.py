"""A drive that stops answering between two steps of an ingest or a look: its files fail in one
line, and everything else goes on."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omni_core import IngestRequest, file_calls
from omni_core.engine.api import EngineApi
from omni_core.settings import Settings
from omni_core.watch import Event, Watched, Watcher
from omni_core.watch.events import Clock

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def hangs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Lets a function hang for paths with `nas` in them, to the end of the test."""
    back = threading.Event()
    monkeypatch.setattr(file_calls.FileCalls.run, "__defaults__", (0.2,))
    monkeypatch.setattr(file_calls.FileCalls.run_long, "__defaults__", (0.2,))

    def hang(name: str) -> None:
        module, _, function = name.rpartition(".")
        whole = getattr(__import__(module, fromlist=["x"]), function)

        def hanging(path: Any, *args: Any, **more: Any) -> Any:
            if "nas" in str(getattr(path, "path", path)):
                back.wait()
            return whole(path, *args, **more)

        monkeypatch.setattr(name, hanging)

    yield hang
    back.set()


def files(tmp_path: Path, folder: str, count: int = 12) -> list[str]:
    there = tmp_path / folder
    there.mkdir()
    for n in range(count):
        (there / f"{n}.md").write_text(f"# Note {n} of {folder}\n\nThe ferry leaves at {n}.\n")
    return [str(there / f"{n}.md") for n in range(count)]


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def watcher(tmp_path: Path, events: list[Event]) -> Callable[[EngineApi], Watcher]:
    """Watches `nas` and `here`."""
    folders = [Watched(str(tmp_path / name)) for name in ("nas", "here")]

    async def note(event: Event) -> None:
        events.append(event)

    def of(engine: EngineApi) -> Watcher:
        async def use() -> EngineApi:
            return engine

        return Watcher(use, folders, note)

    return of


@pytest.mark.parametrize(
    "step",
    [
        "omni_core.engine.ingest.file.look",
        "omni_core.engine.hashing.hashed",
        "omni_core.engine.ingest.file.is_unchanged",
        "omni_core.engine.ingest.begun.seen",
    ],
)
async def test_files_of_a_dead_drive_fail_and_hold_no_thread_of_the_others(
    opened: Callable[..., Any],
    settings: Settings,
    tmp_path: Path,
    hangs: Callable[[str], None],
    step: str,
) -> None:
    hangs(step)
    dead, good = files(tmp_path, "nas"), files(tmp_path, "here", 2)
    async with opened(replace(settings, index="memory")) as engine, asyncio.timeout(120):
        statuses = await asyncio.gather(*(engine.ingest(IngestRequest(p)) for p in dead))
        if not step.endswith("seen"):
            assert {s.state for s in statuses} <= {"failed", "partial"}
            assert {s.failure.code for s in statuses if s.failure} == {"FILES_SLOW"}
        assert await asyncio.to_thread(lambda: "free") == "free"
        for path in good:
            assert (await engine.ingest(IngestRequest(path))).state == "ready"


async def test_a_folder_on_a_dead_drive_is_away_and_the_others_are_kept_current(
    opened: Callable[..., Any], settings: Settings, tmp_path: Path, hangs: Callable[[str], None],
    watcher: Callable[[EngineApi], Watcher], events: list[Event],
) -> None:  # fmt: skip
    files(tmp_path, "nas"), files(tmp_path, "here", 2)
    async with opened(replace(settings, index="memory")) as engine, asyncio.timeout(120):
        watching = watcher(engine)
        await watching.once()
        assert (await engine.sources()).total == 14
        hangs("omni_core.watch.disk.presence")
        (tmp_path / "here" / "new.md").write_text("# New\n\nA new note.\n")
        watching.scan_soon()
        await watching.once()
        assert (await engine.sources()).total == 15
        assert [e.path for e in events if e.kind == "away"] == [str(tmp_path / "nas")]
        assert not [e for e in events if e.kind == "gone"]


async def test_files_that_wait_for_their_turn_on_a_dead_drive_hold_up_no_other_folder(
    opened: Callable[..., Any], settings: Settings, tmp_path: Path, hangs: Callable[[str], None],
    watcher: Callable[[EngineApi], Watcher], events: list[Event],
) -> None:  # fmt: skip
    files(tmp_path, "nas"), files(tmp_path, "here", 2)
    hangs("omni_core.watch.disk.stat_of")  # when their turn comes, not when they are found
    async with opened(replace(settings, index="memory")) as engine, asyncio.timeout(120):
        await watcher(engine).once()
        assert (await engine.sources()).total == 2
        assert [e.path for e in events if e.kind == "away"] == [str(tmp_path / "nas")]
        assert not [e for e in events if e.kind in ("trouble", "failed", "gone")]


async def test_a_folder_that_is_away_is_not_looked_at_without_a_pause(
    opened: Callable[..., Any], settings: Settings, tmp_path: Path,
    watcher: Callable[[EngineApi], Watcher], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (note, *_) = files(tmp_path, "nas", 1)
    files(tmp_path, "here", 1)
    pauses: list[float] = []

    async def wait_for(work: Coroutine[Any, Any, Any], pause: float) -> None:
        work.close()
        pauses.append(pause)

    async with opened(replace(settings, index="memory")) as engine, asyncio.timeout(120):
        watching = watcher(engine)
        await watching.once()
        (tmp_path / "nas" / "0.md").unlink()
        watching.changed([note])
        await watching.look()
        (tmp_path / "nas").rename(tmp_path / "unplugged")
        watching._clock = Clock(lambda: time.monotonic() + 3600)  # long after its file was gone
        watching.scan_soon()
        monkeypatch.setattr(asyncio, "wait_for", wait_for)
        await watching._look_when_due()
        assert len(pauses) == 1 and pauses[0] > 1
