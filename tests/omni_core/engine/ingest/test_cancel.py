"""A caller that changes its mind and changes it back: no call ends in somebody's cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omni_core import Engine, IngestRequest, SearchRequest
from omni_core.engine.results import FolderStatus, IngestStatus
from omni_core.errors import StoppedError
from omni_core.payload import source_filter
from omni_core.settings import Settings

pytestmark = pytest.mark.timeout(300)

ROUNDS = 50
BOUND_S = 240.0
STAGES = ("hashing", "probing", "hashing", "probing", "cutting")
"""A cancellation while a file is cut ends its decoder: a new one costs 0.4 s each time."""


@pytest.fixture
async def engine(opened: Callable[..., Any], settings: Settings) -> AsyncIterator[Engine]:
    async with opened(replace(settings, index="memory")) as engine:
        await engine.ready(60)
        yield engine


def note(folder: Path, n: int) -> Path:
    path = folder / f"note {n}.md"
    path.write_text(f"# Report {n}\n\nThe observatory counted {n} thousand stars.\n")
    return path


class Begun:
    """Says when an ingest has reached a stage, each round another one."""

    def __init__(self, n: int) -> None:
        self.stage = STAGES[n % len(STAGES)]
        self.reached = asyncio.Event()
        self.source = ""

    async def __call__(self, status: IngestStatus) -> None:
        self.source = self.source or status.source_id
        if status.stage == self.stage or status.state == "ready":
            self.reached.set()

    async def of_folder(self, status: FolderStatus) -> None:
        if status.current is not None:
            await self(status.current)


async def turns(n: int) -> None:
    """Let the event loop turn: the recall meets the cancellation at another point each round."""
    for _ in range(n % 8):
        await asyncio.sleep(0)


async def test_a_file_cancelled_and_asked_for_at_once_is_ingested_fifty_times(
    engine: Engine, tmp_path: Path
) -> None:
    async with asyncio.timeout(BOUND_S):
        for n in range(ROUNDS):
            request, begun = IngestRequest(str(note(tmp_path, n))), Begun(n)
            first = asyncio.create_task(engine.ingest(request, progress=begun))
            await begun.reached.wait()
            first.cancel()
            await turns(n // len(STAGES))
            status = await engine.ingest(request)
            assert (status.state, status.error) == ("ready", ""), (n, status)
            await asyncio.wait([first])
    found = await engine.search(SearchRequest("observatory stars", limit=20, per_source=1))
    assert found.searched_sources == ROUNDS


async def test_a_folder_cancelled_and_asked_for_at_once_is_ingested_fifty_times(
    engine: Engine, tmp_path: Path
) -> None:
    async with asyncio.timeout(BOUND_S):
        for n in range(ROUNDS):
            paths = [str(note(tmp_path, 2 * n)), str(note(tmp_path, 2 * n + 1))]
            begun = Begun(n)
            first = asyncio.create_task(engine.ingest_folder(paths, progress=begun.of_folder))
            await begun.reached.wait()
            first.cancel()
            await turns(n // len(STAGES))
            status = await engine.ingest_folder(paths)
            assert status.finished and not status.failed, (n, status)
            assert [s.state for s in status.done] == ["ready", "ready"]
            await asyncio.wait([first])


async def test_a_source_forgotten_while_its_call_waits_is_an_error_of_that_call_many_times(
    engine: Engine, tmp_path: Path
) -> None:
    stopped = 0
    async with asyncio.timeout(BOUND_S):
        for n in range(ROUNDS // 3):
            request, begun = IngestRequest(str(note(tmp_path, n))), Begun(STAGES.index("cutting"))
            waiting = asyncio.create_task(engine.ingest(request, progress=begun))
            await begun.reached.wait()
            source = begun.source
            await engine.forget(source)
            try:
                assert (await waiting).state == "ready"  # it had just ended
            except StoppedError as e:
                assert e.code == "CANCELLED"
                stopped += 1
            index = await engine._context.opened_index()
            assert await index.count(source_filter(source)) == 0
            assert (await engine.ingest(request)).state == "ready"
    assert stopped > 0


async def test_a_file_of_a_folder_that_is_forgotten_meanwhile_is_one_line_of_its_outcome(
    engine: Engine, tmp_path: Path
) -> None:
    paths, begun = [str(note(tmp_path, n)) for n in range(3)], Begun(STAGES.index("cutting"))
    waiting = asyncio.create_task(engine.ingest_folder(paths, progress=begun.of_folder))
    async with asyncio.timeout(60):
        await begun.reached.wait()
        await engine.forget(begun.source)
        status = await waiting
    assert status.finished and status.files_done == 3
    assert {s.error_code for s in status.failed} <= {"CANCELLED"}


async def test_a_second_request_for_a_busy_file_waits_no_longer_than_it_asked_and_is_done_later(
    engine: Engine, media: Path
) -> None:
    path = str(media / "colours.mp4")
    async with asyncio.timeout(60):
        first = asyncio.create_task(engine.ingest(IngestRequest(path)))
        while not (await engine.status())["jobs"]:
            pass
        status = await engine.ingest(IngestRequest(path, title="Mine"), wait_s=0)
        assert status.state == "queued" and not first.done()
        await first
        assert (await engine.ingest(IngestRequest(path, title="Mine"))).title == "Mine"
