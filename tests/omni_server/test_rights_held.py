"""What a server holds for each set of rights on collections, it holds while that is in use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from omni_core import Engine, IngestRequest
from omni_core.settings import Settings
from omni_core.tasks import Report
from omni_server.auth.principal import Principal, acting_as, as_user
from omni_server.fetch import DownloadProgress, Downloads
from omni_server.state import MOST_IDLE, State
from omni_server.streams import StreamsWithin

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Engine]:
    settings = Settings(
        store=str(tmp_path / "library"), encoder="hashing", index="memory", speech="off",
        screen_text="off",
    )  # fmt: skip
    async with await Engine.open(settings) as opened:
        yield opened


async def test_nothing_listens_for_rights_that_no_open_stream_has(library: Engine) -> None:
    parts, listeners = StreamsWithin(), library._context.changes._listeners
    before = len(listeners)
    with parts.of(("board",)):
        parts.connect(library)
        assert len(listeners) == before + 1
        for n in range(200):
            with parts.of((f"c{n}",)):
                assert len(parts.rights) == 2
        assert parts.rights == (("board",),)
        assert len(listeners) == before + 1
    assert not parts.rights
    assert len(listeners) == before


async def test_streams_of_the_same_rights_go_on_when_one_of_them_ends(
    library: Engine, tmp_path: Path
) -> None:
    note = tmp_path / "note.md"
    await asyncio.to_thread(note.write_text, "# Boats\n\nThe launch is in March.\n")
    parts, heard = StreamsWithin(), list[Any]()
    parts.connect(library)
    with parts.of(("hr",)) as streams:
        with parts.of(("hr",)) as second:
            assert second is streams
        streams._bus.subscribe(heard.append)
        await library.ingest(IngestRequest(str(note), collection="legal"))
        assert heard == []
        await library.within(["hr"]).ingest(IngestRequest(str(note)))
        assert heard


async def test_downloads_under_way_are_kept_and_few_of_the_others(settings: Settings) -> None:
    state, end = State(settings), asyncio.Event()

    def of(*seen: str) -> Downloads:
        with acting_as(as_user(Principal("ann", frozenset({"ingest"}), collections=seen))):
            return state.downloads_of_caller()

    async def fetch(report: Report[DownloadProgress]) -> Path:
        await end.wait()
        return Path("fetched")

    busy = of("hr")
    first = DownloadProgress()
    await busy._tasks.join("https://a", fetch, first=first, name="a download", wait_s=0)
    for n in range(3 * MOST_IDLE):
        last = of(f"c{n}")
    assert (of("hr"), of(f"c{n}")) == (busy, last)
    assert len(state._downloads_within) <= MOST_IDLE + 2
    end.set()
    await busy.close()
