"""What a folder costs with one decoder and with several: CPU, time, memory, and the same points.

    python bench/folder.py [FOLDER] [--decoders 1 2] [--encoder embedded]

Ingests the folder (by default the samples) into a fresh store for each number of decoders, and
prints seconds, CPU seconds of all processes, the largest sum of their memory (PSS, looked at once a
second), and whether ids, words and vectors are those of the first run. Compare CPU and ratios on a
machine that does other work too.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "server")]

from omni_core import Engine, load_settings  # noqa: E402
from omni_core.points import Point  # noqa: E402

SAMPLES = ROOT / "samples" / "library"
PAGE = 1000


async def watch_memory(peak: list[float]) -> None:
    """Keep the largest sum of this process and its children, in MB, in `peak[0]`."""
    me = psutil.Process()

    def now() -> float:
        total = 0
        for process in (me, *me.children(recursive=True)):
            try:
                total += process.memory_full_info().pss
            except psutil.Error:
                continue
        return total / 2**20

    while True:
        peak[0] = max(peak[0], await asyncio.to_thread(now))
        await asyncio.sleep(1)


async def points_of(engine: Engine) -> dict[str, Point]:
    """Every point with its vectors, by id."""
    index = await engine._context.opened_index()
    found: dict[str, Point] = {}
    offset = None
    while True:
        points, offset = await index.scroll(limit=PAGE, offset=offset)
        whole = await index.get([p.id for p in points], vectors=True)
        found |= {p.id: p for p in whole}
        if offset is None:
            return found


def difference(one: Mapping[str, Point], other: Mapping[str, Point]) -> str:
    """In words: whether ids and payloads are equal, and how far vectors are apart."""
    if one.keys() != other.keys():
        return f"{len(one.keys() ^ other.keys())} POINTS ARE IN ONE ONLY"
    changed = sum(one[id].stored != other[id].stored for id in one)
    far = [0.0]
    for id, point in other.items():
        before = one[id].dense
        if before is not None and point.dense is not None:
            far.append(float(np.abs(before - point.dense).max()))
    return f"{changed} payloads differ, vectors by at most {max(far):.1g}"


async def ingest(
    files: list[str], decoders: int, encoder: str
) -> tuple[dict[str, Point], float, float]:
    """The points, seconds, and the largest memory in MB."""
    peak = [0.0]
    with tempfile.TemporaryDirectory() as store:
        settings = load_settings({"store": store, "decoders": decoders, "encoder": encoder})
        async with await Engine.open(settings) as engine:
            await engine.ready()
            watching = asyncio.create_task(watch_memory(peak))
            started = time.perf_counter()
            status = await engine.ingest_folder(files)
            seconds = time.perf_counter() - started
            watching.cancel()
            for failed in status.failed:
                print(f"  {failed.path}: {failed.error}")
            return await points_of(engine), seconds, peak[0]


def main() -> None:
    """Run and print one line for each number of decoders."""
    parser = argparse.ArgumentParser(description="A folder with one decoder and with several.")
    parser.add_argument("folder", nargs="?", type=Path, default=SAMPLES)
    parser.add_argument("--decoders", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--encoder", default="embedded")
    args = parser.parse_args()
    files = sorted(str(p.resolve()) for p in args.folder.rglob("*") if p.is_file())
    first: dict[str, Point] = {}
    for decoders in args.decoders:
        print(f"{decoders} decoder{'s' * (decoders > 1)}, {len(files)} files:")
        before = cpu_s()
        found, seconds, peak = asyncio.run(ingest(files, decoders, args.encoder))
        first = first or found
        print(
            f"  {seconds:.1f} s, {cpu_s() - before:.1f} CPU s, {peak:.0f} MB, "
            f"{len(found)} points: {difference(first, found)}",
            flush=True,
        )


def cpu_s() -> float:
    """CPU seconds of this process and of the children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


if __name__ == "__main__":
    main()
