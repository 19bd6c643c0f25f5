"""What a library costs as it grows, sources and segments together: the index, and whole searches.

    python bench/index.py [--points 10000 100000] [--per-source 100]
                          [--vectors FILE.npy] [--keep FOLDER]

A library is filled through the product's own shard and catalog, opened again, and asked through
`Engine.search`. Segments have Zipf-distributed words and the vectors of the `hashing` encoder, or
those of FILE.npy (rows of 384 numbers). For each size it prints:

- two legs (200 points by vector, 200 by words) asked of the raw Qdrant Edge shard: ids alone, with
  payloads, and with payloads whose files were read before; through `EdgeIndex` in its child process
  as a search asks them; and the same with a condition that every point meets, as versions before
  1.1 asked
- `Engine.search`: CPU of all processes (those of the server and of its children apart), wall time
  p50 and p95; the question is embedded, its language told, and hits are cited in it
- seconds of the vacuum that settles what was filled in (from 100,000 points on)
- CPU seconds of filling, and of opening again: the index alone, and the library, whose catalog is
  compared with the index; memory (unique to the index's process) and disk

Each of these opens the library anew and asks the same questions, the first half of them to warm
up: all begin with an empty cache and files that are not mapped yet (Edge drops those of payloads
from the system's cache when it loads a shard; the index's process reads them then). How much of
what a question finds was read before depends on the size. Ratios are of one run. 1,000,000 points
take about half an hour, and 3 GB of memory and of disk.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import qdrant_edge

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from omni_core import Engine, SearchRequest
from omni_core.catalog import SqliteCatalog
from omni_core.encoders.hashing import HashingEncoder
from omni_core.engine.search.pipeline import PREFETCH_LIMIT
from omni_core.files import used_bytes
from omni_core.index import versions
from omni_core.index.edge import EdgeIndex
from omni_core.index.edge_ahead import read_ahead
from omni_core.index.edge_mapping import to_request
from omni_core.index.edge_shard import Shard
from omni_core.payload import StoredSegment, in_collection
from omni_core.points import Point
from omni_core.query import Filter, Prefetch
from omni_core.settings import Settings, load
from omni_core.text import bm25
from omni_core.types import Channel, EncoderInfo, Modality, Segment, Source, Span, TextContent

SEARCHES = 40
PARTS = [[a + b + c for c in ("n", "st", "ment", "er", "al", "ed", "ing", "s")]
         for a in ("car", "sto", "pla", "mer", "vol", "ran", "tes", "lin", "bor", "der")
         for b in ("ne", "ta", "ri", "mo", "lu", "ka", "si", "ve", "do", "pe")]  # fmt: skip
VOCABULARY = [word for part in PARTS for word in part]
WEIGHTS = np.cumsum([1 / (rank + 5) for rank in range(len(VOCABULARY))]).tolist()
KINDS = ((Channel.SPEECH, 18), (Channel.TEXT, 120), (Channel.SCREEN_TEXT, 12), (Channel.VISUAL, 0))
"""Channels in turn, and the words of a segment."""


def text_of(rnd: random.Random, words: int) -> str:
    """Words at random, common ones often."""
    return " ".join(rnd.choices(VOCABULARY, cum_weights=WEIGHTS, k=words))


def source_of(number: int) -> Source:
    """A source; kinds in turn, dates within a month."""
    sha256 = hashlib.sha256(str(number).encode()).hexdigest()
    recorded = datetime(2026, 1, 1 + number % 28, tzinfo=UTC)
    kind = list(Modality)[number % 4]
    return Source(
        sha256, f"/bench/{number}.mp4", f"film {number}", kind, "", 0, 1e4, recorded_at=recorded
    )


def segments(source: Source, count: int, rnd: random.Random) -> Iterator[Segment]:
    """The segments of a source."""
    for at in range(count):
        channel, words = KINDS[at % len(KINDS)]
        span = Span("second", float(at), at + 1.0)
        text = text_of(rnd, words)
        yield Segment(source.id, source.modality, channel, span, text=text, origin="bench")


def fill(settings: Settings, sources: int, per_source: int, vectors: Any) -> float:
    """Fill a library; the CPU seconds of the index's writes alone."""
    encoder, rnd, spent = HashingEncoder.load(settings), random.Random(0), 0.0
    with SqliteCatalog(settings.store_path) as catalog:  # first: an index without one is damage
        shard = Shard(versions.prepare(settings.store_path, encoder.info), encoder.info.dim, False)
        catalog.set_meta("fingerprint", encoder.info.fingerprint)
        for number in range(sources):
            source = source_of(number)
            catalog.begin(source, collection="default", mtime_ns=1,
                          model=encoder.info.fingerprint, pipeline="bench")  # fmt: skip
            made = list(segments(source, per_source, rnd))
            seen = [TextContent(s.text or text_of(rnd, 4)) for s in made]
            dense = encoder.encode(seen) if vectors is None else vectors[number * per_source :]
            points = [
                Point(s.id, v, bm25.document(s.text) if s.text else None,
                      StoredSegment.of(s, source, ["default"]))
                for s, v in zip(made, dense, strict=False)
            ]  # fmt: skip
            started = time.process_time()
            for i in range(0, len(points), 250):
                shard.upsert(points[i : i + 250])
            spent += time.process_time() - started
            catalog.finish(source.sha256, segments=per_source)
    shard.flush()
    shard.close()
    return spent


