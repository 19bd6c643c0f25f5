"""Reading while another process writes: what `bench/several.py reading` runs.

Two servers (`serve --http`) and the verbs `search` and `sources` are asked again and again while
`omni-mcp ingest` stores a folder; then one more file is stored, and the second server must find it
without a restart. Embedded, all share one store; on PostgreSQL and Qdrant each has its own.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from mcp import Client

from bench.serving import PLAIN, environment, over_http

VERB = [sys.executable, "-m", "omni_server"]
NEW_WORDS = "zeppelin marmalade"
"""Words of the file that is stored last; no other file has them."""

Environment = Callable[[str], dict[str, str]]
"""The environment of a process, by the name of its store."""


def embedded(folder: Path) -> Environment:
    """One store for all."""
    store = folder / "embedded"
    return lambda _: environment(PLAIN | {"OMNI_STORE": str(store), "OMNI_INDEX": "edge"})


@dataclass
class Answers:
    """What the readers were told while the writer worked."""

    answered: dict[str, int] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    slowest_s: dict[str, float] = field(default_factory=dict)
    found_after_s: float | None = None
    """Seconds until the other server found the new file, once it was stored."""

    def add(self, who: str, seconds: float, error: str) -> None:
        """One answer."""
        self.answered[who] = self.answered.get(who, 0) + (not error)
        self.slowest_s[who] = max(self.slowest_s.get(who, 0.0), seconds)
        if error:
            self.refused.append(f"{who}: {error}")


async def read_while_writing(of: Environment, media: Path, extra: Path) -> Answers:
    """Ask two servers and two verbs until the folder `media` is stored, then for `extra`."""
    answers = Answers()
    async with AsyncExitStack() as stack:
        urls = [
            (await stack.enter_async_context(over_http([], of(f"server{n}")))).url for n in (1, 2)
        ]
        clients = [await stack.enter_async_context(Client(f"{url}/mcp")) for url in urls]
        writer = await _start(of("writer"), "ingest", str(media))
        readers = [asyncio.create_task(_ask(c, f"server {n}", answers))
                   for n, c in enumerate(clients, 1)]  # fmt: skip
        readers.append(asyncio.create_task(_verbs(of, answers)))
        await _ended(writer)
        for task in readers:
            task.cancel()
        for ended in await asyncio.gather(*readers, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended
        words = f"The {NEW_WORDS} was seen over the harbour."
        await asyncio.to_thread(extra.write_text, words, encoding="utf-8")
        await _ended(await _start(of("writer"), "ingest", str(extra)))
        answers.found_after_s = await _until_found(clients[1], extra.name)
    return answers


async def _ask(client: Client, who: str, answers: Answers) -> None:
    while True:
        for tool, arguments in (("search", {"query": "word7 word8"}), ("list_sources", {})):
            started = time.perf_counter()
            result = await client.call_tool(tool, arguments)
            said = "".join(getattr(part, "text", "") for part in result.content)
            early = said.startswith(("EMPTY_INDEX", "NOT_READY"))  # nothing is stored yet
            answers.add(
                f"{who} {tool}", time.perf_counter() - started,
                said[:300] if result.is_error and not early else "",
            )  # fmt: skip
        await asyncio.sleep(0.1)


async def _verbs(of: Environment, answers: Answers) -> None:
    while True:
        for verb in (["search", "word7"], ["sources"]):
            started = time.perf_counter()
            process = await _start(of("verbs"), *verb)
            try:
                _, told = await process.communicate()
            except asyncio.CancelledError:
                await process.communicate()
                raise
            said = told.decode(errors="replace")
            early = "EMPTY_INDEX" in said or "NOT_READY" in said or "nothing" in said
            answers.add(
                f"omni-mcp {verb[0]}", time.perf_counter() - started,
                said[-300:] if process.returncode and not early else "",
            )  # fmt: skip


async def _until_found(client: Client, name: str) -> float | None:
    started = time.perf_counter()
    while time.perf_counter() - started < 30:
        result = await client.call_tool("search", {"query": NEW_WORDS})
        if Path(name).stem in str(result.content):
            return time.perf_counter() - started
        await asyncio.sleep(0.1)
    return None


async def _start(of: dict[str, str], *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *VERB, *arguments, env=of, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def _ended(process: asyncio.subprocess.Process) -> None:
    _, told = await process.communicate()
    if process.returncode:
        raise SystemExit(f"an ingest failed: {told.decode(errors='replace')[-2000:]}")
