"""Runs an evaluation: ingest the files, ask every question, judge its hits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from omni_core.engine.evaluation import judging, library, questions, reliability, summary
from omni_core.engine.evaluation.judging import Sources
from omni_core.engine.evaluation.questions import Query
from omni_core.engine.results import SearchHit, SearchRequest
from omni_core.retrieval import metrics

if TYPE_CHECKING:
    from omni_core.engine.api import EngineApi

DEPTH = 20
"""Hits asked for: the most of one page."""
SHOWN = 10
"""Hits whose match, channel and file are reported."""


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


async def evaluate(
    engine: EngineApi,
    queries: str | Sequence[str],
    media_dir: str,
    progress: Progress | None = None,
    *,
    hide_names: bool = False,
) -> dict[str, Any]:
    """Ingest the files; ask every question in the whole library and in the answer's modality.

    `queries` are the paths of files of questions, see `questions`. `hide_names` ingests every file
    under a number, so that file names are no evidence. Returns the report as JSON values:

    | key | what |
    |---|---|
    | queries, files, failed | how many, and the error of each file that could not be ingested |
    | sources | the id of each file's source |
    | whole_library, modality_filtered | means by direction, `all` first among equals; questions without an answer are not counted |
    | languages | the same two for each language |
    | reliability | of the matches called strong, fair and weak, how many are right |
    | answered, unanswerable | what questions with and without an answer in the library get |
    | channels, modalities | shares among the first ten hits, by direction |
    | settings | the model, and what was asked for |
    | rows | each question: its scores, its rank, its first ten hits |

    Raises BadRequestError for wrong files of questions, and as `library.ingest`.
    """  # noqa: E501 - a table
    paths = [queries] if isinstance(queries, str) else list(queries)
    asked = await asyncio.to_thread(questions.load, paths)
    media = await asyncio.to_thread(library.folder, media_dir)

    async def report(stage: Literal["ingest", "ask"], number: int, total: int, item: str) -> None:
        if progress is not None:
            await progress(EvaluationProgress(stage, number, total, item))

    async def before_file(number: int, total: int, item: str) -> None:
        await report("ingest", number, total, item)

    sources = await library.ingest(engine, media, hide_names=hide_names, before_each=before_file)
    items = {s.source_id: item for item, s in reversed(sources.items()) if s.source_id}
    rows = []
    for number, query in enumerate(asked, 1):
        await report("ask", number, len(asked), "")
        rows.append(await _ask(engine, query, media, sources, items))
    status = await engine.status()
    return {
        "queries": len(asked),
        "files": len(sources),
        "failed": {item: s.error for item, s in sources.items() if s.state != "ready"},
        "sources": {item: s.source_id for item, s in sources.items() if s.source_id},
        **summary.means(rows),
        **reliability.summary(rows),
        "settings": {
            "questions": [Path(path).name for path in paths],
            "names_hidden": hide_names,
            "encoder": status["encoder"]["name"],
            "index": status["index"],
            "pipeline": status["pipeline"],
        },
        "rows": rows,
    }


async def _ask(
    engine: EngineApi,
    query: Query,
    media: Path,
    sources: Sources,
    items: dict[str, str],
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": query.id,
        "direction": query.direction,
        "language": query.language,
        "query": query.query,
        "relevant": [expected.facts() for expected in query.relevant],
    }
    hits = await _hits(engine, query, media, ())
    gains = judging.gains(hits, query.relevant, sources)
    row["whole"] = row["filtered"] = asdict(metrics.of_ranking(gains, len(query.relevant)))
    row["top"] = [f"{h.cite} ({h.match})" for h in hits[:3]]
    row["rank"] = next((i for i, gained in enumerate(gains, 1) if gained), None)
    row["hits"] = [
        {
            "ref": h.ref,
            "cite": h.cite,
            "item": items.get(h.source_id, ""),
            "modality": h.modality.value,
            "channel": h.why[0].value,
            "match": h.match,
            "right": judging.right(h, query.relevant, sources),
        }
        for h in hits[:SHOWN]
    ]
    if query.relevant:
        of = (sources[e.item].modality for e in query.relevant if e.item in sources)
        only = tuple(sorted({m for m in of if m is not None}))
        filtered = await _hits(engine, query, media, only)
        found = judging.gains(filtered, query.relevant, sources)
        row["filtered"] = asdict(metrics.of_ranking(found, len(query.relevant)))
    return row


async def _hits(
    engine: EngineApi, query: Query, media: Path, only: Sequence[Any]
) -> tuple[SearchHit, ...]:
    words = query.type == "text"
    request = SearchRequest(
        query=query.query if words else "",
        path="" if words else str(media / query.query),
        same_source=words,
        modality=tuple(only),
        collection=library.COLLECTION,
        limit=DEPTH,
    )
    return (await engine.search(request)).hits
