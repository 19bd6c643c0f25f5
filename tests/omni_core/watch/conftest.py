"""A watcher over a real engine, whose clock the test moves and whose events the test makes."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from omni_core import Engine
from omni_core.engine.api import EngineApi
from omni_core.settings import Settings, load
from omni_core.watch import Event, Watched, Watcher
from omni_core.watch.events import Clock
from tests.blocking import blocking_calls_fail

MAX_STEPS = 60


@pytest.fixture(autouse=True)
def nothing_blocks_the_event_loop() -> Iterator[None]:
    with blocking_calls_fail():
        yield


class Folder:
    """The watched folder: writes and renames files in a thread, as another program would."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def at(self, name: str) -> str:
        return str(self.path / name)

    async def write(self, name: str, text: str) -> str:
        def work() -> None:
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

        await asyncio.to_thread(work)
        return self.at(name)

    async def picture(self, name: str, share: float = 1.0) -> str:
        """The first `share` of a picture's bytes: all of it, or one that cannot be read."""

        def work() -> None:
            whole = io.BytesIO()
            Image.new("RGB", (64, 64), (200, 0, 0)).save(whole, "PNG")
            data = whole.getvalue()
            (self.path / name).write_bytes(data[: int(len(data) * share)])

        await asyncio.to_thread(work)
        return self.at(name)

    async def rename(self, old: str, new: str) -> tuple[str, str]:
        def work() -> None:
            (self.path / new).parent.mkdir(parents=True, exist_ok=True)
            (self.path / old).rename(self.path / new)

        await asyncio.to_thread(work)
        return self.at(old), self.at(new)

    async def remove(self, name: str) -> str:
        path = self.path / name
        await asyncio.to_thread(shutil.rmtree if path.is_dir() else os.remove, path)
        return self.at(name)


class Watching:
    """A watcher, its events, and its clock, which stands still unless it is moved."""

    def __init__(self, engine: EngineApi, folders: list[Watched], **options: Any) -> None:
        self.events: list[Event] = []
        self.told = asyncio.Event()
        """Set at every event."""
        self.seconds = 0.0
        self.day_moves = True
        """Whether the time of day moves with the clock: files then look older than they are."""

        async def same() -> EngineApi:
            return engine

        async def report(event: Event) -> None:
            self.events.append(event)
            self.told.set()

        clock = Clock(lambda: self.seconds, self._time_of_day)
        self.watcher = Watcher(same, folders, report, clock=clock, **options)

    def _time_of_day(self) -> float:
        return time.time() + (self.seconds if self.day_moves else 0.0)

    async def changed(self, *paths: str) -> None:
        """These events, and whatever they lead to."""
        self.watcher.changed(paths)
        await self.settle()

    async def changed_once(self, *paths: str) -> None:
        """These events, and what is due at this moment."""
        self.watcher.changed(paths)
        await self.watcher.look()
        while await self.watcher.ingest_next():
            pass

    async def settle(self, steps: int = MAX_STEPS) -> None:
        """Let time pass until nothing is waiting, at most so many seconds."""
        for _ in range(steps):
            await self.watcher.look()
            while await self.watcher.ingest_next():
                pass
            if not self.watcher.busy:
                return
            self.seconds += 1.0

    def kinds(self, *without: str) -> list[str]:
        return [e.kind for e in self.events if e.kind not in ("working", "scan", *without)]

    def of(self, kind: str) -> list[Event]:
        return [e for e in self.events if e.kind == kind]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    given = {
        "store": str(tmp_path / "store"), "encoder": "hashing", "index": "memory", "speech": "off",
        "screen_text": "off", "timezone": "UTC",
    }  # fmt: skip
    return load(given, environ={})


@pytest.fixture
async def engine(settings: Settings) -> AsyncIterator[Engine]:
    opened = await Engine.open(settings)
    yield opened
    await opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    path = tmp_path / "notes"
    path.mkdir()
    return Folder(path)


@pytest.fixture
def watching(engine: Engine, folder: Folder) -> Callable[..., Watching]:
    def start(*folders: Watched, **options: Any) -> Watching:
        return Watching(engine, list(folders) or [Watched(str(folder.path))], **options)

    return start
