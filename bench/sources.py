"""What a search and an ingest cost as a library grows in sources.

    python bench/sources.py [--sources 50 1000 10000 50000] [--index edge] [--segments 4]
                            [--rights]

Rows go straight into the catalog and small points into the index; then `Engine.search` and
`Engine.ingest` of one more file are asked, with the weightless encoder. Prints CPU milliseconds of
the server's process for each, those of its child processes (index, decoder, models) apart, and the
ratio to the smallest library. CPU time, since a busy machine makes wall time mean nothing. With
--rights the sources are spread over four collections, and searches are asked as someone who may see
all of them, one of them, and two.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from omni_core import Engine, IngestRequest, SearchRequest, encoders
from omni_core.catalog import SqliteCatalog
from omni_core.engine.api import EngineApi
from omni_core.ids import PIPELINE
from omni_core.payload import StoredSegment
from omni_core.points import Point
from omni_core.settings import Settings, load
from omni_core.text import bm25
from omni_core.types import Channel, EncoderInfo, Modality, Segment, Source, Span

SEARCHES = 40
INGESTS = 12
WORDS = [f"word{i}" for i in range(4000)]
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Cost:
    """CPU milliseconds of one call: of the server's process, and of its children."""

    server: float
    children: float


def source_of(number: int) -> Source:
    """A synthetic source."""
    sha256 = hashlib.sha256(f"source {number}".encode()).hexdigest()
    path = f"/bench/{number // 1000}/clip {number}.mp4"
    return Source(sha256, path, f"clip {number}", Modality.VIDEO, "video/mp4", 1)


def collection_of(number: int, spread: bool) -> str:
    """The collection of a synthetic source."""
    return f"part {number % 4}" if spread else "default"


def fill_catalog(
    settings: Settings, first: int, last: int, segments: int, *, spread: bool = False
) -> None:
    """Rows of complete sources, in one transaction."""
    with SqliteCatalog(settings.store_path) as catalog:
        model = catalog.get_meta("fingerprint")
        with catalog._writing() as db:
            for n in range(first, last):
                s, at = source_of(n), (EPOCH + timedelta(seconds=n)).isoformat()
                db.execute(
                    "INSERT INTO sources (sha256, id, uri, title, modality, mime, size, recorded_at"
                    ", recorded_ts, ingested_at, state, stage, progress, segments, model, pipeline"
                    ", folded) VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?, ?, 'ready', 'done', 1, ?, ?, ?, ?"
                    ")",
                    (s.sha256, s.id, s.uri, s.title, s.modality, s.mime, at, n, at, segments,
                     model, PIPELINE, s.title),
                )  # fmt: skip
                db.execute(
                    "INSERT INTO paths (path, sha256, size, mtime_ns, folded)"
                    " VALUES (?, ?, 1, 1, ?)",
                    (s.uri, s.sha256, f"{s.title}.mp4"),
                )
                db.execute(
                    "INSERT INTO collections (name, sha256, ingested_at) VALUES (?, ?, ?)",
                    (collection_of(n, spread), s.sha256, at),
                )


async def fill_index(
    engine: Engine, info: EncoderInfo, first: int, last: int, segments: int, *,
    spread: bool = False,
) -> None:  # fmt: skip
    """Points of those sources: clustered vectors, twenty words each."""
    rng, rnd = np.random.default_rng(first), random.Random(first)
    centres = rng.normal(size=(200, info.dim))
    index = await engine._context.opened_index()
    page: list[Point] = []
    for n in range(first, last):
        source = source_of(n)
        for at in range(segments):
            vector = centres[rng.integers(200)] + 0.6 * rng.normal(size=info.dim)
            vector = (vector / np.linalg.norm(vector)).astype(np.float32)
            text = " ".join(rnd.choices(WORDS, k=20))
            span = Span("second", 10.0 * at, 10.0 * at + 10)
            segment = Segment(source.id, source.modality, Channel.SPEECH, span, text=text,
                              origin="bench")  # fmt: skip
            stored = StoredSegment.of(segment, source, [collection_of(n, spread)])
            page.append(Point(segment.id, vector, bm25.document(text), stored))
        if len(page) >= 500 or n == last - 1:
            await index.upsert(page)
            page = []
    await index.flush()


def _spent() -> tuple[float, float]:
    """CPU seconds so far of this process and of its children, threads included."""
    children = 0.0
    for child in psutil.Process().children(recursive=True):
        times = child.cpu_times()
        children += times.user + times.system
    return time.process_time(), children


