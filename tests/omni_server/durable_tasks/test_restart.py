"""Tasks of real server processes: over stdio and HTTP, across kill -9, and in two processes."""

from __future__ import annotations

import asyncio
import math
import wave
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.omni_server.durable_tasks.servers import KNOWS, Server

pytestmark = pytest.mark.timeout(240)
TRANSPORTS = pytest.mark.parametrize("transport", ["stdio", "http"])


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def long(root: Path) -> str:
    """A recording whose ingest takes some seconds."""
    rate, seconds = 8000, 1200
    second = array("h", (int(9000 * math.sin(math.tau * 440 * i / rate)) for i in range(rate)))
    with wave.open(str(root / "long.wav"), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(second.tobytes() * seconds)
    return "long.wav"


@asynccontextmanager
async def both(store: Path, root: Path) -> AsyncIterator[tuple[Server, Server]]:
    """Two processes on one store, of which the first has the library open."""
    async with Server("stdio", store, root) as first:
        await first.tool("list_sources")
        async with Server("stdio", store, root) as second:
            yield first, second


@TRANSPORTS
async def test_a_task_ends_with_the_result_of_the_tool(
    transport: str, store: Path, root: Path, long: str
) -> None:
    async with Server(transport, store, root) as server:
        made = await server.tool("ingest_media", source=long)
        assert (made["resultType"], made["status"]) == ("task", "working")
        task = await server.until(made["taskId"])
        assert task["result"]["structuredContent"]["state"] == "ready"
        again = await server.done("ingest_media", source=long)
    assert "Nothing to do" in again["content"][0]["text"]
    assert "Traceback" not in server.log


@TRANSPORTS
async def test_a_task_goes_on_after_kill_9_and_its_result_is_there(
    transport: str, store: Path, root: Path, long: str
) -> None:
    async with Server(transport, store, root) as first:
        made = await first.tool("ingest_media", source=long)
        assert (await first.ask("tasks/get", taskId=made["taskId"]))["status"] == "working"
        await first.kill()
    async with Server(transport, store, root) as second:
        task = await second.until(made["taskId"])
        assert task["createdAt"] == made["createdAt"]
        assert task["result"]["structuredContent"]["state"] == "ready"
        listed = await second.tool("list_sources")
        assert [s["state"] for s in listed["structuredContent"]["sources"]] == ["ready"]
    async with Server(transport, store, root) as third:
        assert (await third.ask("tasks/get", taskId=made["taskId"]))["result"] == task["result"]
    assert "Traceback" not in first.log + second.log + third.log


@TRANSPORTS
async def test_a_task_that_nobody_asks_for_goes_on_after_a_server_ended(
    transport: str, store: Path, root: Path, long: str
) -> None:
    async with Server(transport, store, root) as first:
        made = await first.tool("ingest_media", source=long)
    assert first.process.returncode in (0, -15)
    async with Server(transport, store, root) as second:
        async with asyncio.timeout(120):
            while True:
                listed = (await second.tool("list_sources"))["structuredContent"]["sources"]
                if [s["state"] for s in listed] == ["ready"]:
                    break
        assert (await second.until(made["taskId"]))["status"] == "completed"


@TRANSPORTS
async def test_a_cancelled_task_stays_so_after_kill_9(
    transport: str, store: Path, root: Path, long: str
) -> None:
    async with Server(transport, store, root) as first:
        made = await first.tool("ingest_media", source=long)
        await first.ask("tasks/cancel", taskId=made["taskId"])
        await first.kill()
    async with Server(transport, store, root) as second:
        assert (await second.until(made["taskId"]))["status"] == "cancelled"


async def test_a_second_process_sees_and_cancels_the_task_of_the_first(
    store: Path, root: Path, long: str
) -> None:
    async with both(store, root) as (first, second):
        made = await first.tool("ingest_media", source=long)
        seen = await second.ask("tasks/get", taskId=made["taskId"])
        assert (seen["status"], seen["createdAt"]) == ("working", made["createdAt"])
        await second.ask("tasks/cancel", taskId=made["taskId"])
        assert (await first.until(made["taskId"]))["status"] == "cancelled"


async def test_a_second_process_tells_a_listener_of_the_task_that_the_first_runs(
    store: Path, root: Path, long: str
) -> None:
    async with both(store, root) as (first, second):
        made = await first.tool("ingest_media", source=long)
        notifications = {"taskIds": [made["taskId"]]}
        await second.send("subscriptions/listen", {"_meta": KNOWS, "notifications": notifications})
        told = [await second.message()]
        while told[-1]["params"].get("status") in (None, "working"):
            told.append(await second.message())
    assert told[0]["params"]["notifications"] == notifications
    assert {message["method"] for message in told[1:]} == {"notifications/tasks"}
    assert told[1]["params"]["status"] == "working"
    assert told[-1]["params"]["result"]["structuredContent"]["state"] == "ready"


async def test_damage_leaves_the_server_working_and_one_line_in_its_log(
    store: Path, root: Path
) -> None:
    (root / "notes.md").write_text("# Boats\n\nThe launch of the boat is postponed to March.\n")
    (store / "tasks").mkdir(parents=True)
    (store / "tasks" / "tasks.sqlite3").write_bytes(b"no database" * 900)
    async with Server("stdio", store, root) as server:
        done = await server.tool("ingest_media", source="notes.md", wait_s=45)
        assert done["structuredContent"]["state"] == "ready"
        again = await server.tool("ingest_media", source="notes.md")
        assert "Nothing to do" in again["content"][0]["text"]
        asked = await server.ask("tasks/get", taskId="task_x")
        assert "the file is damaged: move it away" in asked["message"]
    (line,) = server.log.splitlines()
    assert "'tasks.sqlite3' failed (file is not a database): the file is damaged" in line
