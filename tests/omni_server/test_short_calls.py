"""Real servers and clients that do not wait: no call's end loses what was read."""

from __future__ import annotations

import asyncio
import math
import os
import sys
import wave
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

REPO = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform == "win32", reason="signals differ"),
]


def talk(path: Path, minutes: int) -> Path:
    """Sound of so many minutes that is never silent."""
    rate = 8000
    second = array("h", (int(9000 * math.sin(math.tau * 300 * i / rate)) for i in range(rate)))
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(second.tobytes() * 60 * minutes)
    return path


@asynccontextmanager
async def server(tmp_path: Path, root: Path, **environ: str) -> AsyncIterator[Client]:
    """A client of a process of its own, over a store that outlives both."""
    variables = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(REPO), str(REPO / "server")]),
        "OMNI_ENCODER": "hashing", "OMNI_SPEECH": "off", "OMNI_SCREEN_TEXT": "off", **environ,
    }  # fmt: skip
    options = ["--root", str(root), "--store", str(tmp_path / "store")]
    parameters = StdioServerParameters(
        command=sys.executable, args=["-m", "omni_server", "serve", *options], env=variables
    )
    async with Client(stdio_client(parameters)) as client:
        yield client


async def ingest(client: Client, source: str, **more: Any) -> dict[str, Any]:
    result = await client.call_tool("ingest_media", {"source": source, **more})
    assert not result.is_error, result.content
    answer: dict[str, Any] | None = result.structured_content
    assert answer is not None
    return answer


async def listed(client: Client, **more: Any) -> dict[str, Any]:
    result = await client.call_tool("list_sources", more)
    answer: dict[str, Any] | None = result.structured_content
    assert answer is not None
    return answer


async def test_a_process_for_each_call_makes_a_long_talk_ready(tmp_path: Path, root: Path) -> None:
    """Each ends as soon as it has come further than the one before: the next begins there."""
    talk(root / "talk.wav", 5)
    last, processes = 0.0, 0
    async with asyncio.timeout(280):
        while last < 1.0:
            processes += 1
            assert processes <= 30, "a process read less than one window of sound"
            async with server(tmp_path, root) as client:
                status = await ingest(client, "talk.wav", wait_s=0)
                while status["state"] != "ready" and status["progress"] <= last:
                    assert status["segments"] == 0 or status["progress"] >= last - 0.05
                    status = await ingest(client, "talk.wav", wait_s=1)
            last = status["progress"]


async def test_what_was_begun_in_one_process_is_done_by_the_next_without_being_asked(
    tmp_path: Path, root: Path
) -> None:
    talk(root / "talk.wav", 30)
    async with asyncio.timeout(280):
        async with server(tmp_path, root) as client:
            first = await ingest(client, "talk.wav", wait_s=0, title="A talk")
        assert first["state"] in ("queued", "processing")
        async with server(tmp_path, root) as client:
            while True:
                page = await listed(client)
                if [row["state"] for row in page["sources"]] == ["ready"]:
                    break
    assert page["sources"][0]["title"] == "A talk"


async def test_a_call_that_times_out_leaves_its_ingest_going_and_the_next_joins_it(
    tmp_path: Path, root: Path
) -> None:
    talk(root / "talk.wav", 60)
    async with asyncio.timeout(280), server(tmp_path, root) as client:
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: ingest(client, "talk.wav", wait_s=45))
            while not (await listed(client, state="processing"))["sources"]:
                pass
            group.cancel_scope.cancel()
        page = await listed(client, state="processing")
        assert page["sources"] and page["ingests"][0]["file"] == "talk.wav"
        while (await ingest(client, "talk.wav", wait_s=45))["state"] != "ready":
            pass
        assert "ingests" not in await listed(client, state="processing")


async def test_without_a_grace_or_after_it_the_ingest_is_suspended_and_can_go_on(
    tmp_path: Path, root: Path
) -> None:
    talk(root / "talk.wav", 60)
    async with asyncio.timeout(280), server(tmp_path, root, OMNI_GRACE_S="0.05") as client:
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: ingest(client, "talk.wav", wait_s=45))
            while not (await listed(client, state="processing"))["sources"]:
                pass
            group.cancel_scope.cancel()
        while not (await listed(client, state="partial"))["sources"]:
            pass
        while (await ingest(client, "talk.wav", wait_s=45))["state"] != "ready":
            pass


async def test_a_stop_ends_an_ingest_that_runs_in_the_background(
    tmp_path: Path, root: Path
) -> None:
    talk(root / "talk.wav", 60)
    async with asyncio.timeout(280):
        async with server(tmp_path, root) as client:
            await ingest(client, "talk.wav", wait_s=0)
            while not (await listed(client, state="processing"))["sources"]:
                pass
            stopped = await ingest(client, "talk.wav", stop=True)
            assert stopped["state"] == "partial"
            page = await listed(client)
            assert [row["state"] for row in page["sources"]] == ["partial"]
            assert "ingests" not in page
        async with server(tmp_path, root) as client:  # and it stays stopped
            page = await listed(client)
            assert [row["state"] for row in page["sources"]] == ["partial"]
            assert "ingests" not in page
