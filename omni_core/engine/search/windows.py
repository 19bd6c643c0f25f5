"""Finds the moments that a question of order refers to, and the windows after or before them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from omni_core.engine.context import Context
from omni_core.engine.describe import cite
from omni_core.engine.refs import Target, points_of, resolve
from omni_core.engine.results import SearchRequest, SourceRow
from omni_core.engine.search.known import rows_of
from omni_core.engine.search.parts import asked_part, graded_part
from omni_core.engine.search.scope import Scope, searched_collection
from omni_core.errors import BadRequestError
from omni_core.payload import of_modalities
from omni_core.points import Point
from omni_core.query import Filter
from omni_core.retrieval import moments
from omni_core.retrieval.moments import Moment
from omni_core.retrieval.ordering import episodes, timeline
from omni_core.retrieval.ordering.reading import Reading, Reference
from omni_core.retrieval.ordering.timeline import Side, Window
from omni_core.types import Channel, Match, Modality, Span

MOST = 3
"""Places that a reference may mean: what follows each of them is shown."""
LESS_LIKELY = 4.0
"""Exponent on the score of a place relative to the best one: one of 0.8 counts for 0.4."""
REACH = {"second": 300.0, "page": 6.0, "char": 12_000.0}
"""How far beyond a moment its neighbours are looked for."""
AROUND_S = 120.0
"""How far around a moment shots may show the same slide."""
_IN_ORDER = (Modality.VIDEO, Modality.AUDIO, Modality.DOCUMENT)
"""Kinds of sources that have a before and an after in them."""


async def windows_of(
    context: Context, request: SearchRequest, reading: Reading, scope: Scope
) -> list[Window]:
    """The windows that a request asks for, the likeliest first; none when the moment that it
    refers to is not found.

    Raises BadRequestError for a ref that is no moment.
    """
    if request.after or request.before:
        return [await _given(context, request)]
    if reading.relation in ("start", "end"):
        return await _edges(context, request, reading, scope)
    scope = _of_kinds(scope, _kinds(reading))
    found = [await _places(context, r, scope, request) for r in reading.references]
    if reading.relation == "between":
        return _between(*found)
    side: Side = "before" if reading.relation == "before" else "after"
    return _weighted([(m, Window(m.source_id, m.span, side, m.match)) for m in found[0]])


async def near_points(context: Context, window: Window) -> list[Point]:
    """The stored segments of a window, as far as they are near to what it is counted from."""
    row = await _row(context, window.source_id)
    at, reach = window.reference, REACH[window.reference.axis]
    if window.until is not None:
        span = Span(at.axis, at.start, window.until.end)
    elif window.side == "after":
        span = Span(at.axis, max(0.0, at.start), at.end + reach)
    else:
        span = Span(at.axis, max(0.0, at.start - reach), at.end)
    return await points_of(context, Target(row, span))


async def described(context: Context, reading: Reading, windows: Sequence[Window]) -> str:
    """`right after “corals” at [Slides @ 0:06.0-0:12.0] (strong)`."""
    rows = await rows_of(context, {w.source_id for w in windows})

    def at(window: Window, span: Span | None) -> str:
        row = rows[window.source_id]
        return cite(row.title, row.modality, span)

    phrases = [f"“{r.phrase}” at " if r.phrase else "" for r in reading.references] or ["", ""]
    if reading.relation in ("start", "end"):
        edge = "beginning" if reading.relation == "start" else "end"
        return f"at the {edge} of {at(windows[0], None)}"
    first = windows[0]
    if first.until is not None:
        both = f"{phrases[0]}{at(first, first.reference)} and {phrases[1]}{at(first, first.until)}"
        return f"between {both} ({first.match})"
    places = ", or ".join(f"{at(w, w.reference)} ({w.match})" for w in windows)
    return f"{'right ' if reading.close else ''}{first.side} {phrases[0]}{places}"


async def _given(context: Context, request: SearchRequest) -> Window:
    """The window of refs in the request."""
    after = await _reference(context, request.after) if request.after else None
    before = await _reference(context, request.before) if request.before else None
    if after is None:
        assert before is not None  # noqa: S101 - one of them is given
        return Window(before[0].id, before[1], "before", "strong")
    if before is not None and before[0].id != after[0].id:
        raise BadRequestError("after and before are moments of two sources; give two of one")
    return Window(after[0].id, after[1], "after", "strong", until=before[1] if before else None)


async def _reference(context: Context, ref: str) -> tuple[SourceRow, Span]:
    target = await resolve(context, ref)
    if target.span is None or target.row.modality is Modality.IMAGE:
        raise BadRequestError(
            f"{ref[:60]} is no moment: give a seg_ id, src_…@83.5 or src_…#p12 of a film, "
            "recording or document"
        )
    return target.row, target.span


async def _row(context: Context, source_id: str) -> SourceRow:
    return (await rows_of(context, (source_id,)))[source_id]


def _kinds(reading: Reading) -> Sequence[Modality]:
    """The kinds of sources in which a question looks for what it refers to."""
    if reading.only_films:
        return (Modality.VIDEO,)
    return (Modality.DOCUMENT,) if reading.unit == "page" else _IN_ORDER


def _of_kinds(scope: Scope, kinds: Sequence[Modality]) -> Scope:
    must = (*scope.filter.must, of_modalities(kinds))
    return replace(scope, filter=Filter(must, scope.filter.must_not))


async def _places(
    context: Context, reference: Reference, scope: Scope, request: SearchRequest
) -> list[Moment]:
    """The moments that a reference may mean, best first, each as long as what it shows."""
    question = await asked_part(context, reference.words, request)
    accepted, _ = await graded_part(context, question, scope, request)
    meant = [c for c in accepted if c.stored.channel in reference.channels and c.match != "weak"]
    chosen = meant or accepted
    if reference.pick:
        clear = episodes.clear(chosen)
        last = reference.pick == "last"
        places = episodes.in_time(episodes.episodes(clear.candidates), {}, latest_first=last)[:1]
    else:
        places = moments.merge_neighbours(chosen)[:MOST]
    best = max((m.match for m in places), key=_rank, default="weak")
    places = [m for m in places if m.match == best or m.match != "weak"]
    seen = bool(reference.channels & {Channel.VISUAL})
    return [await _whole(context, m, seen=seen) for m in places]


def _rank(match: Match) -> float:
    return timeline.GRADES[match]


async def _whole(context: Context, moment: Moment, *, seen: bool) -> Moment:
    """The moment with the span of its shot, where it is one of pictures."""
    shown = moment.best.stored.channel in (Channel.VISUAL, Channel.SCREEN_TEXT)
    span = moment.span
    if span.axis != "second" or not (seen or shown):
        return moment
    row = await _row(context, moment.source_id)
    around = Span("second", max(0.0, span.start - AROUND_S), span.end + AROUND_S)
    points = await points_of(context, Target(row, around))
    return replace(moment, span=timeline.extent(span, points))


def _weighted(found: Sequence[tuple[Moment, Window]]) -> list[Window]:
    """The windows with their weights, each place once."""
    kept: list[Window] = []
    best = max((m.score for m, _ in found), default=0.0) or 1.0
    for moment, window in found:
        if any(w.source_id == window.source_id and w.reference == window.reference for w in kept):
            continue
        share = max(0.0, moment.score / best)
        kept.append(replace(window, weight=share**LESS_LIKELY))
    return kept


def _between(first: Sequence[Moment], second: Sequence[Moment]) -> list[Window]:
    """The windows between two references in one source, whichever comes first in it."""
    pairs: list[tuple[Moment, Window]] = []
    for a in first:
        for b in second:
            if a.source_id != b.source_id or a.span.overlaps(b.span) or a.span.axis != b.span.axis:
                continue
            early, late = sorted((a.span, b.span))
            match = min(a.match, b.match, key=_rank)
            sure = a if a.score < b.score else b
            pairs.append((sure, Window(a.source_id, early, "after", match, until=late)))
    pairs.sort(key=lambda pair: -pair[0].score)
    return _weighted(pairs[:MOST])


async def _edges(
    context: Context, request: SearchRequest, reading: Reading, scope: Scope
) -> list[Window]:
    """The beginning or the end of the source that is meant; none when that is not known."""
    known = await _source(context, request, reading, scope)
    if known is None:
        return []
    row, match = known
    if row.duration_s:
        length, axis = row.duration_s, "second"
    elif row.pages:
        length, axis = row.pages + 1.0, "page"
    else:
        points = await points_of(context, Target(row))
        length, axis = max((p.stored.span.end for p in points), default=0.0), "char"
    if reading.relation == "start":
        edge = 1.0 if axis == "page" else 0.0
        return [Window(row.id, Span(axis, edge, edge), "after", match)]  # type: ignore[arg-type]
    return [Window(row.id, Span(axis, length, length), "before", match)]  # type: ignore[arg-type]


async def _source(
    context: Context, request: SearchRequest, reading: Reading, scope: Scope
) -> tuple[SourceRow, Match] | None:
    """The source whose beginning or end is asked for: the one that the request names, that the
    question names, or the only one that there is of its kind; else that which answers best."""
    (reference,) = reading.references
    named = [request.source] if request.source and not reference.words else []
    named += [name for name in (reference.phrase, reference.words) if len(name) > 2]
    collection = searched_collection(context, request)
    for name in named:
        rows = await asyncio.to_thread(context.catalog.find, name.strip('"“”'), collection)
        if len(rows) == 1:
            return rows[0], "strong"
    kinds = _kinds(reading)
    rows, total, _ = await asyncio.to_thread(
        lambda: context.catalog.list(collection=collection, limit=200)
    )
    of_kind = [r for r in rows if r.modality in kinds]
    if not reference.words:
        return (of_kind[0], "strong") if total == len(rows) and len(of_kind) == 1 else None
    places = await _places(context, reference, _of_kinds(scope, kinds), request)
    if not places or places[0].match == "weak":
        return None
    return await _row(context, places[0].source_id), places[0].match
