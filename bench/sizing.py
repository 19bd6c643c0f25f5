"""What a library of any size needs: bytes of each segment, measured, and what follows from them.

    python bench/sizing.py [--points 20000 60000] [--dim 896] [--settled | --qdrant URL --pid PID]

Fills an index, the embedded one or one on an empty Qdrant server (whose key is in
OMNI_QDRANT_API_KEY, and whose process is PID, on this machine), at two sizes; the embedded one is
settled and opened again at each where that is wanted (from 100,000 segments it settles by itself,
below that it does not). What a segment costs
is the slope between them. Prints disk and resident memory of each segment, without and with what
the vectors alone explain (`docs/sizing.md` has the formulas), and a table of what 1 million, 100
million and 10 billion segments need by them.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
from pathlib import Path

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.index import segments, source_of
from omni_core import index
from omni_core.files import used_bytes
from omni_core.index.edge import EdgeIndex
from omni_core.payload import StoredSegment
from omni_core.points import Point
from omni_core.protocols import Index
from omni_core.settings import Settings, load
from omni_core.text import bm25
from omni_core.types import Channel, EncoderInfo

PER_SOURCE = 100
SIZES = (10**6, 10**8, 10**10)
NODE_GB = 64
USED = 0.7
"""Share of a node's memory that the index may take; the rest is for requests and the system."""


async def fill(target: Index, first: int, until: int, dim: int) -> None:
    """Sources with random vectors; segments `first` to `until`."""
    rnd, rng = random.Random(first), np.random.default_rng(first)
    for number in range(first // PER_SOURCE, until // PER_SOURCE):
        source = source_of(number)
        made = list(segments(source, PER_SOURCE, rnd))
        dense = rng.standard_normal((len(made), dim)).astype(np.float32)
        await target.upsert(
            [
                Point(
                    s.id,
                    vector / np.linalg.norm(vector),
                    bm25.document(s.text) if s.text else None,
                    StoredSegment.of(s, source, ["default"]),
                )
                for s, vector in zip(made, dense, strict=True)
            ]
        )
    await target.flush()


async def measure(
    settings: Settings, sizes: list[int], dim: int, pid: int, settled: bool
) -> tuple[float, float]:
    """Bytes of disk and of resident memory for each segment more."""
    info = EncoderInfo(f"bench/{dim}", "sizing", dim, frozenset(Channel))
    target: Index = (
        EdgeIndex(settings.store_path, info, grown=1) if settled else index.load(settings, info)
    )
    await target.open()
    try:
        found = []
        first = 0
        for size in sizes:
            await fill(target, first, size, dim)
            first = size
            if settled:
                await target.optimize()
                await target.close()
                await target.open()
            process = psutil.Process(pid) if pid else _index_process()
            folder = Path(process.cwd()) if pid else settings.store_path / "index"
            found.append((used_bytes(folder), process.memory_full_info().uss))
            print(f"{size:>9,} segments: disk {found[-1][0] / 1e6:8.1f} MB, "
                  f"memory {found[-1][1] / 1e6:8.1f} MB", flush=True)  # fmt: skip
    finally:
        await target.close()
    (disk_a, memory_a), (disk_b, memory_b) = found[0], found[-1]
    more = sizes[-1] - sizes[0]
    return (disk_b - disk_a) / more, (memory_b - memory_a) / more


def _index_process() -> psutil.Process:
    children = psutil.Process().children()
    return max(children, key=lambda p: p.memory_full_info().uss)


def needs(dim: int, rest_disk: float, rest_memory: float, copies: int) -> list[str]:
    """Rows of the table: by size, disk, memory and nodes."""
    rows = []
    for size in SIZES:
        disk = size * copies * (4.5 * dim + rest_disk)
        memory = size * copies * (0.5 * dim + rest_memory)
        nodes = max(copies, -(-memory // (NODE_GB * 1e9 * USED)))
        rows.append(f"{size:>15,}  disk {disk / 1e9:10,.1f} GB  memory {memory / 1e9:10,.1f} GB  "
                    f"{nodes:6,.0f} nodes of {NODE_GB} GB")  # fmt: skip
    return rows


def main() -> None:
    """Measure, then tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, nargs=2, default=[20_000, 60_000])
    parser.add_argument("--dim", type=int, default=896)
    parser.add_argument("--settled", action="store_true", help="settle the embedded index")
    parser.add_argument("--qdrant", default="")
    parser.add_argument("--pid", type=int, default=0)
    parser.add_argument("--copies", type=int, default=1)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = load(
            {"store": folder, "index": "server" if args.qdrant else "edge",
             "qdrant_url": args.qdrant, "qdrant_collection": f"sizing-{os.getpid()}"},
        )  # fmt: skip
        disk, memory = asyncio.run(measure(settings, args.points, args.dim, args.pid, args.settled))
    vectors = 4.5 * args.dim
    print(f"each segment: disk {disk:,.0f} bytes, of which {vectors:,.0f} are vector and codes; "
          f"memory {memory:,.0f} bytes, with pages of mapped files")  # fmt: skip
    rest = max(0.0, disk - vectors)
    for row in needs(args.dim, rest, max(0.0, memory - vectors), args.copies):
        print(row)


if __name__ == "__main__":
    main()
