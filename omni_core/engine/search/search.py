"""Question to moments: vectors, the index's legs, fusion, moments, evidence's format."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from omni_core.engine.context import Context
from omni_core.engine.ingest.points import rfc3339
from omni_core.engine.refs import ambiguous
from omni_core.engine.results import SearchHit, SearchRequest, SearchResult, SourceRow
from omni_core.engine.search import format
from omni_core.engine.search.calibration import bars
from omni_core.engine.search.query_by_example import Example, by_file, by_ref
from omni_core.engine.search.rerank import second_stage
from omni_core.errors import BadRequestError, NotFoundError
from omni_core.query import During, Filter, In, Prefetch
from omni_core.retrieval import fusion, moments, thresholds, when
from omni_core.text import bm25
from omni_core.types import Moment, TextContent, Vector

PREFETCH_LIMIT = 200
"""Candidates of each leg. Several units (a shot, its words, its speech) make one moment, so a
page of 20 moments needs many more units."""


MOST = 20
"""Moments of one answer."""


@dataclass(frozen=True, slots=True)
class _Scope:
    """Where to look, in the store's terms and in words."""

    filter: Filter
    when_resolved: str
    sources: int
    segments: int


async def search(context: Context, request: SearchRequest) -> SearchResult:
    """The moments that answer a question, a picture, a sound or a segment."""
    if not (request.query.strip() or request.ref or request.path):
        raise BadRequestError("the question is empty; say what to look for")
    if not 1 <= request.limit <= MOST or not 1 <= request.per_source <= MOST:
        raise BadRequestError(f"limit and per_source go from 1 to {MOST}; page with the cursor")
    offset = moments.read_cursor(request.cursor, _cursor_key(request))
    scope = await _scope(context, request)
    asked = await _asked(context, request)
    scope = replace(scope, filter=_without(scope.filter, asked.exclude_sources))
    unwanted = await _unwanted(context, request)
    prefetches = [
        Prefetch(v, "late" if context.info.multi_vector else "dense", PREFETCH_LIMIT)
        for v in asked.vectors
    ]
    lexical = bm25.question(asked.words) if asked.words else None
    if lexical is not None and lexical.indices:
        prefetches.append(Prefetch(lexical, "bm25", PREFETCH_LIMIT))
    index = await context.opened_index()
    answers = await index.search(prefetches, filter=scope.filter) if prefetches else []
    dense = fusion.best_of(answers[: len(asked.vectors)])
    words = answers[len(asked.vectors)] if len(answers) > len(asked.vectors) else []
    hits = [h for h in (*dense, *words) if h.id not in asked.ids]
    keep = {h.id for h in hits}
    scored = await asyncio.to_thread(  # reads up to 100 texts: 15 to 70 ms
        fusion.fuse, [h for h in dense if h.id in keep], [h for h in words if h.id in keep],
        question=asked.words, terms=bm25.terms,
    )  # fmt: skip
    if unwanted:
        vectors = await _vectors(context, [s.hit.id for s in scored[:PREFETCH_LIMIT]])
        scored = fusion.exclude(
            scored, unwanted, vectors, words_unwanted=request.exclude, terms=bm25.terms
        )
    good, below = thresholds.judge(
        scored, context.info, example=asked.channels, bars=await bars(context, scope.segments)
    )
    judged, rejected = moments.gather(good), moments.gather(below)
    top = [m.best.id for m in judged[: 4 * (offset + request.limit)]]
    judged = moments.collapse(judged, await _vectors(context, top))
    cost = ""
    if context.settings.reranker and asked.words and judged:
        judged, cost = await second_stage(context, asked.words, judged)
    judged = moments.order(judged, request.order)
    page, more = moments.page(judged, offset, request.limit, request.per_source)
    rows = await _rows(context, page, rejected)
    twins = await asyncio.to_thread(_twins, context, rows)
    shown = tuple(format.found(m, rows, asked.words, twins) for m in page)
    nearest = (
        format.found(rejected[0], rows, asked.words, twins) if not shown and rejected else None
    )
    return SearchResult(
        hits=shown,
        searched_sources=scope.sources,
        searched_segments=scope.segments,
        when_resolved=scope.when_resolved,
        note=_note(request, shown, nearest, offset, asked.waited_s),
        nearest=nearest,
        second_stage=cost,
        next_cursor=moments.write_cursor(offset + len(page), _cursor_key(request)) if more else "",
    )


async def _asked(context: Context, request: SearchRequest) -> Example:
    if request.ref:
        return await by_ref(context, request.ref, same_source=request.same_source)
    if request.path:
        return await by_file(context, request.path, same_source=request.same_source)
    started = time.monotonic()
    loading = (await context.models.status()).encoder == "loading"
    (vector,) = await context.models.questions([TextContent(request.query.strip())])
    waited = time.monotonic() - started if loading else 0.0
    return Example((vector,) if vector is not None else (), request.query.strip(), waited_s=waited)


