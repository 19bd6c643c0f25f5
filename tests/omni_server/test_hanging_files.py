"""A drive that does not answer: the calls that need it wait, and no other call does."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from omni_core import file_calls
from omni_core.errors import NotFoundError
from omni_core.settings import Settings
from omni_server.access import Access
from tests.results import text


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Any:
    """An event for the return of the drive that every look-up waits for."""
    back = threading.Event()

    def look(self: Access, source: str) -> Any:
        back.wait()
        raise NotFoundError("no file there")

    monkeypatch.setattr(Access, "check", look)
    yield back
    back.set()


async def test_look_ups_that_hang_leave_the_threads_of_all_other_work_free(
    connect: Any, hanging: threading.Event
) -> None:
    async with connect() as client, asyncio.timeout(30):
        calls = [
            asyncio.create_task(client.call_tool("ingest_media", {"source": f"{n}.md"}))
            for n in range(12)
        ]
        assert await asyncio.to_thread(lambda: "free") == "free"
        listed = await client.call_tool("list_sources", {})
        assert not listed.is_error
        assert not any(call.done() for call in calls)
        hanging.set()
        answers = await asyncio.gather(*calls)
    assert {text(answer).split(":")[0] for answer in answers} == {"NOT_FOUND"}


async def test_a_look_up_that_hangs_is_one_clear_line_past_the_deadline(
    connect: Any, hanging: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_calls.FileCalls.run, "__defaults__", (0.05,))
    async with connect() as client, asyncio.timeout(30):
        answer = await client.call_tool("ingest_media", {"source": "a.md"})
    assert answer.is_error
    assert text(answer).startswith("FILES_SLOW: the file system gave no answer within 0.05 s")


async def test_a_walk_ends_when_its_call_is_cancelled(tmp_path: Path) -> None:
    for n in range(50):
        (tmp_path / f"{n}.md").touch()
    settings = Settings(store=str(tmp_path / "store"), roots=(str(tmp_path),))
    given_up = file_calls._Sign(given_up=True)

    def walk() -> Any:
        file_calls._sign.set(given_up)
        return Access(settings).check(str(tmp_path))

    with pytest.raises(file_calls.GivenUpError):
        await file_calls.run(walk)
