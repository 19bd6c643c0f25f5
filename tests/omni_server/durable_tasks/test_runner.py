"""Running, cancelling and taking over, with tools that are plain functions."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError
from mcp.types import INTERNAL_ERROR, CallToolRequestParams, CallToolResult, TextContent

from omni_core.errors import StoreError
from omni_server.durable_tasks import outcomes
from omni_server.durable_tasks import runner as runner_module
from omni_server.durable_tasks import store as store_module
from omni_server.durable_tasks.record import Record
from omni_server.durable_tasks.runner import Runner
from omni_server.durable_tasks.store import Store

PARAMS = CallToolRequestParams(name="dig", arguments={"depth": 3})
WAIT_S = 60.0


def result(text: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=text)])


class Tool:
    """A tool that runs until it is told to end."""

    def __init__(self) -> None:
        self.calls: list[tuple[CallToolRequestParams, str]] = []
        self.began = asyncio.Event()
        self.go = asyncio.Event()
        self.stopped = asyncio.Event()
        self.text = "dug"
        self.error: BaseException | None = None
        self.progress = ""

    async def __call__(self, params: CallToolRequestParams, context: str, report: Any) -> Any:
        self.calls.append((params, context))
        if self.progress:
            await report(self.progress)
        self.began.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.stopped.set()
            raise
        if self.error is not None:
            raise self.error
        return result(self.text)


Process = Callable[..., Any]


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[Process]:
    """Starts runners, each as if it were a server process of its own on the same store."""
    async with AsyncExitStack() as stack:

        @asynccontextmanager
        async def running(tool: Tool, ready: Any = None, short_s: float = 0.01) -> Any:
            async def nothing() -> None: ...

            runner = Runner(tmp_path, tool, ready or nothing, short_s=short_s)
            async with runner.running():
                yield runner

        async def start(*args: Any, **options: Any) -> Any:
            return await stack.enter_async_context(running(*args, **options))

        start.alone = running  # type: ignore[attr-defined]
        yield start


async def made(runner: Runner, context: str = "alice") -> Record:
    record = await runner.start(PARAMS, context)
    assert isinstance(record, Record)
    return record


async def until(runner: Runner, record: Record, *statuses: str, message: str = "") -> Record:
    async with asyncio.timeout(WAIT_S):
        while True:
            found = await runner.get(record.id, record.context)
            assert found is not None
            if found.status in statuses or (message and found.message == message):
                return found
            await runner.changed()


async def test_a_tool_that_ends_soon_is_answered_directly_and_nothing_is_kept(
    process: Process, tmp_path: Path
) -> None:
    tool = Tool()
    tool.go.set()
    runner = await process(tool, short_s=WAIT_S)
    answer = await runner.start(PARAMS, "alice")
    assert answer == result("dug")
    tool.error = MCPError(INTERNAL_ERROR, "broken")
    with pytest.raises(MCPError, match="broken"):
        await runner.start(PARAMS, "alice")
    store = await asyncio.to_thread(Store, tmp_path)
    assert await asyncio.to_thread(store.working) == []
    await asyncio.to_thread(store.close)


async def test_a_tool_that_takes_long_is_a_task_whose_result_is_kept(process: Process) -> None:
    tool = Tool()
    tool.progress = "50%, digging"
    runner = await process(tool)
    record = await made(runner)
    assert (record.status, record.tool) == ("working", "dig")
    assert tool.calls == [(PARAMS, "alice")]
    await until(runner, record, message="50%, digging")
    tool.go.set()
    ended = await until(runner, record, "completed")
    assert ended.outcome["content"] == [{"type": "text", "text": "dug"}]
    assert ended.message == "dug"


async def test_a_failure_of_the_tool_that_is_no_result_is_kept_without_its_details(
    process: Process, caplog: pytest.LogCaptureFixture
) -> None:
    tool = Tool()
    tool.error = ValueError("secret detail")
    runner = await process(tool)
    record = await made(runner)
    tool.go.set()
    ended = await until(runner, record, "failed")
    assert ended.outcome["code"] == INTERNAL_ERROR
    assert "secret" not in str(ended.detailed())
    assert "secret detail" in caplog.text


async def test_a_tool_that_is_cancelled_by_nobody_of_here_leaves_no_task_that_works_for_ever(
    process: Process,
) -> None:
    tool = Tool()
    tool.error = asyncio.CancelledError()
    runner = await process(tool)
    record = await made(runner)
    tool.go.set()
    assert (await until(runner, record, "failed")).outcome["code"] == INTERNAL_ERROR


async def test_cancelling_a_task_ends_its_work(process: Process) -> None:
    tool = Tool()
    runner = await process(tool)
    record = await made(runner)
    await runner.cancel(record)
    await asyncio.wait_for(tool.stopped.wait(), WAIT_S)
    assert (await runner.get(record.id, "alice")).status == "cancelled"


async def test_a_caller_that_leaves_before_there_is_a_task_ends_the_work(
    process: Process,
) -> None:
    tool = Tool()
    runner = await process(tool, short_s=WAIT_S)
    calling = asyncio.create_task(runner.start(PARAMS, "alice"))
    await tool.began.wait()
    calling.cancel()
    await asyncio.wait([calling])
    await asyncio.wait_for(tool.stopped.wait(), WAIT_S)
    assert calling.cancelled()


async def test_another_process_sees_a_task_and_can_cancel_it(process: Process) -> None:
    tool, idle = Tool(), Tool()
    first, second = await process(tool), await process(idle)
    record = await made(first)
    assert await second.get(record.id, "alice") is not None
    assert await second.get(record.id, "bob") is None
    await second.cancel(record)
    await asyncio.wait_for(tool.stopped.wait(), WAIT_S)
    assert (await until(first, record, "cancelled")).message == "cancelled by the client"
    assert idle.calls == []


async def test_a_task_whose_process_ended_is_run_again_by_the_next(process: Process) -> None:
    first, second = Tool(), Tool()
    async with process.alone(first) as runner:  # type: ignore[attr-defined]
        record = await made(runner)
    assert first.stopped.is_set()
    runner = await process(second)
    await asyncio.wait_for(second.began.wait(), WAIT_S)  # before anyone asks
    assert second.calls == [(PARAMS, "alice")]
    second.go.set()
    assert (await until(runner, record, "completed")).message == "dug"


async def test_a_poll_takes_over_a_task_whose_process_ended(process: Process) -> None:
    first, second = Tool(), Tool()
    other = await process(second)
    async with process.alone(first) as runner:  # type: ignore[attr-defined]
        record = await made(runner)
        assert (await other.get(record.id, "alice")).status == "working"
        assert second.calls == []
        # it looked for tasks when it started, and would again after half a minute
    assert (await other.get(record.id, "alice")).status == "working"
    await asyncio.wait_for(second.began.wait(), WAIT_S)
    await asyncio.gather(*(other.get(record.id, "alice") for _ in range(20)))
    assert len(second.calls) == 1


async def test_a_process_that_cannot_run_a_task_leaves_it_for_one_that_can(
    process: Process, caplog: pytest.LogCaptureFixture
) -> None:
    first, second, third = Tool(), Tool(), Tool()
    async with process.alone(first) as runner:  # type: ignore[attr-defined]
        record = await made(runner)

    async def busy() -> None:
        raise StoreError("another process holds the store", code="STORE_BUSY")

    unable = await process(second, ready=busy)
    assert (await unable.get(record.id, "alice")).status == "working"
    async with asyncio.timeout(WAIT_S):
        while "tasks that were left cannot go on: another process holds" not in caplog.text:
            await unable.changed()
    able = await process(third)
    third.go.set()
    await until(able, record, "completed")
    assert second.calls == []


async def test_too_many_tasks_mean_that_a_call_goes_on_without_one(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "MAX_OPEN", 1)
    tool = Tool()
    runner = await process(tool)
    record = await made(runner)
    assert await runner.start(PARAMS, "alice") is None
    assert len(tool.calls) == 1
    await runner.cancel(record)
    await made(runner)


async def test_a_call_too_long_to_be_kept_goes_on_without_a_task(process: Process) -> None:
    tool = Tool()
    runner = await process(tool)
    long = CallToolRequestParams(name="dig", arguments={"x": "y" * outcomes.MAX_CALL})
    assert await runner.start(long, "alice") is None
    assert tool.calls == []


async def test_a_result_too_long_to_be_kept_says_so(process: Process) -> None:
    tool = Tool()
    tool.text = "x" * outcomes.MAX_RESULT
    runner = await process(tool)
    record = await made(runner)
    tool.go.set()
    ended = await until(runner, record, "completed")
    assert ended.outcome["isError"] is True
    assert ended.message.startswith("TOO_LARGE: ")


@pytest.mark.parametrize("damage", [b"no database" * 900, None])
async def test_a_bad_file_means_that_a_call_goes_on_without_a_task_and_one_line_says_why(
    process: Process, tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: bytes | None
) -> None:
    file = tmp_path / "tasks.sqlite3"
    if damage is None:
        await asyncio.to_thread(_newer, file)
    else:
        await asyncio.to_thread(file.write_bytes, damage)
    tool = Tool()
    runner = await process(tool)
    for _ in range(3):
        assert await runner.start(PARAMS, "alice") is None
    assert tool.calls == []
    (line,) = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert "move " in line
    with pytest.raises(StoreError):
        await runner.get("task_x", "alice")
    await asyncio.to_thread(file.unlink)  # as the line says: no restart is needed
    await made(runner)


def _newer(file: Path) -> None:
    db = sqlite3.connect(file)
    db.execute("PRAGMA user_version = 99")
    db.close()


async def test_a_result_is_kept_once_the_file_can_be_written_again(
    process: Process, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(runner_module, "RETRY_S", 0.01)
    tool = Tool()
    runner = await process(tool)
    record = await made(runner)
    full = asyncio.Event()
    loop = asyncio.get_running_loop()
    write = Store.end

    def end(*args: Any) -> bool:
        if not full.is_set():
            loop.call_soon_threadsafe(full.set)
            raise StoreError("the disk is full")
        return write(*args)

    monkeypatch.setattr(Store, "end", end)
    tool.go.set()
    assert (await until(runner, record, "completed")).message == "dug"
    assert "the result of a task cannot be kept yet: the disk is full" in caplog.text


async def test_a_task_runs_without_what_the_request_left_around(process: Process) -> None:
    credentials: contextvars.ContextVar[str] = contextvars.ContextVar("credentials", default="")
    seen: list[str] = []

    class Looking(Tool):
        async def __call__(self, *args: Any) -> Any:
            seen.append(credentials.get())
            return await super().__call__(*args)

    runner = await process(Looking())
    credentials.set("of the request")
    await made(runner)
    assert seen == [""]


async def test_the_end_of_a_server_says_nothing_about_its_tasks(
    process: Process, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with process.alone(Tool()) as runner:  # type: ignore[attr-defined]
        await made(runner)
    assert caplog.text == ""
