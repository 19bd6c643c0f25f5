"""A server in a process of its own, spoken to byte by byte, whose event loop is watched."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.hostile.calls import VERSION, Case

ROOT = Path(__file__).resolve().parents[2]
METER = """
import asyncio, sys, threading, time
from pathlib import Path

INTERVAL = 0.01
out = open(sys.argv.pop(1), "a", buffering=1)

run_forever = asyncio.BaseEventLoop.run_forever

def watched(loop):
    threading.Thread(target=meter, args=(loop,), daemon=True).start()
    return run_forever(loop)

asyncio.BaseEventLoop.run_forever = watched

def meter(loop):
    last = [time.perf_counter(), time.process_time()]

    def mark():
        wall, cpu = time.perf_counter(), time.process_time()
        gap = min(wall - last[0], cpu - last[1])
        last[:] = wall, cpu
        if gap > 2 * INTERVAL:
            out.write(f"{gap - INTERVAL:.4f}\\n")

    while True:
        time.sleep(INTERVAL)
        try:
            loop.call_soon_threadsafe(mark)
        except RuntimeError:
            return

from omni_server.cli import main
sys.exit(main())
"""
"""A gap is the time between two turns of the loop, or the processor time that the process used in
it, whichever is less: what other programs of the machine took is not counted."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for a case."""

    seconds: float
    text: str
    """The JSON-RPC message, or the status and the body of an HTTP answer; "" for none in time."""

    @property
    def message(self) -> dict[str, Any]:
        """The message; empty where the answer is none."""
        with contextlib.suppress(ValueError):
            found = json.loads(self.text)
            if isinstance(found, dict):
                return found
        return {}


class Gaps:
    """The gaps of a server's loop."""

    def __init__(self, path: Path) -> None:
        self._path, self._at = path, 0

    def new(self) -> float:
        """The largest gap since the last call, in seconds; 0 where there was none over 20 ms."""
        with self._path.open() as file:
            file.seek(self._at)
            lines = file.read().split()
            self._at = file.tell()
        return max(map(float, lines), default=0.0)


def options(folder: Path) -> tuple[list[str], dict[str, str]]:
    """Arguments and environment of a server with an empty library in `folder`."""
    root = folder / "media"
    root.mkdir(exist_ok=True)
    deep = root.joinpath(*["deep"] * 8)
    deep.mkdir(parents=True, exist_ok=True)
    for n in range(20):
        (deep / f"{'a' * 100}{n}.txt").write_text(f"a word {n}")
    words = "The launch of the boat is postponed to March. "
    (root / "notes.md").write_text("# Boats\n\n" + words + "a b a c " * 400)
    environ = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "server")]),
        "OMNI_ENCODER": "hashing", "OMNI_INDEX": "memory", "OMNI_SPEECH": "off",
        "OMNI_SCREEN_TEXT": "off", "OMNI_ALLOW_DELETE": "1", "OMNI_CHECK_CITATIONS": "1",
        "OMNI_RATE_LIMIT": "0", "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    return ["serve", "--root", str(root), "--store", str(folder / "store")], environ


class Stdio:
    """A server over its stdin and stdout."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._seen: dict[object, float] = {}

    async def ask(self, case: Case, within: float) -> Answer:
        """Send a message, and wait for its answer; other messages are skipped."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None  # noqa: S101 - pipes
        stdin.write(case.body.replace(b"\n", b" ") + b"\n")
        started = time.perf_counter()  # the pipe itself takes its time for 100 MB
        await stdin.drain()
        sent = time.perf_counter()
        try:
            async with asyncio.timeout(within):
                while line := await stdout.readline():
                    message = json.loads(line)
                    if "method" in message and "id" not in message:
                        continue
                    if case.id is None or message.get("id") in (case.id, None):
                        since = started if len(case.body) < 1 << 20 else sent
                        return Answer(time.perf_counter() - since, line.decode())
        except TimeoutError:
            pass
        return Answer(time.perf_counter() - started, "")

    async def end(self) -> float:
        """Close stdin; the seconds until the process has ended."""
        assert self._process.stdin is not None  # noqa: S101 - a pipe
        self._process.stdin.close()
        started = time.perf_counter()
        try:
            async with asyncio.timeout(30):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
        return time.perf_counter() - started


@contextlib.asynccontextmanager
async def over_stdio(folder: Path) -> AsyncIterator[tuple[Stdio, Gaps]]:
    """A server over stdio."""
    args, environ = options(folder)
    gaps = folder / "gaps"
    gaps.touch()
    with (folder / "stderr").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", METER, str(gaps), *args, stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, stderr=log, env=environ, limit=64 << 20,
        )  # fmt: skip
    try:
        yield Stdio(process), Gaps(gaps)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class Http:
    """A server over HTTP; a connection for each request."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def ask(self, case: Case, within: float) -> Answer:
        """Post a message to /mcp."""
        headers = {
            "Content-Type": "application/json", "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": VERSION,
            "Mcp-Method": case.method or "tools/list",
        }  # fmt: skip
        if case.name:
            headers["Mcp-Name"] = case.name
        status, body = await self.send("POST", "/mcp", headers, case.body, within)
        answer = body.partition("data: ")[2].strip() if body.startswith(("event:", ":")) else body
        return Answer(self.seconds, answer or (f"HTTP {status}" if status else ""))

    async def send(
        self, method: str, path: str, headers: dict[str, str], body: bytes, within: float
    ) -> tuple[int, str]:
        """The status and the body of any request; 0 for no answer in time."""
        started = time.perf_counter()
        try:
            async with asyncio.timeout(within):
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", self._port, limit=1 << 24
                )
                try:
                    head = "".join(f"{n}: {v}\r\n" for n, v in headers.items())
                    start = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                    start += f"Content-Length: {len(body)}\r\n{head}\r\n"
                    writer.write(start.encode("latin-1") + body)
                    await writer.drain()
                    if len(body) >= 1 << 20:
                        started = time.perf_counter()
                    data = await reader.read(-1)
                finally:
                    writer.close()
        except (TimeoutError, OSError):
            data = b""
        self.seconds = time.perf_counter() - started
        top, _, rest = data.partition(b"\r\n\r\n")
        status = int(top.split()[1]) if top else 0
        chunked = b"transfer-encoding: chunked" in top.lower()
        return status, (_dechunked(rest) if chunked else rest).decode("utf-8", "replace")


def _dechunked(data: bytes) -> bytes:
    body = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        count = int(size or b"0", 16)
        body, data = body + data[:count], data[count + 2 :]
        if not count:
            break
    return body


@contextlib.asynccontextmanager
async def over_http(folder: Path) -> AsyncIterator[tuple[Http, Gaps]]:
    """A server over HTTP."""
    args, environ = options(folder)
    gaps = folder / "gaps"
    gaps.touch()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (folder / "stderr").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", METER, str(gaps), *args, "--http", "--port", str(port),
            stdout=log, stderr=log, env=environ,
        )  # fmt: skip
    try:
        http = Http(port)
        async with asyncio.timeout(90):
            while (await http.send("GET", "/health", {}, b"", 5))[0] != 200:  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        yield http, Gaps(gaps)
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
