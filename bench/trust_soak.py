"""A server that works for long: does anything grow but the library?

Files of every medium are ingested, questions asked and hits opened over HTTP, mixed as they come.
After a tenth of that, every medium at least once, and then ten times more, memory of its own
(USS), open files, threads, children and temporary files are looked at, of the server and of each
child. The process of the index may grow as the index does; no other may.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.fuzz_media import seeds
from bench.load import Wire, question
from bench.serving import PLAIN, over_http
from bench.trust_table import Line

ALLOWED = 1.05
"""Memory at the end over that after the warm-up."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the processes of a server hold at one moment."""

    server_mb: float
    others_mb: float
    """Of its children, without the index."""
    index_mb: float
    handles: int
    threads: int
    children: int
    temporary: int


def look(pid: int, store: Path, temporary: Path) -> Look:
    """Measure now."""
    server = psutil.Process(pid)
    children = server.children(recursive=True)
    index = [p for p in children if _holds(p, store / "index")]
    others = [p for p in children if p not in index]
    return Look(
        _mb([server]), _mb(others), _mb(index),
        sum(p.num_fds() for p in (server, *others)),
        sum(p.num_threads() for p in (server, *others)),
        len(children), len(list(temporary.rglob("*"))),
    )  # fmt: skip


def _holds(process: psutil.Process, folder: Path) -> bool:
    with suppress(psutil.Error):
        mapped = (m.path for m in process.memory_maps())
        return any(Path(p).is_relative_to(folder) for p in mapped if p.startswith("/"))
    return False


def _mb(processes: list[psutil.Process]) -> float:
    return float(sum(p.memory_full_info().uss for p in processes)) / (1 << 20)


def files(folder: Path, known: list[Path]) -> Iterator[Path]:
    """New files without end: a note, then a copy of one of `known` with bytes of its own."""
    rng = random.Random(4)
    for number in range(1_000_000):
        note = folder / f"note{number}.md"
        note.write_text("\n\n".join(question(rng) * 6 for _ in range(12)))
        yield note
        copied = folder / f"{number}-{known[number % len(known)].name}"
        shutil.copy(known[number % len(known)], copied)
        with copied.open("ab") as end:
            end.write((b"\n" if _is_text(copied) else b"\0") * (number // len(known) + 1))
        yield copied


def _is_text(path: Path) -> bool:
    return b"\0" not in path.read_bytes()


async def work(wire: Wire, fresh: Iterator[Path], ingests: int, asks: int, opens: int) -> int:
    """Do so much, mixed; how many calls ended in an error."""
    kinds = ["ask"] * asks + ["open"] * opens + ["ingest"] * ingests
    random.Random(5).shuffle(kinds)
    kinds.insert(0, "ingest")  # there is something to find
    rng, refused, last = random.Random(6), 0, ""
    for kind in kinds:
        try:
            if kind == "ingest":
                path = next(fresh)
                await wire.call("ingest_media", source=str(path))
                last = path.name if path.suffix == ".md" else last
            elif kind == "ask":
                await wire.search(question(rng))
            elif last:
                await wire.call("get_segment", ref=last)
        except RuntimeError as e:
            refused += 1
            print(str(e)[:200])
    return refused


async def measure(small: bool) -> list[Line]:
    """The growth after the warm-up."""
    ingests, asks, opens = (100, 1000, 100) if small else (1000, 10_000, 1000)
    with tempfile.TemporaryDirectory() as folder:
        root, store, temporary = (Path(folder, n) for n in ("media", "store", "tmp"))
        root.mkdir()
        temporary.mkdir()
        known = seeds(Path(folder, "seeds"))
        fresh = files(root, known)
        options = ["--root", str(root), "--store", str(store)]
        async with over_http(options, PLAIN | {"TMPDIR": str(temporary)}) as server:
            wire = Wire(server.url)
            every_kind = max(2 * len(known), ingests // 10)
            refused = await work(wire, fresh, every_kind, asks // 10, opens // 10)
            looks = [await asyncio.to_thread(look, server.pid, store, temporary)]
            for _ in range(10):
                refused += await work(wire, fresh, ingests // 10, asks // 10, opens // 10)
                looks.append(await asyncio.to_thread(look, server.pid, store, temporary))
                print(looks[-1], flush=True)
            await wire.close()
    first, last = looks[0], looks[-1]
    done = 11 * (ingests + asks + opens) // 10
    server_grew, others_grew = last.server_mb / first.server_mb, last.others_mb / first.others_mb
    lines = [
        Line("memory of the server", done, f"{first.server_mb:.0f} -> {last.server_mb:.0f} MB, "
             f"{server_grew:.2f} times", "<= 1.05 times", server_grew <= ALLOWED),
        Line("memory of its children but the index", done, f"{first.others_mb:.0f} -> "
             f"{last.others_mb:.0f} MB, {others_grew:.2f} times", "<= 1.05 times",
             others_grew <= ALLOWED),
        Line("memory of the index", done, f"{first.index_mb:.0f} -> {last.index_mb:.0f} MB",
             "as the index grows", met=True),
        Line("calls that ended in an error", done, str(refused), "0", refused == 0),
    ]  # fmt: skip
    for what in ("handles", "threads", "children", "temporary"):
        before, after = (getattr(at, what) for at in (first, last))
        lines.append(Line(what, done, f"{before} -> {after}", "flat", after <= before + 2))
    return lines
