"""Questions of order ("right after", "the last time") and of count ("how often"), measured.

    python bench/order.py [--half tuning|held] [--questions FILE] [--media FOLDER] [--show]

Makes films, a recording and a document (`order_films.py`), ingests each half into a library of its
own and asks `order_questions.json`: the format of `omni-mcp eval`, with `type` order or count. An
order question is right where one of the first three moments is the one that is meant; a count is
right where the number is, and each of the moments is cited. A number that is "at least" right is
told apart. Encoder and readers are those of the settings (`OMNI_...`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPO))

from bench import order_films  # noqa: E402
from omni_core import Engine, IngestRequest, SearchRequest  # noqa: E402
from omni_core.engine.evaluation.judging import meets  # noqa: E402
from omni_core.engine.evaluation.questions import Expected  # noqa: E402
from omni_core.settings import load  # noqa: E402

FIRST = 3


async def measure(half: str, questions: list[dict[str, Any]], media: Path, show: bool) -> None:
    """Ingest one half, ask its questions, print what is right."""
    with tempfile.TemporaryDirectory() as store:
        engine = await Engine.open(load({"store": store}))
        try:
            await _ask_all(engine, half, questions, media, show)
        finally:
            await engine.close()


async def _ask_all(
    engine: Engine, half: str, questions: list[dict[str, Any]], media: Path, show: bool
) -> None:
    sources = {}
    for path in await asyncio.to_thread(_files, media):
        status = await engine.ingest(IngestRequest(str(path)))
        sources[path.relative_to(media).as_posix()] = status
    right: dict[str, list[bool]] = {"order": [], "count": []}
    times = []
    for asked in questions:
        expected = [
            Expected(r["item"], r.get("t0"), r.get("t1"), r.get("page")) for r in asked["relevant"]
        ]
        started = time.perf_counter()
        result = await engine.search(SearchRequest(asked["query"], limit=20))
        times.append(time.perf_counter() - started)
        if asked["type"] == "order":
            good = any(meets(h, e, sources) for h in result.hits[:FIRST] for e in expected)
        else:
            cited = all(any(meets(h, e, sources) for h in result.hits) for e in expected)
            good = getattr(result, "count", None) == len(expected) and cited
        right[asked["type"]].append(good)
        if show and not good:
            print(f"- {asked['id']} {asked['query']}")
            print(f"    read as: {getattr(result, 'read_as', '')} {result.note}")
            print(f"    count: {getattr(result, 'count', None)} of {len(expected)}")
            for hit in result.hits[:5]:
                print(f"    {hit.match:6} {hit.cite} {'+'.join(hit.why)}: {hit.text[:60]}")
    print(
        f"{half}: order {sum(right['order'])} of {len(right['order'])} among the first {FIRST}, "
        f"count {sum(right['count'])} of {len(right['count'])}; "
        f"median {sorted(times)[len(times) // 2] * 1000:.0f} ms"
    )


def _files(media: Path) -> list[Path]:
    found = (p for p in media.rglob("*") if p.suffix not in (".srt", ".json"))
    return sorted(p for p in found if p.is_file())


def main() -> None:
    """Measure the halves that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--half", choices=("tuning", "held"), help="only this one")
    parser.add_argument("--questions", type=Path, default=REPO / "bench" / "order_questions.json")
    parser.add_argument("--media", type=Path, help="a folder of yours, for --questions of yours")
    parser.add_argument("--show", action="store_true", help="print what is wrong")
    args = parser.parse_args()
    questions = json.loads(args.questions.read_text(encoding="utf-8"))
    for half in ("tuning", "held"):
        if args.half not in (None, half):
            continue
        own = [q for q in questions if q.get("half", half) == half]
        with tempfile.TemporaryDirectory() as made:
            media = args.media or Path(made)
            if args.media is None:
                order_films.make(media, half)
            asyncio.run(measure(half, own, media, args.show))
        if args.media is not None:
            break


if __name__ == "__main__":
    main()