async def cost(call: Callable[[int], Awaitable[object]], times: int) -> Cost:
    """The median call of the server; the mean of the children, whose clock is coarse."""
    each = []
    _, before = _spent()
    for n in range(times):
        started = time.process_time()
        await call(n)
        each.append(time.process_time() - started)
    _, after = _spent()
    return Cost(1000 * statistics.median(each), 1000 * (after - before) / times)


async def measure(settings: Settings, folder: Path, size: int) -> tuple[Cost, Cost]:
    """Search, and ingest of one more file, in a library of so many sources."""
    async with await Engine.open(settings) as engine:
        await engine.ready()

        async def search(n: int) -> None:
            found = await engine.search(SearchRequest(f"{WORDS[n]} {WORDS[3 * n]} of clip {n}"))
            if not found.hits:
                sys.exit("a search found nothing: the library was not filled")

        async def ingest(n: int) -> None:
            path = folder / f"note {size} {n}.md"
            path.write_text(f"# Note {n} of {size}\n\nIt says {WORDS[n]} and nothing else.\n")
            status = await engine.ingest(IngestRequest(str(path)))
            if status.state != "ready":
                sys.exit(f"an ingest failed: {status}")

        for warm in range(3):
            await search(100 + warm)
            await ingest(100 + warm)
        return await cost(search, SEARCHES), await cost(ingest, INGESTS)


async def searches_within(settings: Settings) -> dict[str, Cost]:
    """A search by who may see how many of the four collections."""
    found = {}
    async with await Engine.open(settings) as engine:
        await engine.ready()
        for seen in (4, 1, 2):
            bounded = engine.within([collection_of(n, True) for n in range(seen)])

            async def search(n: int, of: EngineApi = bounded) -> None:
                asked = SearchRequest(f"{WORDS[n]} {WORDS[3 * n]} of clip {n}")
                if not (await of.search(asked)).searched_segments:
                    sys.exit("nothing was searched: the library was not filled")

            for warm in range(3):
                await search(100 + warm)
            found[f"sees {seen} of 4"] = await cost(search, SEARCHES)
    return found


async def main(args: argparse.Namespace) -> None:
    """Every size, in one store that grows."""
    with tempfile.TemporaryDirectory(prefix="omni-bench-") as temporary:
        folder = Path(temporary)
        options = {
            "store": str(folder / "store"), "index": args.index, "encoder": "hashing",
            "speech": "off", "screen_text": "off", "sound_tags": "off",
            "decode_stall_s": 300.0,
        }  # fmt: skip
        settings = load(options, environ={})
        info = encoders.describe(settings)
        rows: list[tuple[int, Cost, Cost]] = []
        filled = 0
        if not args.rights:
            print("sources   segments   search: server  children   ingest: server  children"
                  "   ratios")  # fmt: skip
        smallest: dict[str, Cost] = {}
        for size in sorted(args.sources):
            async with await Engine.open(settings) as engine:
                await fill_index(engine, info, filled, size, args.segments, spread=args.rights)
            fill_catalog(settings, filled, size, args.segments, spread=args.rights)
            filled = size
            if args.rights:
                asked = await searches_within(settings)
                smallest = smallest or asked
                for who, spent in asked.items():
                    ratio = spent.server / smallest[who].server
                    print(f"{size:7,} sources, who {who}: {spent.server:.1f} ms, children "
                          f"{spent.children:.1f} ms, {ratio:.2f}x", flush=True)  # fmt: skip
                continue
            search, ingest = await measure(settings, folder, size)
            rows.append((size, search, ingest))
            first = rows[0]
            print(
                f"{size:7,}{size * args.segments:11,}{search.server:14.1f} ms{search.children:7.1f}"
                f" ms{ingest.server:13.1f} ms{ingest.children:7.1f} ms"
                f"   {search.server / first[1].server:.2f}x {ingest.server / first[2].server:.2f}x",
                flush=True,
            )
        if args.json:
            print(json.dumps([(n, vars(s), vars(i)) for n, s, i in rows]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources", type=int, nargs="+", default=[50, 1000, 10_000, 50_000])
    parser.add_argument("--segments", type=int, default=4, help="segments of each source")
    parser.add_argument("--index", default="edge", choices=("edge", "memory"))
    parser.add_argument("--rights", action="store_true", help="by who may see which collections")
    parser.add_argument("--json", action="store_true", help="the figures as JSON at the end")
    asyncio.run(main(parser.parse_args()))
