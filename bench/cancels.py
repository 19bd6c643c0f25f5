"""Cancels calls at random moments and calls again: what dies, what is lost, what is not answered.

    python bench/cancels.py [--cancels 500] [--seed 1]

Half over stdio, half over HTTP, each in both eras of the protocol. A call of a random tool is
cancelled after a random time; the next call follows at once. Counts servers that died, calls that
were not answered within 45 s, and segments of an ingest that a later status no longer has. At the
end every file is ingested to `ready` and must have the segments of an undisturbed ingest. Exits
with 1 when anything was lost.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import random
import sys
import tempfile
import time
import wave
from array import array
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
from mcp import Client
from mcp.types import CallToolResult

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.serving import PLAIN, over_http, over_stdio

ANSWER_S = 45.0
"""Every call has to be answered within this time."""
FILES = 6


@dataclass
class Tally:
    """What happened."""

    cancels: int = 0
    answered: int = 0
    unanswered: int = 0
    dead: int = 0
    lost: list[str] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    segments: dict[str, int] = field(default_factory=dict)
    """Most segments of each source seen in a list so far."""

    def add(self, other: Tally) -> None:
        """Count what happened elsewhere too."""
        self.cancels += other.cancels
        self.answered += other.answered
        self.unanswered += other.unanswered
        self.dead += other.dead
        self.lost += other.lost
        self.errors += other.errors
        self.slowest_s = max(self.slowest_s, other.slowest_s)

    def __str__(self) -> str:
        lost = "".join(f"\n      lost: {line}" for line in self.lost[:10])
        return (
            f"{self.cancels:4} cancels: {self.dead} servers died, {self.answered} later calls "
            f"answered (slowest {self.slowest_s:.1f} s), {self.unanswered} not, "
            f"{len(self.lost)} losses, errors {dict(self.errors)}{lost}"
        )


def sound(path: Path, tone: int, seconds: int) -> None:
    """A tone that becomes louder, so that no two stretches of it are alike."""
    rate = 8000
    wav = [int(9000 * math.sin(math.tau * tone * i / rate)) for i in range(rate)]
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        for second in range(seconds):
            loud = (second + 1) / seconds
            out.writeframes(array("h", (int(v * loud) for v in wav)).tobytes())


def make(root: Path) -> list[str]:
    """Files of different lengths, some in a folder; returns what can be ingested."""
    (root / "folder").mkdir(parents=True)
    names = []
    for i in range(FILES):
        name = f"folder/tone{i}.wav" if i % 3 == 2 else f"tone{i}.wav"
        sound(root / name, 200 + 40 * i, 240 + 120 * i)
        names.append(name)
    for i in range(FILES):
        text = "\n\n".join(f"Paragraph {n} of note {i}: " + "words " * 40 for n in range(60))
        (root / f"note{i}.md").write_text(f"# Note {i}\n\n{text}")
        names.append(f"note{i}.md")
    return [*names, "folder"]


async def call(client: Client, tool: str, tally: Tally, **arguments: Any) -> CallToolResult | None:
    """A call that has to be answered; None when it was not."""
    started = time.monotonic()
    try:
        with anyio.fail_after(ANSWER_S):
            result = await client.call_tool(tool, arguments)
    except TimeoutError:
        tally.unanswered += 1
        return None
    tally.answered += 1
    tally.slowest_s = max(tally.slowest_s, time.monotonic() - started)
    if result.is_error:
        tally.errors[str(getattr(result.content[0], "text", "")).split(":")[0]] += 1
    return result


async def look(client: Client, tally: Tally) -> None:
    """List the sources: none may have fewer segments than before."""
    found = await call(client, "list_sources", tally, limit=100)
    for row in data(found).get("sources", ()) if found is not None else ():
        now, before = row.get("segments", 0), tally.segments.get(row["id"], 0)
        if row["state"] in ("partial", "ready") and now < before:
            tally.lost.append(f"{row['title']}: {before} -> {now} segments, {row['state']}")
        if row["state"] in ("partial", "ready"):
            tally.segments[row["id"]] = now


def random_call(sources: list[str], rng: random.Random) -> tuple[str, dict[str, Any]]:
    """A tool and its arguments."""
    source = rng.choice(sources)
    calls: list[tuple[str, dict[str, Any]]] = [
        ("ingest_media", {"source": source, "wait_s": 45}),
        ("ingest_media", {"source": source, "wait_s": 45}),
        ("ingest_media", {"source": source, "wait_s": 0}),
        ("search", {"query": f"paragraph {rng.randrange(60)} of a note"}),
        ("get_segment", {"ref": f"note{rng.randrange(FILES)}.md"}),
        ("similar_to", {"ref": f"note{rng.randrange(FILES)}.md"}),
        ("read_source", {"source": f"note {rng.randrange(FILES)}"}),
    ]  # fmt: skip
    return rng.choice(calls)


async def disturb(client: Client, sources: list[str], n: int, tally: Tally, seed: int) -> None:
    """Cancel `n` calls, each followed by another call or the same one."""
    rng = random.Random(seed)
    for _ in range(n):
        tool, arguments = random_call(sources, rng)
        with anyio.move_on_after(rng.choice([0.0, 0.01, 0.05, 0.2, 0.5]) * rng.random() * 2):
            await client.call_tool(tool, arguments)
        tally.cancels += 1
        if rng.random() < 0.5:
            if tool == "ingest_media":
                arguments["wait_s"] = 0
            await call(client, tool, tally, **arguments)
        else:
            await look(client, tally)


async def ready(client: Client, root: Path, tally: Tally) -> dict[str, int]:
    """Ingest everything; segments of each title."""
    while True:
        done = await call(client, "ingest_media", tally, source=str(root), wait_s=40)
        if done is not None and data(done).get("state") in ("ready", "partial"):
            break
    listed = await call(client, "list_sources", tally, limit=100)
    rows = data(listed)["sources"] if listed is not None else []
    return {row["title"]: row["segments"] for row in rows}


def data(result: CallToolResult) -> dict[str, Any]:
    """The structured content; empty for an error."""
    return result.structured_content or {}


async def one(
    transport: str, mode: str, n: int, seed: int, tally: Tally, folder: Path
) -> dict[str, int]:
    """One server, `n` cancels, then the whole library."""
    root = folder / "media"
    sources = make(root)
    options = ["--root", str(root), "--store", str(folder / "store")]
    async with AsyncExitStack() as stack:
        try:
            if transport == "stdio":
                client = await stack.enter_async_context(over_stdio(options, PLAIN, mode=mode))
            else:
                server = await stack.enter_async_context(over_http(options, PLAIN))
                client = await stack.enter_async_context(Client(f"{server.url}/mcp", mode=mode))
            await disturb(client, sources, n, tally, seed)
            return await ready(client, root, tally)
        except Exception as e:  # the connection closed: the server is dead
            tally.dead += 1
            tally.errors[f"{transport} {mode}: {type(e).__name__} {e}"] += 1
            return {}


async def main() -> int:
    """Run all four, compare with an undisturbed ingest, print, return the exit code."""
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("--cancels", type=int, default=500)
    args.add_argument("--seed", type=int, default=1)
    given = args.parse_args()
    total = Tally()
    with tempfile.TemporaryDirectory() as folder:
        calm = await one("stdio", "auto", 0, 0, Tally(), Path(folder, "calm"))
        runs = [("stdio", "auto"), ("stdio", "legacy"), ("http", "auto"), ("http", "legacy")]
        for i, (transport, mode) in enumerate(runs):
            tally = Tally()
            n = given.cancels // 4 + (i < given.cancels % 4)
            have = await one(transport, mode, n, given.seed + i, tally, Path(folder, f"run{i}"))
            differ = {t for t in calm.keys() | have.keys() if calm.get(t) != have.get(t)}
            tally.lost += [
                f"{t}: {calm.get(t)} segments, now {have.get(t)}" for t in sorted(differ)
            ]
            print(f"{transport:5} {mode:6} {tally}")
            total.add(tally)
    print(f"all          {total}")
    return int(bool(total.dead or total.unanswered or total.lost))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
