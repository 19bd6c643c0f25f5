"""Libraries whose processes are killed at random moments, or whose writes fail.

An engine ingests a folder in a process of its own (`kill_host`). It, its index, a decoder
or its models get SIGKILL at a random moment, or its n-th write fails; then it is started again.
What was said to be done must be there, each file once, with as many points as an undisturbed
ingest stores; no child may outlive its parent, and no row may stay `processing`.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.hostile.killed import END_S, Host, host, left
from bench.serving import PLAIN
from bench.several_library import make_folder
from bench.trust_table import Line

VICTIMS = ("server", "index", "decoder", "models")
HASHING = {**PLAIN, "OMNI_TIMEZONE": "UTC"}
EMBEDDED = {**HASHING, "OMNI_ENCODER": "embedded"}
FIRST_S = 2.0
"""Seconds in which a restarted library should answer."""


@dataclass
class Seen:
    """What became of the libraries of one kind of run."""

    kills: int = 0
    by_victim: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    half: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Good files that failed."""
    orphans: int = 0
    answered: list[float] = field(default_factory=list)
    searched: list[float] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing went wrong."""
        bad = (self.lost, self.doubled, self.half, self.stuck, self.refused)
        return not any(bad) and not self.orphans

    def __str__(self) -> str:
        return (
            f"{len(self.lost)} lost, {len(self.doubled)} doubled, {len(self.half)} half, "
            f"{len(self.stuck)} stuck, {self.orphans} orphans, {len(self.refused)} good files "
            "refused"
        )


class Rounds:
    """Kills in one library after another, against what an undisturbed one holds."""

    def __init__(
        self, media: Path, work: Path, environ: dict[str, str], seed: int, within_s: float = 4.0
    ) -> None:
        """A kill comes at most `within_s` seconds after the work has begun."""
        self._within_s = within_s
        self.seen, self._rnd = Seen(), random.Random(seed)
        self._media, self._work, self._environ = media, work, environ
        self._truth: dict[str, int] = {}
        self._number = 0
        self._done: set[str] = set()
        """What the library said to be done."""
        self._killed_so_far: list[str] = []
        """What was killed in this library, and after how many seconds."""

    async def kill(self, kills: int) -> Seen:
        """So many kills, of eight in one library at most, or as many as it takes to read it all."""
        while self.seen.kills < kills:
            store = await self._fresh()
            for _ in range(min(8, kills - self.seen.kills)):
                if not await self._killed(store):
                    break
            await self._end(store)
            self._say(kills)
        return self.seen

    async def fail(self, faults: int) -> Seen:
        """So many runs in which a write fails."""
        kinds = ("index", "catalog", "thumbs", "size")
        for n in range(faults):
            store = await self._fresh()
            kind = kinds[n % len(kinds)]
            number = self._rnd.choice((64, 200, 900)) if kind == "size" else self._rnd.randrange(40)
            async with host(self._media, store, f"{kind}:{number}") as there:
                pass
            self.seen.kills += 1
            self.seen.by_victim[kind] += 1
            self.seen.stuck += [f"{u} {kind}" for m in there.heard("stuck") for u in m["stuck"]]
            self._done = _ready(there)
            await self._end(store)
            self._say(faults)
        return self.seen

    def _say(self, wanted: int) -> None:
        seen = self.seen
        bad = (*seen.lost, *seen.doubled, *seen.half, *seen.stuck, *seen.refused)
        last = f" ({bad[-1]})" if bad else ""
        print(f"{seen.kills} of {wanted}: {seen}{last}", file=sys.stderr, flush=True)

    async def _fresh(self) -> dict[str, str]:
        """The environment of a new library; that of an undisturbed one comes first."""
        self._number += 1
        self._done, self._killed_so_far = set(), []
        store = {**self._environ, "OMNI_STORE": str(self._work / f"store{self._number}")}
        if not self._truth:
            truth = {**self._environ, "OMNI_STORE": str(self._work / "truth")}
            async with host(self._media, truth):
                pass
            async with host(self._media, truth) as there:
                pass
            rows = there.heard("rows")[0]["rows"]
            self._truth = {uri: points for uri, (_, _, points) in rows.items()}
        return store

    async def _killed(self, store: dict[str, str]) -> bool:
        """Whether there was something to kill before all was read."""
        victim = self._rnd.choice(VICTIMS)
        async with host(self._media, store) as there:
            await asyncio.wait_for(there.at_work.wait(), END_S)
            await asyncio.sleep(after_s := self._rnd.uniform(0, self._within_s))
            family = [p for pids in there.pids.values() for p in pids]
            pid = there.process.pid
            if victim != "server":
                pid = next(iter(there.pids.get(victim, [])), 0)
            if not pid:  # there is no such child now
                pid, victim = there.process.pid, "server"
            if there.process.returncode is not None:
                return False
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                return True
            self.seen.kills += 1
            self.seen.by_victim[victim] += 1
            self._killed_so_far.append(f"{victim} {after_s:.2f}")
        self.seen.orphans += await left(family)
        self._note(there)
        self._compare(there)
        self._done |= _ready(there)
        return True

    async def _end(self, store: dict[str, str]) -> None:
        """Ingest to the end, then compare all."""
        async with host(self._media, store) as there:
            pass
        self._note(there)
        self._compare(there)
        self._done = set(self._truth)
        async with host(self._work / "nothing", store) as there:
            pass
        self._compare(there, whole=True)
        await asyncio.to_thread(shutil.rmtree, store["OMNI_STORE"], ignore_errors=True)

    def _compare(self, there: Host, *, whole: bool = False) -> None:
        """What it held when it was opened, against what was said to be done before."""
        opened = there.heard("rows")
        if not opened:
            self.seen.lost.append(f"it cannot be opened: {there.heard('refused')}")
            return
        rows = opened[0]["rows"]
        ready = {uri for uri, (state, _, _) in rows.items() if state == "ready"}
        self.seen.lost += sorted(self._done - ready)
        self.seen.doubled += sorted(u for u in ready if rows[u][2] > self._truth.get(u, 0))
        after = ", ".join(self._killed_so_far)
        self.seen.half += sorted(
            f"{u}: {rows[u][2]} points (the catalog says {rows[u][1]}) of {whole_}, after {after}"
            for u in ready if rows[u][2] < (whole_ := self._truth.get(u, 0))
        )  # fmt: skip
        if whole:
            self.seen.stuck += sorted(u for u, (s, _, _) in rows.items() if s == "processing")
        self.seen.answered.append(opened[0]["answered"])
        if rows:
            self.seen.searched.append(opened[0]["searched"])

    def _note(self, there: Host) -> None:
        failed = [m for m in there.heard("done") if m["state"] == "failed"]
        self.seen.refused += [f"{m['done']}: {m['code']}" for m in failed]


def _ready(there: Host) -> set[str]:
    return {m["done"] for m in there.heard("done") if m["state"] == "ready"}


async def table_of(
    what: str,
    environ: dict[str, str],
    seed: int,
    files: int,
    run: Callable[[Rounds], Awaitable[Seen]],
    within_s: float = 4.0,
) -> list[Line]:
    """What became of the libraries of `run`, each of so many files, and how soon each answered
    when it was started again."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "nothing").mkdir()
        await asyncio.to_thread(make_folder, work / "media", files)
        seen = await run(Rounds(work / "media", work, environ, seed, within_s))
    kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(seen.by_victim.items()))
    lines = [Line(f"{what} ({kinds})", seen.kills, str(seen), "all 0", seen.is_clean)]
    for bad in (seen.lost, seen.doubled, seen.half, seen.stuck, seen.refused):
        print("\n".join(bad[:5]), file=sys.stderr, end="\n" if bad else "")
    for first, times in (("answer", seen.answered), ("search", seen.searched)):
        middle = statistics.median(times)
        figure = f"median {middle:.1f} s, slowest {max(times):.1f} s"
        lines.append(Line(f"start to first {first}", len(times), figure, f"<= {FIRST_S:g} s",
                          middle <= FIRST_S))  # fmt: skip
    return lines
