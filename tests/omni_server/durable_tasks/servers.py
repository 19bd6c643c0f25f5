"""Server processes that can be killed, and a client of 2026-07-28 for them that knows tasks."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Any

import httpx2

from omni_server.durable_tasks.context import TASKS
from tests.conformance.wire import call, meta

REPO = Path(__file__).parents[3]
KNOWS = meta(extensions={TASKS: {}})
WAIT_S = 120.0


class Server:
    """A server process on `store` that may read `root`; `transport` is stdio or http."""

    def __init__(self, transport: str, store: Path, root: Path, **env: str) -> None:
        self._http = transport == "http"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        listen = ["--http", "--port", str(self._port)] if self._http else []
        self._command = [
            sys.executable, "-m", "omni_server", "serve", *listen,
            "--root", str(root), "--store", str(store),
        ]  # fmt: skip
        self._env = os.environ | {
            "PYTHONPATH": os.pathsep.join([str(REPO), str(REPO / "server")]),
            "OMNI_ENCODER": "hashing", "OMNI_SPEECH": "off", "OMNI_SCREEN_TEXT": "off", **env,
        }  # fmt: skip
        self._process: Process | None = None
        self._sent = 0
        self.log = ""
        """What the process printed on stderr, once it has ended."""

    @property
    def process(self) -> Process:
        """The process."""
        assert self._process is not None
        return self._process

    async def __aenter__(self) -> Server:
        self._process = await asyncio.create_subprocess_exec(
            *self._command, env=self._env, stdin=PIPE, stdout=PIPE, stderr=PIPE, limit=1 << 24
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the process as a client does."""
        if self.process.returncode is None and self._http:
            self.process.terminate()
        await self._ended()

    async def kill(self) -> None:
        """`kill -9`."""
        self.process.kill()
        await self._ended()

    async def _ended(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()  # `communicate` does not, without input
        _, log = await asyncio.wait_for(self.process.communicate(), WAIT_S)
        self.log += log.decode()

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The result of a request, or its error."""
        params = {"_meta": KNOWS, **params}
        async with asyncio.timeout(WAIT_S):
            body = await (self._post if self._http else self._write)(method, params)
        answer: dict[str, Any] = body["result"] if "result" in body else body["error"]
        return answer

    async def tool(self, name: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool."""
        return await self.ask("tools/call", name=name, arguments=arguments)

    async def done(self, name: str, **arguments: Any) -> dict[str, Any]:
        """The result of a tool that has little to do, which a busy machine may still make a task
        of."""
        made = await self.tool(name, **arguments)
        if made["resultType"] != "task":
            return made
        result: dict[str, Any] = (await self.until(made["taskId"]))["result"]
        return result

    async def until(self, id: str, *statuses: str) -> dict[str, Any]:
        """The task once it has one of these statuses, or has ended."""
        async with asyncio.timeout(WAIT_S):
            while True:
                task = await self.ask("tasks/get", taskId=id)
                if task["status"] in {*statuses, "completed", "failed", "cancelled"}:
                    return task

    async def send(self, method: str, params: dict[str, Any]) -> int:
        """Send a request over stdio; gives its id."""
        self._sent += 1
        message = {"jsonrpc": "2.0", "id": self._sent, "method": method, "params": params}
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        await self.process.stdin.drain()
        return self._sent

    async def message(self) -> dict[str, Any]:
        """The next message over stdio."""
        assert self.process.stdout is not None
        async with asyncio.timeout(WAIT_S):
            line = await self.process.stdout.readline()
        assert line, "the server ended"
        body: dict[str, Any] = json.loads(line)
        return body

    async def _write(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        id = await self.send(method, params)
        while (body := await self.message()).get("id") != id:
            pass
        return body

    async def _post(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        transport = httpx2.AsyncHTTPTransport(retries=20)
        base = f"http://127.0.0.1:{self._port}"
        async with httpx2.AsyncClient(transport=transport, base_url=base, timeout=WAIT_S) as http:
            return (await call(http, method, params)).body
