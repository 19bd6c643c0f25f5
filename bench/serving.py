"""A server process for the benchmarks, and clients of it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

REPO = Path(__file__).resolve().parent.parent
SERVE = [sys.executable, "-m", "omni_server", "serve"]
PLAIN = {
    "OMNI_ENCODER": "hashing", "OMNI_SPEECH": "off", "OMNI_SCREEN_TEXT": "off",
    "OMNI_SOUND_TAGS": "off", "OMNI_ALLOW_DELETE": "1", "OMNI_RATE_LIMIT": "0",
}  # fmt: skip
"""Settings under which the models cost next to nothing: the server itself is measured."""


def environment(extra: dict[str, str]) -> dict[str, str]:
    """This process's environment with the code of this checkout first, and `extra`."""
    path = os.pathsep.join([str(REPO), str(REPO / "server")])
    return os.environ | {"PYTHONPATH": path} | extra


@asynccontextmanager
async def over_stdio(
    options: list[str], extra: dict[str, str], **client: Any
) -> AsyncIterator[Client]:
    """A client of a new server on stdin and stdout."""
    parameters = StdioServerParameters(
        command=SERVE[0], args=[*SERVE[1:], *options], env=environment(extra)
    )
    async with Client(stdio_client(parameters), **client) as connected:
        yield connected


@dataclass
class HttpServer:
    """A server process that listens on 127.0.0.1."""

    process: asyncio.subprocess.Process
    url: str

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid


@asynccontextmanager
async def over_http(options: list[str], extra: dict[str, str]) -> AsyncIterator[HttpServer]:
    """A new HTTP server, ended with SIGINT; exits when it does not end well."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *SERVE, "--http", "--port", str(port), *options, env=environment(extra),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        transport = httpx2.AsyncHTTPTransport(retries=20)
        async with httpx2.AsyncClient(transport=transport) as http:
            (await http.get(f"{url}/health")).raise_for_status()
        yield HttpServer(process, url)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        await asyncio.wait_for(process.wait(), 60)
    if process.returncode not in (0, 130, -signal.SIGINT):
        sys.exit(f"the server ended with {process.returncode}")
