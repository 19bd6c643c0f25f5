"""Files that would take a decoder for ever: each ends, the server answers meanwhile, and a note
that is asked for beside it does not wait for its end."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from mcp import Client

from bench.hostile.bombs import make
from bench.serving import PLAIN, over_stdio
from bench.trust_table import Line

DECODE_S, STALL_S = 60, 20
END_S = 600.0
"""Seconds after which a bomb counts as one without end: more than its limits add up to."""
ANSWER_S = 2.0
"""Seconds in which a list is answered while a bomb is decoded."""
SETTINGS = {
    **PLAIN, "OMNI_MAX_DECODE_S": str(DECODE_S), "OMNI_DECODE_STALL_S": str(STALL_S),
    "OMNI_MAX_SEGMENTS": "2000", "OMP_NUM_THREADS": "1",
}  # fmt: skip


class Bombed:
    """A server to which one bomb after another is given."""

    def __init__(self, client: Client, folder: Path) -> None:
        self._client, self._folder = client, folder
        self.ends: Counter[str] = Counter()
        """How many ended in each state, or with each code of an error."""
        self.without_end: list[str] = []
        self.silent: list[str] = []
        """Partial without a word of what is left out."""
        self.lists: list[float] = []
        self.notes: list[float] = []

    async def give(self, what: str, path: Path) -> None:
        """Ingest a bomb to its end, with a note and lists beside it."""
        note = self._folder / f"{path.name}.md"
        await asyncio.to_thread(note.write_text, f"# Note\n\nBeside {what}.\n")
        bomb = asyncio.create_task(self._ended(path))
        beside = asyncio.create_task(self._beside(note))
        while not bomb.done():
            began = time.perf_counter()
            await self._client.call_tool("list_sources", {"limit": 1})
            self.lists.append(time.perf_counter() - began)
            await asyncio.wait([bomb], timeout=0.5)
        self.notes.append(await beside)
        answer = bomb.result()
        if answer is None:
            self.without_end.append(what)
            await self._client.call_tool("ingest_media", {"source": str(path), "stop": True})
            return
        data = answer.structured_content or {}
        state = data.get("state") or answer.content[0].text.partition(":")[0]
        self.ends[state] += 1
        if state == "partial" and not any("raise max_" in w for w in data.get("warnings", ())):
            self.silent.append(what)

    async def _ended(self, path: Path) -> Any:
        try:
            async with asyncio.timeout(END_S):
                while True:
                    answer = await self._ask(path)
                    state = (answer.structured_content or {}).get("state")
                    if state not in ("queued", "processing"):
                        return answer
        except TimeoutError:
            return None

    async def _beside(self, note: Path) -> float:
        began = time.perf_counter()
        await self._ended(note)
        return time.perf_counter() - began

    async def _ask(self, path: Path) -> Any:
        return await self._client.call_tool("ingest_media", {"source": str(path), "wait_s": 5})


async def measure(small: bool) -> list[Line]:
    """40 bombs, each with its limits; `small`: ten."""
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "media"
        await asyncio.to_thread(folder.mkdir)
        bombs = await asyncio.to_thread(make, folder, small)
        store = {**SETTINGS, "OMNI_STORE": f"{work}/store"}
        async with over_stdio(["--root", str(folder)], store) as client:
            await client.call_tool("list_sources", {})  # the client loads its validator: seconds
            seen = Bombed(client, folder)
            for what, path in bombs.items():
                await seen.give(what, path)
                await asyncio.to_thread(path.unlink, missing_ok=True)
    ended = ", ".join(f"{n} {how}" for how, n in seen.ends.most_common())
    without = f"; without end: {', '.join(seen.without_end)}" if seen.without_end else ""
    middle = statistics.median(seen.notes)
    slowest = max(seen.lists)
    return [
        Line("bombs", len(bombs), f"{len(bombs) - len(seen.without_end)} end ({ended}){without}",
             "all end within their limit", not seen.without_end),
        Line("partial without the limit's name", len(bombs), str(len(seen.silent)), "0",
             not seen.silent),
        Line("lists answered meanwhile", len(seen.lists), f"slowest {slowest:.2f} s",
             f"<= {ANSWER_S:g} s", slowest <= ANSWER_S),
        Line("a note beside a bomb", len(seen.notes),
             f"median {middle:.1f} s, slowest {max(seen.notes):.1f} s",
             f"median <= {STALL_S} s", middle <= STALL_S),
    ]  # fmt: skip