def questions() -> list[str]:
    """Other words than those that filled the library, of the same distribution."""
    rnd = random.Random(7)
    return [text_of(rnd, 4) for _ in range(2 * SEARCHES)]


def legs(settings: Settings, words: str, **kind: Any) -> list[Prefetch]:
    """The two prefetches of a question."""
    (vector,) = HashingEncoder.load(settings).encode([TextContent(words)])
    return [
        Prefetch(np.asarray(vector), limit=PREFETCH_LIMIT, **kind),
        Prefetch(bm25.question(words), "bm25", PREFETCH_LIMIT, **kind),
    ]


def raw(settings: Settings, payload: bool, *, ahead: bool = False) -> float:
    """CPU milliseconds of the two legs, asked of the engine in this process; with `ahead` the
    payloads were read before, as the index's process does."""
    info = HashingEncoder.describe(settings)
    path = versions.prepare(settings.store_path, info) / "shard"
    shard, spent = qdrant_edge.EdgeShard.load(str(path)), []
    if ahead:
        read_ahead(path)
    for words in questions():
        made = [to_request(p, None) for p in legs(settings, words)]
        asked = [
            qdrant_edge.QueryRequest(
                limit=r.limit, query=r.query, with_payload=payload, params=r.params
            )
            for r in made
        ]
        started = time.process_time()
        found = shard.query_batch(qdrant_edge.QueryBatchRequest(asked))
        _ = [(str(h.id), h.score, h.payload) for hits in found for h in hits]
        spent.append(time.process_time() - started)
    shard.close()
    return 1000 * statistics.median(spent[SEARCHES:])


class Cpu:
    """CPU seconds of this process and of its children."""

    def __init__(self) -> None:
        self.own = psutil.Process()
        self.children = self.own.children(recursive=True)

    def now(self) -> float:
        """The sum up to now."""
        return sum(sum(p.cpu_times()[:2]) for p in (self.own, *self.children))


async def measured(ask: Callable[[str], Awaitable[Any]]) -> tuple[float, float, float]:
    """CPU milliseconds a call, and wall milliseconds p50 and p95, after as many to warm up."""
    asked, walls = questions(), []
    for words in asked[:SEARCHES]:
        await ask(words)
    cpu = Cpu()
    before = cpu.now()
    for words in asked[SEARCHES:]:
        started = time.perf_counter()
        await ask(words)
        walls.append(1000 * (time.perf_counter() - started))
    spent = 1000 * (cpu.now() - before) / SEARCHES
    return spent, statistics.median(walls), sorted(walls)[int(0.95 * len(walls))]


async def settle(settings: Settings, info: EncoderInfo) -> None:
    """As a server does when nobody has asked it for two minutes."""
    index = EdgeIndex(settings.store_path, info)
    await index.open()
    started = time.perf_counter()
    if await index.optimize():
        print(f"  vacuumed, and settled, in {time.perf_counter() - started:.0f} s")
    await index.close()


