"""The stores side by side, as ratios to the exact one in memory, in one run.

    python bench/index_stores.py [--points 2000 10000] [--dim 384] [--vectors FILE.npy]
                                 [--qdrant URL]

Vectors are clustered at random unless FILE.npy holds real ones (rows are points; recall depends
on them). Prints, for each store: points stored a second, the median search (a dense and a BM25
prefetch in one call) without and with a filter, its ratio to memory, recall of the exact ten,
opening, disk.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from omni_core.files import used_bytes
from omni_core.index.edge import EdgeIndex
from omni_core.index.memory import MemoryIndex
from omni_core.index.server import ServerIndex
from omni_core.payload import StoredSegment, of_modalities, overlapping, source_filter
from omni_core.points import Point
from omni_core.query import Filter, Prefetch
from omni_core.settings import Settings
from omni_core.text import bm25
from omni_core.types import Channel, EncoderInfo, Modality, Segment, Source, Span

SEARCHES = 60
WORDS = [f"word{i}" for i in range(4000)]


def source_of(number: int) -> Source:
    """A synthetic source."""
    sha256 = hashlib.sha256(str(number).encode()).hexdigest()
    recorded = datetime(2026, 1, 1 + number % 28, tzinfo=UTC)
    return Source(sha256, f"/bench/{number}", "bench", Modality.VIDEO, "", 0, recorded_at=recorded)


FILTERS = {
    "none": None,
    "modality": Filter(must=(of_modalities([Modality.VIDEO]),)),
    "source": source_filter(source_of(3).id),
    "time": Filter(must=overlapping(Span("second", 20.0, 60.0))),
}


@dataclass
class Row:
    """One store's figures."""

    name: str
    stored_s: float
    search_ms: dict[str, float]
    recall: float
    open_s: float
    disk: int


def clustered(n: int, dim: int, rng: np.random.Generator) -> Any:
    """Unit vectors around 200 centres, about as close together as frames of one video."""
    centres = rng.normal(size=(200, dim))
    v = centres[rng.integers(0, 200, n)] + 0.6 * rng.normal(size=(n, dim))
    return (v / np.linalg.norm(v, axis=1, keepdims=True)).astype(np.float32)


def points(vectors: Any) -> list[Point]:
    """Segments of sources of 100 each, with the payload of real ones."""
    rnd = random.Random(0)
    made = []
    for i, v in enumerate(vectors):
        text = " ".join(rnd.choices(WORDS, k=20))
        source, modality = source_of(i // 100), list(Modality)[i % 4]
        span = Span("second", float(i % 100), float(i % 100 + 1))
        segment = Segment(source.id, modality, Channel.SPEECH, span, text=text, origin="bench")
        stored = StoredSegment.of(segment, source, ["default"])
        made.append(Point(segment.id, v, bm25.document(text), stored))
    return made


def _same(index: Any) -> Any:
    return index


async def measure(
    name: str, make: Callable[[], Any], data: list[Point], questions: Any, disk: Callable[[], int]
) -> tuple[Row, list[list[str]]]:
    """Fill, flush, close, open again, search."""
    index = make()
    await index.open()
    started = time.perf_counter()
    for i in range(0, len(data), 500):
        await index.upsert(data[i : i + 500])
    await index.flush()
    stored = time.perf_counter() - started
    if name != "memory":
        await index.close()
        index = make()
    started = time.perf_counter()
    await index.open()
    opened = time.perf_counter() - started
    search_ms: dict[str, float] = {}
    tops: list[list[str]] = []
    for label, filter in FILTERS.items():
        spent = []
        for n, question in enumerate(questions):
            prefetches = [
                Prefetch(question, limit=10),
                Prefetch(bm25.question(f"{WORDS[n]} {WORDS[2 * n]}"), "bm25", 10),
            ]
            started = time.perf_counter()
            dense, _ = await index.search(prefetches, filter=filter)
            spent.append(time.perf_counter() - started)
            if filter is None:
                tops.append([h.id for h in dense])
        search_ms[label] = 1000 * statistics.median(spent)
    await index.close()
    return Row(name, len(data) / stored, search_ms, 1.0, opened, disk()), tops


async def main(args: argparse.Namespace) -> None:
    """Every size, every store."""
    rng = np.random.default_rng(0)
    for n in args.points:
        if args.vectors:
            real = np.load(args.vectors, mmap_mode="r")
            if len(real) < n + SEARCHES:
                print(f"{args.vectors} has {len(real)} rows, {n + SEARCHES} are needed")
                continue
            both = np.asarray(real[rng.permutation(len(real))[: n + SEARCHES]], np.float32)
        else:
            both = clustered(n + SEARCHES, args.dim, rng)
        data, questions = points(both[:n]), both[n:]
        info = EncoderInfo("bench", str(time.time_ns()), both.shape[1], frozenset(Channel))
        with tempfile.TemporaryDirectory(prefix="omni-bench-") as folder:
            stores: dict[str, Callable[[], Any]] = {
                "memory": partial(MemoryIndex, info),
                "edge": partial(EdgeIndex, Path(folder), info),
            }
            if args.qdrant:
                key = os.environ.get("OMNI_QDRANT_API_KEY", "")
                name = f"bench-{info.revision}"
                there = Settings(qdrant_url=args.qdrant, qdrant_api_key=key, qdrant_collection=name)
                stores["server"] = partial(ServerIndex, there, info)
            rows = []
            truth: list[list[str]] = []
            kept = None
            for name, make in stores.items():
                if name == "memory":  # close() forgets: keep one, opened once
                    kept = make()
                    make = partial(_same, kept)
                used = partial(used_bytes, Path(folder)) if name == "edge" else int
                row, tops = await measure(name, make, data, questions, used)
                truth = truth or tops
                shared = [len(set(a) & set(b)) for a, b in zip(tops, truth, strict=True)]
                row.recall = sum(shared) / sum(len(t) for t in truth)
                rows.append(row)
        report(n, both.shape[1], rows)


def report(n: int, dim: int, rows: list[Row]) -> None:
    """A table; ratios are to memory (below 1 is faster)."""
    print(f"\n{n} points of {dim} numbers")
    head = "store    points/s  recall@10  open s  KB/point"
    print(head + "".join(f"  {label:>16}" for label in FILTERS))
    for r in rows:
        cells = [
            f"{r.search_ms[k]:7.2f} ms {r.search_ms[k] / rows[0].search_ms[k]:5.2f}x"
            for k in FILTERS
        ]
        size = r.disk / 1024 / n
        print(f"{r.name:<8}{r.stored_s:9.0f}  {r.recall:9.3f}  {r.open_s:6.2f}  {size:8.1f}  "
              + "  ".join(cells))  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, nargs="+", default=[2000, 10_000])
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--vectors", help="real vectors, .npy of (rows, dim)")
    parser.add_argument("--qdrant", help="a real server to measure too")
    asyncio.run(main(parser.parse_args()))
