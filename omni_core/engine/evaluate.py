"""Evaluation of retrieval: ingest a folder, run queries with known answers, report metrics.

A query file is a JSON list of `{"id", "direction", "type", "query", "relevant": [{"item",
"t0"?, "t1"?, "page"?}]}`. `type` is text, or image, audio, video, document when `query` is a
file; items and files are paths relative to the media folder. A hit is right when its span
overlaps the expected interval, or its page equals the expected page.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from omni_core.engine.ingest.jobs import without_subtitle_files
from omni_core.engine.results import IngestRequest, IngestStatus, SearchHit, SearchRequest
from omni_core.errors import BadRequestError
from omni_core.retrieval import metrics

if TYPE_CHECKING:
    from omni_core.engine.api import EngineApi

DEPTH = 20
COLLECTION = "default"


@dataclass(frozen=True, slots=True)
class EvaluationProgress:
    """How far an evaluation is."""

    stage: Literal["ingest", "ask"]
    number: int
    """Of the current file or question, from 1."""
    total: int
    item: str = ""
    """The file, relative to the media folder."""


Progress = Callable[[EvaluationProgress], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Expected:
    """Position of one right answer."""

    item: str
    t0: float | None = None
    t1: float | None = None
    page: int | None = None

    def met_by(self, found: SearchHit, sources: Mapping[str, IngestStatus]) -> bool:
        """Whether a hit is this answer; a copy of the file counts as the file."""
        if self.item not in sources or found.source_id != sources[self.item].source_id:
            return False
        if self.page is not None:
            return found.page == self.page
        if self.t0 is None or found.start_s is None or found.end_s is None:
            return True
        return found.start_s < (self.t1 or float("inf")) and found.end_s > self.t0


@dataclass(frozen=True, slots=True)
class Query:
    """One question and its right answers."""

    id: str
    direction: str
    type: str
    query: str
    relevant: tuple[Expected, ...]


def load_queries(path: str) -> list[Query]:
    """Read a query file. Raises BadRequestError with the entry that is wrong."""
    try:
        data = json.loads(Path(path).expanduser().read_text(encoding="utf-8"))
    except OSError as e:
        raise BadRequestError(f"cannot read {path}: {e.strerror}") from e
    except ValueError as e:
        raise BadRequestError(f"{path} is not JSON: {e}") from e
    queries = []
    for number, entry in enumerate(data if isinstance(data, list) else [data]):
        try:
            relevant = tuple(
                Expected(r["item"], r.get("t0"), r.get("t1"), r.get("page"))
                for r in entry["relevant"]
            )
            queries.append(
                Query(
                    str(entry.get("id", number)), str(entry.get("direction", "all")),
                    str(entry.get("type", "text")), str(entry["query"]), relevant,
                )
            )  # fmt: skip
        except (KeyError, TypeError, AttributeError) as e:
            raise BadRequestError(f"{path}: entry {number} lacks {e}; see `--help`") from e
    return queries


async def evaluate(
    engine: EngineApi, queries_path: str, media_dir: str, progress: Progress | None = None
) -> dict[str, Any]:
    """Ingest the files; run every query in the whole library and in the answer's modality."""
    queries = await asyncio.to_thread(load_queries, queries_path)
    media, files = await asyncio.to_thread(_files, media_dir)
    sources: dict[str, IngestStatus] = {}
    for number, path in enumerate(files, 1):
        item = path.relative_to(media).as_posix()
        if progress is not None:
            await progress(EvaluationProgress("ingest", number, len(files), item))
        sources[item] = await engine.ingest(IngestRequest(str(path), collection=COLLECTION))
    failed = {item: status.error for item, status in sources.items() if status.state != "ready"}
    rows: list[dict[str, Any]] = []
    for number, query in enumerate(queries, 1):
        if progress is not None:
            await progress(EvaluationProgress("ask", number, len(queries)))
        rows.append(await _ask(engine, query, media, sources))
    return {
        "queries": len(queries),
        "files": len(files),
        "failed": failed,
        "whole_library": _by_direction(rows, "whole"),
        "modality_filtered": _by_direction(rows, "filtered"),
        "rows": rows,
    }


def _files(folder: str) -> tuple[Path, list[Path]]:
    media = Path(folder).expanduser().resolve()
    if not media.is_dir():
        raise BadRequestError(f"{media} is not a folder")
    found = sorted(
        str(p)
        for p in media.rglob("*")
        if p.is_file() and p.suffix != ".json" and not p.name.startswith(".")
    )
    return media, [Path(p) for p in without_subtitle_files(found)]


async def _ask(
    engine: EngineApi, query: Query, media: Path, sources: Mapping[str, IngestStatus]
) -> dict[str, Any]:
    row: dict[str, Any] = {"id": query.id, "direction": query.direction, "query": query.query}
    found = (sources[e.item].modality for e in query.relevant if e.item in sources)
    modalities = tuple(sorted({m for m in found if m is not None}))
    for name, only in (("whole", ()), ("filtered", modalities)):
        request = SearchRequest(
            query=query.query if query.type == "text" else "",
            path=str(media / query.query) if query.type != "text" else "",
            same_source=query.type == "text",
            modality=only,
            collection=COLLECTION,
            limit=DEPTH,
        )
        hits = (await engine.search(request)).hits
        gains = _gains(query.relevant, hits, sources)
        row[name] = metrics.of_ranking(gains, len(query.relevant))
        if name == "whole":
            row["top"] = [f"{h.cite} ({h.match})" for h in hits[:3]]
            row["rank"] = next((i for i, g in enumerate(gains, 1) if g), None)
    return row


def _gains(
    relevant: Sequence[Expected], hits: Sequence[SearchHit], sources: Mapping[str, IngestStatus]
) -> list[bool]:
    """For each hit whether it is a right answer that no earlier hit was."""
    left = list(relevant)
    gains = []
    for hit in hits:
        met = next((e for e in left if e.met_by(hit, sources)), None)
        gains.append(met is not None)
        if met is not None:
            left.remove(met)
    return gains


def _by_direction(rows: Sequence[Mapping[str, Any]], name: str) -> dict[str, dict[str, float]]:
    groups: dict[str, list[metrics.Scores]] = defaultdict(list)
    for row in rows:
        groups[row["direction"]].append(row[name])
        groups["all"].append(row[name])
    return {d: metrics.mean(scores) for d, scores in sorted(groups.items())}