async def grown(settings: Settings) -> None:
    """The figures of a filled library."""
    info = HashingEncoder.describe(settings)
    await settle(settings, info)
    bare, whole = raw(settings, False), raw(settings, True)
    ahead = raw(settings, True, ahead=True)
    print(f"  raw shard: ids {bare:.1f}, with payloads {whole:.1f} ms CPU, {ahead:.1f} where they "
          "were read before")  # fmt: skip
    asked = {words: legs(settings, words, lean=True) for words in questions()}
    base = 0.0
    for label, filter in (
        ("no filter, as a search asks now", None),
        ("collection, as one did before", Filter((in_collection("default"),))),
    ):
        index = EdgeIndex(settings.store_path, info)
        started = time.perf_counter()
        await index.open()
        opened = time.perf_counter() - started
        child = psutil.Process().children()[-1]
        opening = sum(child.cpu_times()[:2])

        async def ask(words: str, within: Filter | None = filter, of: EdgeIndex = index) -> Any:
            return await of.search(asked[words], filter=within)

        cpu, p50, p95 = await measured(ask)
        base = base or cpu
        print(f"  index, {label}: {cpu:.1f} ms CPU ({cpu / base:.2f}x unfiltered, "
              f"{cpu / whole:.2f}x the raw shard with payloads, {cpu / bare:.2f}x ids alone), "
              f"wall p50 {p50:.0f} p95 {p95:.0f} ms")  # fmt: skip
        memory = child.memory_full_info().uss
        await index.close()
    disk = used_bytes(versions.folder(settings.store_path))
    print(f"  the index opened in {opened:.1f} s, {opening:.1f} s CPU; memory {memory >> 20} MB; "
          f"disk {disk >> 20} MB")  # fmt: skip
    own, started = time.process_time(), time.perf_counter()
    engine = await Engine.open(settings, ahead="nothing")
    await engine._context.index.opened()
    opened, own = time.perf_counter() - started, time.process_time() - own
    (child,) = psutil.Process().children()
    there = sum(child.cpu_times()[:2])
    print(f"  the library opened in {opened:.1f} s, its catalog compared with the index: "
          f"{own:.1f} s CPU in the server, {there:.1f} in the index")  # fmt: skip
    started = time.perf_counter()
    await engine.search(SearchRequest(questions()[0]))
    print(f"  the first question takes {time.perf_counter() - started:.2f} s")
    spent = time.process_time()
    cpu, p50, p95 = await measured(lambda words: engine.search(SearchRequest(words)))
    spent = 1000 * (time.process_time() - spent) / (2 * SEARCHES)
    print(f"  Engine.search: {cpu:.1f} ms CPU in all ({spent:.1f} of them in the server), "
          f"{cpu / whole:.2f}x the raw shard with payloads, {cpu / ahead:.2f}x where they were "
          f"read before, wall p50 {p50:.0f} p95 {p95:.0f} ms")  # fmt: skip
    await engine.close()


def main(args: argparse.Namespace) -> None:
    """Every size."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    for n in args.points:
        folder = Path(args.keep or tempfile.mkdtemp(prefix="omni-bench-")) / str(n)
        values = {"store": str(folder), "encoder": "hashing", "index": "edge",
                  "speech": "off", "screen_text": "off"}  # fmt: skip
        settings = load(values, environ={})
        sources = n // args.per_source
        print(f"{n} points of {sources} sources")
        if not folder.exists():
            vectors = np.load(args.vectors, mmap_mode="r") if args.vectors else None
            spent = fill(settings, sources, args.per_source, vectors)
            print(f"  filled: {10_000 * spent / n:.2f} s CPU for 10,000 points")
        asyncio.run(grown(settings))
        if not args.keep:
            shutil.rmtree(folder.parent)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--points", type=int, nargs="+", default=[10_000])
    parser.add_argument("--per-source", type=int, default=100)
    parser.add_argument("--vectors", help="vectors to fill with, .npy of (rows, 384)")
    parser.add_argument("--keep", help="folder for the libraries; what is there is asked again")
    main(parser.parse_args())
