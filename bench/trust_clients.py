"""Fifty clients at once: how much longer they wait than one for each core, and whether one of them
that never rests takes the others' turns.

base       one client for each core, each asking again as soon as it is answered
many       fifty clients that together ask half as often as that
ingesting  the same while files are ingested without a pause
greedy     the same beside one client with forty questions in flight at all times

Every figure is a p95 of searches, with an encoder that costs next to nothing: the server itself is
measured. Errors are counted over all of it.
"""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from bench.load import NOTES, Wire, make, p95, question
from bench.serving import PLAIN, over_http
from bench.trust_table import Line
from omni_server.auth.token_edit import add, new_token

CLIENTS = 50
GREEDY = 40
CORES = os.cpu_count() or 1
Stop = Callable[[], bool]


class Crowd:
    """Clients of one server, and how long each of their searches took."""

    def __init__(self, url: str, tokens: list[str]) -> None:
        self._url, self._tokens = url, tokens
        self.errors = 0

    def wire(self, number: int) -> Wire:
        """The connection of a client, with its own token."""
        return Wire(self._url, self._tokens[number])

    async def ask(self, clients: int, seconds: float, every_s: float = 0.0) -> list[list[float]]:
        """Milliseconds of the searches of each client; `every_s`: mean time between two."""
        until = time.monotonic() + seconds

        async def one(number: int) -> list[float]:
            rng, wire, took = random.Random(number), self.wire(number), []
            at = time.monotonic() + every_s * rng.random()
            while at < until:
                await asyncio.sleep(max(0.0, at - time.monotonic()))
                began = time.perf_counter()
                try:
                    await wire.search(question(rng))
                except Exception as e:
                    self.errors += 1
                    print(f"error: {e}")
                took.append((time.perf_counter() - began) * 1e3)
                at = max(at + every_s * (0.5 + rng.random()), time.monotonic())
            await wire.close()
            return took

        return await asyncio.gather(*(one(i) for i in range(clients)))

    @asynccontextmanager
    async def meanwhile(self, *work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
        """Within the block, `work` goes on."""
        tasks = [asyncio.ensure_future(each) for each in work]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task

    async def ingest(self, root: Path) -> None:
        """Write and ingest notes, one after the other, until cancelled."""
        wire, rng = self.wire(-2), random.Random(9)
        for number in range(1_000_000):
            path = root / f"more{number}.md"
            path.write_text("\n\n".join(question(rng) * 10 for _ in range(25)))
            try:
                await wire.call("ingest_media", source=str(path))
            except RuntimeError as e:
                self.errors += 1
                print(f"error: {e}")

    async def greed(self) -> None:
        """A client with many questions in flight, until cancelled."""
        rng, wire = random.Random(77), self.wire(-1)

        async def asking() -> None:
            while True:
                await wire.search(question(rng))

        try:
            await asyncio.gather(*(asking() for _ in range(GREEDY)))
        finally:
            await wire.close()


def spread(each: list[list[float]]) -> float:
    """The slowest client's median over the median of all clients' medians."""
    medians = [statistics.median(took) for took in each if took]
    return max(medians) / statistics.median(medians)


async def measure(small: bool) -> list[Line]:
    """The p95 of each part, and their ratios."""
    seconds = 15.0 if small else 60.0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "media")
        make(root)
        options = ["--root", str(root), "--store", str(Path(folder, "store"))]
        tokens, listed = [new_token() for _ in range(CLIENTS + 2)], Path(folder, "tokens.toml")
        for number, token in enumerate(tokens):
            add(listed, token, name=f"client {number}", scopes=["read", "ingest"])
        async with over_http(options, PLAIN | {"OMNI_TOKENS_FILE": str(listed)}) as server:
            crowd = Crowd(server.url, tokens)
            wire = crowd.wire(0)
            for i in range(NOTES):
                await wire.call("ingest_media", source=f"note{i}.md")
            await wire.close()
            await crowd.ask(CORES, 3)
            base = await crowd.ask(CORES, seconds)
            rate = sum(map(len, base)) / seconds
            every = CLIENTS / (rate / 2)
            many = await crowd.ask(CLIENTS, seconds, every)
            async with crowd.meanwhile(crowd.ingest(root)):
                ingesting = await crowd.ask(CLIENTS, seconds, every)
            async with crowd.meanwhile(crowd.greed()):
                greedy = await crowd.ask(CLIENTS - 1, seconds, every)
    at = {
        name: p95([ms for took in each for ms in took])
        for name, each in [("base", base), ("many", many), ("ing", ingesting), ("greedy", greedy)]
    }
    asked = sum(len(took) for each in (base, many, ingesting, greedy) for took in each)
    ratios = (at["many"] / at["base"], at["ing"] / at["many"], at["greedy"] / at["many"])
    return [
        Line(f"{CORES} clients without a pause", sum(map(len, base)),
             f"p95 {at['base']:.0f} ms, {rate:.0f} calls/s", "", met=True),
        Line(f"{CLIENTS} clients, half as many calls", sum(map(len, many)),
             f"p95 {at['many']:.0f} ms, {ratios[0]:.2f} times", "<= 3 times", ratios[0] <= 3),
        Line("the same while files are ingested", sum(map(len, ingesting)),
             f"p95 {at['ing']:.0f} ms, {ratios[1]:.2f} times", "<= 2 times", ratios[1] <= 2),
        Line(f"beside one client with {GREEDY} calls in flight", sum(map(len, greedy)),
             f"p95 {at['greedy']:.0f} ms, {ratios[2]:.2f} times", "<= 3 times", ratios[2] <= 3),
        Line("the slowest client's median over that of all", CLIENTS,
             f"{spread(many):.2f} times", "<= 2 times", spread(many) <= 2),
        Line("errors", asked, str(crowd.errors), "0", crowd.errors == 0),
    ]  # fmt: skip
