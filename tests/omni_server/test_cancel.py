"""A client that cancels a call and repeats it at once: the server answers, and goes on serving."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import socket
import subprocess
import sys
import wave
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.types import CallToolResult

REPO = Path(__file__).parents[2]
SERVE = [sys.executable, "-m", "omni_server", "serve"]
pytestmark = pytest.mark.timeout(240)


def sound(path: Path, tone: int, seconds: int = 300) -> None:
    """A long audio file, so that a call for it is still under way when it is cancelled."""
    rate = 8000
    second = array("h", (int(9000 * math.sin(math.tau * tone * i / rate)) for i in range(rate)))
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(second.tobytes() * seconds)


@asynccontextmanager
async def serving(transport: str, mode: Any, tmp_path: Path, root: Path) -> AsyncIterator[Client]:
    """A client of a real server process; the process must end well."""
    environ = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(REPO), str(REPO / "server")]),
        "OMNI_ENCODER": "hashing", "OMNI_INDEX": "memory", "OMNI_SPEECH": "off",
        "OMNI_SCREEN_TEXT": "off", "OMNI_ALLOW_DELETE": "1",
    }  # fmt: skip
    options = ["--root", str(root), "--store", str(tmp_path / "store")]
    if transport == "stdio":
        parameters = StdioServerParameters(
            command=SERVE[0], args=[*SERVE[1:], *options], env=environ
        )
        async with Client(stdio_client(parameters), mode=mode) as client:
            yield client
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(  # noqa: ASYNC220
        [*SERVE, "--http", "--port", str(port), *options], env=environ,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        retries = httpx2.AsyncHTTPTransport(retries=20)
        async with httpx2.AsyncClient(transport=retries) as http:
            assert (await http.get(f"http://127.0.0.1:{port}/health")).json() == {"ok": True}
        async with Client(f"http://127.0.0.1:{port}/mcp", mode=mode) as client:
            yield client
    finally:
        process.send_signal(signal.SIGINT)
        await asyncio.to_thread(process.wait, 60)
    assert process.returncode in (0, 130)


async def call(client: Client, tool: str, **arguments: Any) -> CallToolResult:
    return await client.call_tool(tool, arguments)


async def under_way(
    client: Client, source: str, path: Path, tone: int
) -> tuple[asyncio.Task[CallToolResult], str]:
    """A call that ingests the source, whose file is made, and the id under which it is seen while
    it does; of a longer file where it was done before that."""
    seconds = 300
    while True:
        await asyncio.to_thread(sound, path, tone, seconds)
        ingest = asyncio.create_task(call(client, "ingest_media", source=source, wait_s=45))
        while not ingest.done():
            found = await call(client, "list_sources", state="processing")
            assert found.structured_content is not None
            for row in found.structured_content["sources"]:
                return ingest, str(row["id"])
        seconds *= 2


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ")
@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("transport", ["stdio", "http"])
async def test_a_server_survives_calls_that_are_cancelled_and_repeated_at_once(
    transport: str, mode: Any, tmp_path: Path, root: Path
) -> None:
    (root / "folder").mkdir()
    one, two, three = root / "one.wav", root / "two.wav", root / "folder" / "three.wav"
    async with asyncio.timeout(200), serving(transport, mode, tmp_path, root) as client:
        await call(client, "list_sources")  # the library is open
        for source, path, tone in (("one.wav", one, 300), ("folder", three, 400)):
            ingest, _ = await under_way(client, source, path, tone)
            ingest.cancel()
            await asyncio.wait([ingest])
            again = await call(client, "ingest_media", source=source, wait_s=45)
            assert again.structured_content is not None, again
            assert again.structured_content["state"] == "ready", again
        waiting, id_ = await under_way(client, "two.wav", two, 500)
        deleted = await call(client, "delete_source", source=id_)
        assert not deleted.is_error, deleted
        stopped = await waiting
        assert not stopped.is_error or stopped.content[0].text.startswith("CANCELLED: ")  # type: ignore[union-attr]
        again = await call(client, "ingest_media", source="two.wav", wait_s=45)
        assert again.structured_content is not None
        assert again.structured_content["state"] == "ready", again
        assert len((await client.list_tools()).tools) == 7


@pytest.mark.parametrize("tool", ["search", "ingest_media"])
async def test_a_cancellation_that_is_not_the_callers_is_a_tool_error(
    connect: Any, engine: Any, root: Path, tool: str
) -> None:
    """The last line of defence: the SDK would take it for its own and close the connection."""

    async def cancelled_elsewhere(*_: Any, **__: Any) -> Any:
        doomed = asyncio.create_task(asyncio.Event().wait())
        asyncio.get_running_loop().call_soon(doomed.cancel)
        await doomed

    (root / "a.md").write_text("x")
    engine.search = engine.ingest = cancelled_elsewhere
    arguments = {"query": "x"} if tool == "search" else {"source": "a.md"}
    async with asyncio.timeout(60), connect() as client:
        result = await client.call_tool(tool, arguments)
        assert result.is_error and result.content[0].text.startswith("CANCELLED: ")
        assert (await client.list_tools()).tools
