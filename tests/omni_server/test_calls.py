"""Calls that go away, calls that are stopped, and calls that take too long."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.server.context import ServerRequestContext

from omni_core.settings import Settings
from omni_server import app, calls
from omni_server.app import create
from omni_server.calls import STOPPED_BY_USER, Budget, Calls

pytestmark = pytest.mark.timeout(60)


def request(meta: Any = None, **more: Any) -> ServerRequestContext[Any, Any]:
    return ServerRequestContext(
        session=None, lifespan_context=None, protocol_version="2025-11-25",  # type: ignore[arg-type]
        method=more.pop("method", "tools/call"), meta=meta, **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("meta", "asked", "waits"),
    [
        (None, None, 3.5), ({"progress_token": 7}, None, 25.0), ({"progress_token": 0}, None, 25.0),
        (None, 30.0, 30.0), (None, 0.0, 0.0), ({"progress_token": "a"}, 45.0, 42.0),
    ],
)  # fmt: skip
def test_a_call_waits_briefly_unless_its_client_can_be_told_of_progress(
    meta: Any, asked: float | None, waits: float
) -> None:
    assert Budget(meta, asked).left() == waits


def test_what_opening_the_engine_took_is_not_waited_for_again() -> None:
    ticks = iter([100.0, 102.3, 200.0])
    budget = Budget(None, 10.0, clock=lambda: next(ticks))
    assert (budget.left(), budget.left()) == (7.75, 0.0)


async def test_a_client_that_asks_for_progress_is_waited_for_longer(
    settings: Settings, engine: Any, root: Path
) -> None:
    async def hear(progress: float, total: float | None, message: str | None) -> None:
        return None

    async def opener(_: Settings) -> Any:
        return engine

    (root / "a.mp4").write_bytes(b"x")
    # In one process only this era sends a token; over a wire both do.
    async with Client(create(settings, opener=opener), mode="legacy") as client:
        await client.call_tool("ingest_media", {"source": "a.mp4"}, progress_callback=hear)
        await client.call_tool("ingest_media", {"source": "a.mp4"})
    assert [round(wait_s) for _, wait_s in engine.asked] == [25, 4]


async def test_an_ingest_is_asked_for_with_the_grace_of_the_settings(
    connect: Any, engine: Any, root: Path, settings: Settings
) -> None:
    (root / "a.mp4").write_bytes(b"x")
    async with connect(replace(settings, grace_s=12.0)) as client:
        await client.call_tool("ingest_media", {"source": "a.mp4"})
    assert engine.graces == [12.0]


async def test_a_library_that_takes_long_to_open_is_a_line_and_not_a_silence(
    settings: Settings, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "WAIT_UNSEEN_S", 0.05)
    (root / "a.mp4").write_bytes(b"x")

    async def opener(_: Settings) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr("omni_server.state.CLOSE_S", 0.01)
    async with asyncio.timeout(50), Client(create(settings, opener=opener)) as client:
        result = await client.call_tool("ingest_media", {"source": "a.mp4"})
    assert result.is_error and result.content[0].text.startswith("BUSY: the library is still")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("search", {"query": "lava"}), ("get_segment", {"ref": "seg_x"}),
        ("read_source", {"source": "q3"}), ("similar_to", {"ref": "seg_" + "a" * 26}),
        ("list_sources", {}),
    ],
)  # fmt: skip
async def test_every_call_is_answered_though_the_engine_is_silent(
    connect: Any, engine: Any, monkeypatch: pytest.MonkeyPatch, tool: str, arguments: Any
) -> None:
    monkeypatch.setattr(app, "ANSWER_S", 0.05)

    async def silent(*_: Any, **__: Any) -> Any:
        await asyncio.Event().wait()

    engine.search = engine.open_ref = engine.read = engine.sources = silent
    async with asyncio.timeout(50), connect() as client:
        result = await client.call_tool(tool, arguments)
        assert result.is_error and result.content[0].text.startswith("BUSY: no answer within")
        assert (await client.list_tools()).tools


async def test_a_stop_names_what_was_stopped_and_how_far_it_was(
    connect: Any, engine: Any, root: Path
) -> None:
    (root / "talk.mp4").write_bytes(b"x")
    async with connect() as client:
        result = await client.call_tool("ingest_media", {"source": "talk.mp4", "stop": True})
    assert engine.stopped == [((str(root / "talk.mp4"),), False)]
    assert engine.asked == []
    assert result.structured_content == {"state": "partial", "progress": 0.4, "segments": 3}
    assert "[1] talk.mp4" in result.content[0].text and "go on from there" in result.content[0].text


async def test_a_stop_of_what_does_not_run_says_so(
    connect: Any, engine: Any, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "talk.mp4").write_bytes(b"x")

    async def nothing(*_: Any, **__: Any) -> Any:
        return ()

    monkeypatch.setattr(engine, "stop", nothing)
    async with connect() as client:
        result = await client.call_tool("ingest_media", {"source": "talk.mp4", "stop": True})
    assert result.is_error and result.content[0].text.startswith("NOT_RUNNING: ")


async def test_a_stop_by_id_finds_the_file(connect: Any, engine: Any) -> None:
    async with connect() as client:
        await client.call_tool("ingest_media", {"source": "src_" + "a" * 16, "stop": True})
    assert engine.stopped == [(("/media/q3.mp4",), False)]


async def cancelled(engine: Any, reason: str | None, request_id: Any = 5) -> None:
    """A call that is cancelled by its client, and the notification that says so."""
    noted = Calls()
    async with noted.following(request(request_id=5), engine, ["/media/talk.mp4"]):
        pass
    params = {"requestId": request_id} | ({} if reason is None else {"reason": reason})

    async def applied(_: Any) -> None:
        return None

    given = request(method="notifications/cancelled", params=params)
    await noted.observe(given, applied)


@pytest.mark.parametrize("reason", sorted(STOPPED_BY_USER))
async def test_what_a_user_stops_ends_unless_another_call_waits_for_it(
    engine: Any, reason: str
) -> None:
    await cancelled(engine, reason)
    assert engine.stopped == [(("/media/talk.mp4",), True)]


@pytest.mark.parametrize(
    "reason",
    [
        None, "", "timed out after 5.0s", "caller cancelled",
        "McpError: MCP error -32001: Request timed out", "AbortError: This operation was aborted",
        "AbortError: background",
    ],
)  # fmt: skip
async def test_what_may_be_a_time_out_goes_on(engine: Any, reason: str | None) -> None:
    await cancelled(engine, reason)
    assert engine.stopped == []


async def test_the_reason_for_another_call_stops_nothing(engine: Any) -> None:
    await cancelled(engine, "AbortError: user-cancel", request_id=6)
    assert engine.stopped == []


async def test_a_server_goes_on_with_what_was_begun_only_in_its_roots_and_if_it_may(
    connect: Any, engine: Any, settings: Settings, root: Path
) -> None:
    async with connect(replace(settings, resume=False)) as client:
        await client.call_tool("search", {"query": "lava"})
    assert engine.resumed == []
    async with asyncio.timeout(30), connect() as client:
        await client.call_tool("search", {"query": "lava"})
        while not engine.resumed:
            await anyio.lowlevel.checkpoint()
    [folders] = engine.resumed
    assert folders == (str(root), str(settings.store_path / "uploads"))