async def _unwanted(context: Context, request: SearchRequest) -> list[Vector]:
    vectors: list[Vector] = []
    if request.exclude.strip():
        found = await context.models.questions([TextContent(request.exclude.strip())])
        vectors += [v for v in found if v is not None]
    for ref in request.not_like:
        vectors += (await by_ref(context, ref, same_source=True)).vectors
    return vectors


async def _scope(context: Context, request: SearchRequest) -> _Scope:
    catalog = context.catalog
    names = await asyncio.to_thread(catalog.collections)
    if request.collection not in names:
        if not names:
            raise BadRequestError(
                "nothing is ingested yet; ingest_media (or `omni-mcp ingest FILE`) comes first",
                code="EMPTY_INDEX",
            )
        raise NotFoundError(
            f"no collection {request.collection!r}; there are: {', '.join(sorted(names))}",
            code="UNKNOWN_COLLECTION",
        )
    must: list[In | During] = [In("collections", (request.collection,))]
    sources, segments = await asyncio.to_thread(catalog.totals, request.collection)
    if request.modality:
        must.append(In("modality", tuple(m.value for m in request.modality)))
    if request.source:
        row = await one_source(context, request.source, request.collection)
        if row.state in ("queued", "processing") and row.segments == 0:
            raise BadRequestError(
                f"{row.id} is still being ingested ({row.progress:.0%}); ask again shortly",
                code="NOT_READY",
            )
        must.append(In("source_id", (row.id,)))
        sources, segments = 1, row.segments
    resolved = ""
    if request.when:
        zone = await asyncio.to_thread(timezone, context)  # reads the zone's file
        interval = when.parse(request.when, datetime.now(zone), zone)
        resolved = interval.words
        must.append(
            During(
                "recorded_at",
                gte=rfc3339(interval.start) if interval.start else None,
                lt=rfc3339(interval.end) if interval.end else None,
            )
        )
    return _Scope(Filter(must=tuple(must)), resolved, sources, segments)


async def one_source(context: Context, wanted: str, collection: str = "") -> SourceRow:
    """The source with this id, or whose title or file name contains this text."""
    rows = await asyncio.to_thread(context.catalog.find, wanted, collection)
    if not rows:
        raise NotFoundError(
            f"no source matches {wanted!r}; list the sources to see what there is",
            code="UNKNOWN_SOURCE",
        )
    if len(rows) > 1:
        raise ambiguous(wanted, rows)
    return rows[0]


def timezone(context: Context) -> tzinfo:
    """The zone in which "last tuesday" is meant."""
    name = context.settings.timezone
    if not name:
        local = datetime.now().astimezone().tzinfo
        assert local is not None  # noqa: S101 - astimezone sets it
        return local
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as e:
        raise BadRequestError(
            f"the setting timezone={name!r} is not an IANA zone such as Europe/Berlin"
        ) from e


def _without(filter: Filter, sources: Sequence[str]) -> Filter:
    if not sources:
        return filter
    return Filter(filter.must, (*filter.must_not, In("source_id", tuple(sources))))


async def _vectors(context: Context, ids: Sequence[str]) -> Mapping[str, Vector]:
    if not ids or context.info.multi_vector:
        return {}
    index = await context.opened_index()
    points = await index.get(ids, vectors=True)
    return {p.id: p.dense for p in points if p.dense is not None}


async def _rows(
    context: Context, page: Sequence[Moment], rejected: Sequence[Moment]
) -> dict[str, SourceRow]:
    wanted = {m.source_id for m in (*page, *rejected[:1])}
    wanted |= {source for m in page for source, _ in m.also_at}
    rows: dict[str, SourceRow] = {}
    for source_id in wanted:
        row = await asyncio.to_thread(context.catalog.get, source_id)
        if row is not None:
            rows[source_id] = row
    return rows


def _twins(context: Context, rows: Mapping[str, SourceRow]) -> set[str]:
    """Those of the sources whose title another one has too: their citations need the id."""
    return {i for i, row in rows.items() if len(context.catalog.find(row.title)) > 1}


def _cursor_key(request: SearchRequest) -> str:
    return repr(replace(request, cursor="", limit=0))


def _note(
    request: SearchRequest,
    hits: Sequence[SearchHit],
    nearest: SearchHit | None,
    offset: int,
    waited_s: float,
) -> str:
    if hits:
        notes = []
        if all(h.match == "weak" for h in hits):
            notes.append("only weak matches: treat them as leads, not as evidence")
        if waited_s >= 1.0:
            notes.append(f"waited {waited_s:.0f} s for the models to load; the next is fast")
        return "; ".join(notes)
    if offset:
        return "no more results"
    if nearest is not None:
        return "nothing matches well enough; the nearest is shown, and is probably not it"
    limits = [
        n for n, v in (("when", request.when), ("source", request.source),
                       ("modality", request.modality)) if v
    ]  # fmt: skip
    return (
        f"nothing found within {' and '.join(limits)}; try without"
        if limits
        else "nothing found; try other words"
    )
