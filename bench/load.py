"""What the server adds to the engine, and how it stands many clients and many calls.

    python bench/load.py [--clients 50] [--every 2.5] [--seconds 60] [--calls 1000]

Three parts, with an encoder that costs next to nothing, so that the server itself is measured:

overhead   the median of a search called on the engine in this process, over stdio and over HTTP
clients    p95 of a search for one client and for many, each calling every few seconds; then as
           fast as each of them can, where the cores are the limit
flat       memory, open files and threads of the server and its children, over many mixed calls
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import psutil
from mcp import Client

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.serving import PLAIN, over_http, over_stdio
from omni_core import Engine, IngestRequest, SearchRequest, Settings

META = "io.modelcontextprotocol/"
MODERN = "2026-07-28"
NOTES, PARAGRAPHS = 40, 25
WORDS = ["lava", "ferry", "budget", "meeting", "harbour", "kitchen", "violin", "glacier", "engine",
         "market", "signal", "forest", "museum", "train", "garden", "bridge"]  # fmt: skip


def make(root: Path) -> None:
    """Notes whose paragraphs differ."""
    root.mkdir()
    rng = random.Random(1)
    for i in range(NOTES):
        parts = [
            f"Paragraph {n} of note {i}: " + " ".join(rng.choices(WORDS, k=60))
            for n in range(PARAGRAPHS)
        ]
        (root / f"note{i}.md").write_text("\n\n".join([f"# Note {i}", *parts]))


def question(rng: random.Random) -> str:
    """Words that some notes have."""
    return " ".join(rng.sample(WORDS, 3)) + f" {rng.randrange(NOTES)}"


async def timed(ask: Callable[[str], Awaitable[Any]], n: int, seed: int = 1) -> list[float]:
    """Milliseconds of each of `n` searches, after ten that warm up."""
    rng = random.Random(seed)
    took = []
    for i in range(n + 10):
        started = time.perf_counter()
        await ask(question(rng))
        if i >= 10:
            took.append((time.perf_counter() - started) * 1e3)
    return took


class Wire:
    """A client that is only an HTTP request: fifty of them cost the machine little."""

    def __init__(self, url: str, token: str = "") -> None:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self._http = httpx2.AsyncClient(base_url=url, timeout=60, headers=headers)

    async def call(self, tool: str, **arguments: Any) -> None:
        """One tool call; raises unless it was answered with a result."""
        params = {
            "name": tool, "arguments": arguments,
            "_meta": {
                f"{META}protocolVersion": MODERN, f"{META}clientCapabilities": {},
                f"{META}clientInfo": {"name": "bench", "version": "1"},
            },
        }  # fmt: skip
        answer = await self._http.post(
            "/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params},
            headers={"accept": "application/json, text/event-stream", "mcp-method": "tools/call",
                     "mcp-protocol-version": MODERN, "mcp-name": tool},
        )  # fmt: skip
        answer.raise_for_status()
        text = answer.text
        if not text.startswith("{"):
            text = [line[5:] for line in text.splitlines() if line.startswith("data:")][-1]
        body = json.loads(text)
        if "result" not in body or body["result"].get("isError"):
            raise RuntimeError(f"{tool}: {text[:300]}")

    async def search(self, query: str) -> None:
        """One search."""
        await self.call("search", query=query)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


def p95(values: list[float]) -> float:
    """The value that 95 % do not exceed."""
    return sorted(values)[int(0.95 * (len(values) - 1))]


async def paced(url: str, clients: int, every_s: float, seconds: float) -> list[float]:
    """Milliseconds of the searches of `clients` clients that each call every `every_s` seconds."""
    until = time.monotonic() + seconds
    took: list[float] = []

    async def one(number: int) -> None:
        rng, wire = random.Random(number), Wire(url)
        at = time.monotonic() + every_s * rng.random()
        while at < until:
            await asyncio.sleep(max(0.0, at - time.monotonic()))
            started = time.perf_counter()
            await wire.search(question(rng))
            took.append((time.perf_counter() - started) * 1e3)
            at = max(at + every_s * (0.5 + rng.random()), time.monotonic())
        await wire.close()

    await asyncio.gather(*(one(i) for i in range(clients)))
    return took


async def crowd(url: str, clients: int, every_s: float, seconds: float) -> None:
    """Print p95 of one client and of many, at their own pace and as fast as they can."""
    alone = await paced(url, 1, every_s / 10, seconds / 2)
    many = await paced(url, clients, every_s, seconds)
    print(f"clients: one {figures(alone)}; {clients} calling every {every_s:g} s: {figures(many)}")
    print(
        f"         {p95(many) / p95(alone):.2f} times the p95 at {len(many) / seconds:.1f} calls/s"
    )
    one = await paced(url, 1, 0, seconds / 4)
    full = await paced(url, clients, 0, seconds / 2)
    print(f"         as fast as they can: one {len(one) / (seconds / 4):.0f} calls/s, "
          f"{clients} {len(full) / (seconds / 2):.0f} calls/s, {figures(full)}")  # fmt: skip


def figures(took: list[float]) -> str:
    """Median and p95, for print."""
    return f"median {statistics.median(took):.1f} ms, p95 {p95(took):.1f} ms"


def usage(pid: int) -> tuple[int, int, int]:
    """MiB in memory, open files and threads of a process and its children."""
    processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    memory = sum(p.memory_info().rss for p in processes) >> 20
    return memory, sum(p.num_fds() for p in processes), sum(p.num_threads() for p in processes)


def mixed(rng: random.Random) -> tuple[str, dict[str, Any]]:
    """A tool and its arguments."""
    note = f"note{rng.randrange(NOTES)}.md"
    return rng.choice([
        ("search", {"query": question(rng)}),
        ("get_segment", {"ref": note}),
        ("read_source", {"source": note}),
        ("list_sources", {}),
        ("ingest_media", {"source": note}),
    ])  # fmt: skip


async def flat(url: str, pid: int, calls: int) -> None:
    """Print the usage over mixed calls."""
    wire, rng = Wire(url), random.Random(3)
    rows = []
    for i in range(calls + 1):
        if i % max(1, calls // 10) == 0:
            rows.append((i, *usage(pid)))
        tool, arguments = mixed(rng)
        await wire.call(tool, **arguments)
    await wire.close()
    print("\nflat: calls, MiB, open files, threads of the server and its children")
    for row in rows:
        print("      {:6} {:6} {:6} {:6}".format(*row))


async def main() -> None:
    """Run the three parts."""
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("--clients", type=int, default=50)
    args.add_argument("--every", type=float, default=2.5, help="seconds between a client's calls")
    args.add_argument("--seconds", type=float, default=60)
    args.add_argument("--calls", type=int, default=1000)
    given = args.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root, store = Path(folder, "media"), Path(folder, "store")
        make(root)
        settings = Settings(
            store=str(store), encoder="hashing", speech="off", screen_text="off", sound_tags="off"
        )
        async with await Engine.open(settings) as engine:
            for i in range(NOTES):
                await engine.ingest(IngestRequest(str(root / f"note{i}.md")))
            own = await timed(lambda q: engine.search(SearchRequest(query=q)), 200)
        options = ["--root", str(root), "--store", str(store)]
        async with over_stdio(options, PLAIN) as client:
            stdio = await timed(lambda q: client.call_tool("search", {"query": q}), 200)
        async with over_http(options, PLAIN) as server:
            async with Client(f"{server.url}/mcp") as client:
                http = await timed(lambda q: client.call_tool("search", {"query": q}), 200)
            wire = Wire(server.url)
            bare = await timed(wire.search, 200)
            await wire.close()
            took = {"stdio": stdio, "HTTP": http, "HTTP as one request": bare}
            each = ", ".join(f"{k} {statistics.median(v):.2f}" for k, v in took.items())
            print(f"overhead: a search on the engine {statistics.median(own):.2f} ms; {each}")
            await crowd(server.url, given.clients, given.every, given.seconds)
            await flat(server.url, server.pid, given.calls)


if __name__ == "__main__":
    asyncio.run(main())
