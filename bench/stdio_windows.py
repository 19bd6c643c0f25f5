"""Several stdio clients on one store, one of them killed now and then: what do the others see?

Each window is what a client application starts: a server process of its own, spoken to over its
stdin and stdout by the MCP SDK. `bench/shared_store.py` prints the figures; a test runs a short
form of it.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.types import CallToolResult, TextContent

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "samples" / "library" / "field-trip" / "slides.mp4"

SERVE = """
import os, sys
from pathlib import Path
Path(sys.argv.pop(1)).write_text(str(os.getpid()))
from omni_server.cli import main
sys.exit(main())
"""

Call = tuple[str, dict[str, Any]]


@dataclass
class Outcome:
    """What happened in all windows together."""

    calls: Counter[str] = field(default_factory=Counter)
    """Answered calls by tool."""
    errors: list[str] = field(default_factory=list)
    """Everything that a window which was not killed saw go wrong."""
    kills: int = 0
    hosts_killed: int = 0
    """Kills that met the process which ran the engine."""
    seconds: list[float] = field(default_factory=list)
    """Of each answered call."""
    after_kill: list[float] = field(default_factory=list)
    """For each killed host, seconds until the next call of another window was answered."""
    ingested: set[str] = field(default_factory=set)
    """Names of files whose ingest was answered with `ready`."""


class Windows:
    """Runs `clients` windows until `calls` calls are answered, killing one `kills` times."""

    def __init__(
        self, folder: Path, *, clients: int, calls: int, kills: int, seed: int = 0,
        environ: dict[str, str] | None = None,
    ) -> None:  # fmt: skip
        """`folder` is empty; the library, the media and the logs come into it."""
        self.folder, self.store, self.media = folder, folder / "store", folder / "media"
        self.media.mkdir()
        self.outcome = Outcome()
        self._clients, self._total, self._kills = clients, calls, kills
        self._random = random.Random(seed)
        self._environ = environ or {}
        self._killed = [False] * clients
        self._files = itertools.count()
        self._taken = self._answered = 0
        self._progress = asyncio.Event()
        self._lost_at: float | None = None

    async def run(self) -> Outcome:
        """The outcome; every call is answered, or an error is in it."""
        await asyncio.to_thread(self._write_media)
        self._ready = asyncio.Barrier(self._clients)
        async with asyncio.TaskGroup() as group:
            windows = [group.create_task(self._window(n)) for n in range(self._clients)]
            killer = group.create_task(self._killer())
            await asyncio.wait(windows)
            killer.cancel()
        async with Client(stdio_client(self._server(0))) as client:
            listed = await client.call_tool("list_sources", {"state": "ready", "limit": 100})
        found = (listed.structured_content or {})["total"]
        if found < len(self.outcome.ingested):
            self.outcome.errors.append(f"{len(self.outcome.ingested)} ingested, {found} listed")
        return self.outcome

    def _write_media(self) -> None:
        (self.media / "slides.mp4").write_bytes(SAMPLE.read_bytes())
        (self.media / "boats.md").write_text("# Boats\n\nThe launch is postponed to March.\n")

    async def _window(self, n: int) -> None:
        first = True
        while self._taken < self._total or first:
            try:
                async with Client(stdio_client(self._server(n))) as client:
                    if first:
                        first = False
                        await self._ready.wait()  # all begin at once
                        await self._prepare(client)
                    await self._work(client, n)
            except Exception as e:
                if not self._killed[n]:
                    await self._ready.abort()  # nobody waits for this one
                    self.outcome.errors.append(f"window {n}: {e!r}")
                    return
            self._killed[n] = False

    def _server(self, n: int) -> StdioServerParameters:
        path = os.pathsep.join([str(ROOT), str(ROOT / "server")])
        pid = str(self.folder / f"pid{n}")
        options = ["serve", "--root", str(self.media), "--store", str(self.store)]
        return StdioServerParameters(
            command=sys.executable,
            args=["-c", SERVE, pid, *options],
            env={**os.environ, "PYTHONPATH": path, "OMNI_SCREEN_TEXT": "off", **self._environ},
        )

    async def _prepare(self, client: Client) -> None:
        for name in ("slides.mp4", "boats.md"):
            await self._ask(client, ("ingest_media", {"source": name, "wait_s": 45}))

    async def _work(self, client: Client, n: int) -> None:
        while self._taken < self._total:
            self._taken += 1
            call, began = self._choose(), time.monotonic()
            while True:
                try:
                    await self._ask(client, call)
                    break
                except BaseException:
                    self._taken -= 1  # another one is asked instead, once it runs again
                    raise
            self._count(call[0], began)

    def _count(self, tool: str, began: float) -> None:
        now = time.monotonic()
        self.outcome.calls[tool] += 1
        self.outcome.seconds.append(now - began)
        if self._lost_at is not None and began > self._lost_at:
            self.outcome.after_kill.append(now - self._lost_at)
            self._lost_at = None
        self._answered += 1
        self._progress.set()

    def _choose(self) -> Call:
        pick = self._random.randrange(9)
        if pick == 0:
            name = f"note-{next(self._files)}.md"
            (self.media / name).write_text(f"# Note {name}\n\nThe number of {name} is 17.\n")
            return "ingest_media", {"source": name, "wait_s": 45}
        calls: Sequence[Call] = (
            ("search", {"query": "launch of the boat postponed"}),
            ("search", {"query": "field trip to Mount Sarn", "modality": ["video"]}),
            ("get_segment", {"ref": "slides.mp4@12", "show": ["frame"]}),
            ("get_segment", {"ref": "slides.mp4@12-16", "show": ["clip"]}),
            ("similar_to", {"ref": "slides.mp4"}),
            ("list_sources", {}),
            ("read_source", {"source": "boats"}),
            ("ingest_media", {"source": "slides.mp4", "wait_s": 45}),
        )
        return calls[pick - 1]

    async def _ask(self, client: Client, call: Call) -> None:
        """Ask until the answer is final; errors of tools are noted."""
        tool, arguments = call
        while True:
            result = await client.call_tool(tool, arguments)
            if result.is_error:
                self.outcome.errors.append(f"{tool} {arguments}: {said(result)}")
                return
            data = result.structured_content or {}
            if tool != "ingest_media" or data.get("state") in ("ready", "failed"):
                break
        kinds = {block.type for block in result.content}
        if arguments.get("show") == ["frame"] and "image" not in kinds:
            self.outcome.errors.append(f"{tool} {arguments}: no picture")
        if arguments.get("show") == ["clip"] and "resource_link" not in kinds:
            self.outcome.errors.append(f"{tool} {arguments}: no clip")
        if tool == "search" and not data.get("hits"):
            self.outcome.errors.append(f"{tool} {arguments}: nothing found: {said(result)}")
        if tool == "ingest_media":
            if data["state"] != "ready":
                self.outcome.errors.append(f"{tool} {arguments}: {said(result)}")
            self.outcome.ingested.add(arguments["source"])

    async def _killer(self) -> None:
        at = [round((i + 1) * self._total / (self._kills + 1)) for i in range(self._kills)]
        for answered in at:
            while self._answered < answered:
                self._progress.clear()
                await self._progress.wait()
            await asyncio.to_thread(self._kill, self._random.randrange(self._clients))

    def _kill(self, n: int) -> None:
        pid = int((self.folder / f"pid{n}").read_text())
        if self._killed[n]:
            return  # it is starting again just now
        hosts = pid == host_of(self.store)
        self._killed[n] = True
        os.kill(pid, signal.SIGKILL)
        self.outcome.kills += 1
        if hosts:
            self.outcome.hosts_killed += 1
            self._lost_at = time.monotonic()


def host_of(store: Path) -> int:
    """The pid of the process that serves the engine of a store; 0 when nobody does."""
    try:
        return int(json.loads((store / "shared" / "notice.json").read_text())["pid"])
    except (OSError, ValueError):
        return 0


def said(result: CallToolResult) -> str:
    """The words of a result."""
    return " ".join(b.text for b in result.content if isinstance(b, TextContent))[:300]
