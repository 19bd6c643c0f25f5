"""A running server keeps its watched folders current."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import get_args

from omni_core.engine.results import SearchRequest
from omni_core.settings import load
from omni_core.watch import Event
from omni_core.watch.events import Kind
from omni_server.state import State
from omni_server.watching import line


async def test_a_file_in_a_root_becomes_searchable_without_a_call(tmp_path: Path) -> None:
    root = tmp_path / "root"
    await asyncio.to_thread(root.mkdir)
    given = {
        "store": str(tmp_path / "store"), "roots": [str(root)], "watch": ["roots"],
        "encoder": "hashing", "index": "memory", "speech": "off", "screen_text": "off",
    }  # fmt: skip
    settings = await asyncio.to_thread(load, given, environ={})
    state, changed = State(settings), asyncio.Event()

    async def note(source_id: str) -> None:
        changed.set()

    state.changed = note
    async with state.running(), asyncio.timeout(90):
        engine = await state.engine()
        await asyncio.to_thread((root / "boats.txt").write_text, "The launch is in March.")
        while not (await engine.sources(state="ready")).total:
            changed.clear()
            await changed.wait()
        (hit,) = (await engine.search(SearchRequest("launch March"))).hits
        assert hit.title == "boats"


def test_every_event_is_one_line() -> None:
    for kind in get_args(Kind):
        event = Event(kind, "/media/a\nb.mp4", title="x\x1b[31m", error_code="CODE", error="a\nb")
        said = line(event)
        assert said and "\n" not in said and "\x1b" not in said
