"""A process that is to be killed (`kill_host`), and what it says until then."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil

from bench.serving import environment

END_S = 400.0


class Host:
    """A running `kill_host`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.pids: dict[str, list[int]] = {}
        self.said: list[dict[str, Any]] = []
        self.at_work = asyncio.Event()
        """Set when it has begun to ingest."""

    async def listen(self) -> None:
        """Take down what it says until it ends."""
        assert self.process.stdout is not None  # noqa: S101 - a pipe
        async for line in self.process.stdout:
            message = json.loads(line)
            self.pids = message.get("pids", self.pids)
            if "pids" in message:
                self.at_work.set()
            self.said.append(message)
        self.at_work.set()
        await self.process.wait()

    def heard(self, key: str) -> list[dict[str, Any]]:
        """The messages that have this key."""
        return [message for message in self.said if key in message]


@asynccontextmanager
async def host(media: Path, environ: dict[str, str], fault: str = "") -> AsyncIterator[Host]:
    """A host and a listener to it; it has ended when the block does."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.hostile.kill_host", str(media), fault,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, limit=1 << 24,
        env=environment({**environ, "OMP_NUM_THREADS": "1"}),
    )  # fmt: skip
    there = Host(process)
    listening = asyncio.create_task(there.listen())
    try:
        yield there
        await asyncio.wait_for(listening, END_S)
    finally:
        if process.returncode is None:
            process.kill()
        await asyncio.wait([listening])


async def left(pids: list[int]) -> int:
    """How many of these processes are alive ten seconds later."""
    give_up = time.monotonic() + 10
    while True:
        alive = [p for p in pids if psutil.pid_exists(p) and _lives(p)]
        if not alive or time.monotonic() > give_up:
            return len(alive)
        await asyncio.sleep(0.1)


def _lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
