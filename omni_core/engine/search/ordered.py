"""Searches that ask for order: after or before a moment, the first or last time, how often.

SearchRequest -> Reading -> Window* (the moments that are referred to) -> what lies in them, or the
episodes of the whole library -> SearchHit*. Any other question goes to `pipeline.search`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from omni_core import cursors
from omni_core.engine.context import Context
from omni_core.engine.results import SearchRequest, SearchResult
from omni_core.engine.search import pipeline
from omni_core.engine.search.answer import answer
from omni_core.engine.search.known import rows_of, with_known_sources
from omni_core.engine.search.parts import asked_part, graded_part
from omni_core.engine.search.question import Question
from omni_core.engine.search.scope import Scope, scope_of, searched_collection
from omni_core.engine.search.windows import described, near_points, windows_of
from omni_core.evidence.citation import same_title
from omni_core.payload import of_sources
from omni_core.query import Filter
from omni_core.retrieval import moments
from omni_core.retrieval.duplicates import fold_duplicates
from omni_core.retrieval.fusion import STOP_WORDS, Candidate
from omni_core.retrieval.moments import Moment
from omni_core.retrieval.ordering import episodes, timeline
from omni_core.retrieval.ordering.naming import named_sources
from omni_core.retrieval.ordering.reading import Reading, read, sought
from omni_core.retrieval.ordering.timeline import Placed, Window
from omni_core.text import bm25
from omni_core.text.tokens import words
from omni_core.types import FILE_TIME

NAMES = 8
"""Parts of a question that are looked up as names of sources."""
PARTS = 6
"""Parts of a source that are shown after or before one moment."""


async def search(context: Context, request: SearchRequest) -> SearchResult:
    """The answer to any search; to one of order with `read_as`, and `count` where it counts.

    Raises BadRequestError or NotFoundError for an invalid request.
    """
    return await with_known_sources(_answered, context, request)


async def _answered(
    context: Context, request: SearchRequest, without: Collection[str]
) -> SearchResult:
    reading = await asyncio.to_thread(_reading_of, request)  # up to 50 ms for odd questions
    if reading is None:
        return await pipeline.search(context, request, without)
    offset = pipeline.checked_offset(request)
    asked, reading = await _within_named(context, request, reading)
    scope = (await scope_of(context, asked)).without_sources(tuple(without))
    found = await _found(context, asked, reading, scope)
    if found is None:
        result = await pipeline.search(context, request, without)
        return replace(result, note="; ".join(filter(None, (_not_found(reading), result.note))))
    page, more = moments.page(found.ranked, offset, request.limit, len(found.ranked) or 1)
    following = cursors.encode(str(offset + len(page)), pipeline.identity(request)) if more else ""
    result = await answer(
        context, request, found.question, scope, page, (), offset, among=found.ranked
    )
    return replace(
        result,
        next_cursor=following,
        read_as=found.read_as,
        count=found.count,
        at_least=found.at_least,
    )


def _reading_of(request: SearchRequest) -> Reading | None:
    """What order the words or the parameters of a request ask for; None for none."""
    if not request.query.strip():
        return None
    said = read(request.query)
    pick = "count" if request.count else request.order if request.order in _PICKS else None
    if request.after or request.before:
        plain = said if said is not None and said.relation is None else sought(request.query)
        return replace(plain, pick=pick or plain.pick, close=False, sure=True)  # type: ignore[arg-type]
    if pick is None:
        return said
    asked = said or replace(sought(request.query), sure=True)
    if not (asked.sought or asked.relation):
        asked = replace(asked, sought=request.query.strip())
    return replace(asked, pick=pick)  # type: ignore[arg-type]


_PICKS = ("first", "last")


async def _within_named(
    context: Context, request: SearchRequest, reading: Reading
) -> tuple[SearchRequest, Reading]:
    """The request within the source that its question names ("... in album.mp4"), and its reading
    without that name; unchanged where it names none."""
    if request.source or request.after or request.before:
        return request, reading
    named_in_question = await asyncio.to_thread(
        lambda: [*islice(named_sources(request.query), NAMES)]
    )
    collection = searched_collection(context, request)
    for named in named_in_question:
        rows = await asyncio.to_thread(context.catalog.find, named.name, collection)
        if len(rows) != 1 or not (named.is_kind or same_title(rows[0].title, named.name)):
            continue
        narrowed = replace(request, query=named.rest, source=rows[0].id)
        again = await asyncio.to_thread(_reading_of, narrowed)
        if again is None and reading.relation in ("start", "end"):
            return replace(narrowed, query=request.query), reading
        if again is not None and (again.relation, again.pick) == (reading.relation, reading.pick):
            return narrowed, again
    return request, reading


@dataclass(frozen=True, slots=True)
class _Found:
    """The moments that answer, in order, and how the question was read."""

    ranked: Sequence[Moment]
    read_as: str
    question: Question
    count: int | None = None
    at_least: bool = False


async def _found(
    context: Context, request: SearchRequest, reading: Reading, scope: Scope
) -> _Found | None:
    """None where the moment that is referred to is not found, or where words that may mean
    something else find nothing that way."""
    windows: list[Window] | None = None
    if reading.relation or request.after or request.before:
        windows = await windows_of(context, request, reading, scope)
        if not windows or not (reading.close or any(w.match != "weak" for w in windows)):
            return None
    if not reading.sought and not reading.pick:
        assert windows is not None  # noqa: S101 - a reading seeks something, or refers to something
        ranked = timeline.together(await _parts(context, reading, windows))
        question = Question((), request.query)
        return _Found(ranked, await described(context, reading, windows), question)
    question = await asked_part(context, reading.sought or request.query, request)
    candidates, outliers = await _graded(context, request, question, scope, windows)
    if reading.pick:
        return await _picked(context, reading, question, windows, candidates, outliers)
    assert windows is not None  # noqa: S101 - as above
    placed = [
        p for w in windows for p in timeline.matching(
            w, moments.merge_neighbours(_inside(candidates, w)), close=reading.close
        )
    ]  # fmt: skip
    well = any(p.moment.match != "weak" for p in placed)
    if not reading.sure and not well:
        return None
    if reading.close or not well:
        nearest = await _parts(context, reading, windows)
        placed += [replace(p, value=p.value * timeline.NEXT_GRADE) for p in nearest]
    return _Found(timeline.together(placed), await described(context, reading, windows), question)


async def _graded(
    context: Context,
    request: SearchRequest,
    question: Question,
    scope: Scope,
    windows: Sequence[Window] | None,
) -> tuple[list[Candidate], frozenset[str]]:
    """The candidates above the lowest threshold, and the ids of those that stand out; with windows
    only those of their sources."""
    if windows is not None:
        ids = sorted({w.source_id for w in windows})
        only = Filter((*scope.filter.must, of_sources(ids)), scope.filter.must_not)
        scope = replace(scope, filter=only)
    accepted, found = await graded_part(context, question, scope, request)
    return accepted, episodes.outliers_of(found)


def _inside(candidates: Sequence[Candidate], window: Window) -> list[Candidate]:
    """The candidates in a window, none graded higher than it."""
    return [
        _no_surer(c, window)
        for c in candidates
        if c.stored.source_id == window.source_id and window.distance(c.stored.span) is not None
    ]


def _no_surer(candidate: Candidate, window: Window) -> Candidate:
    lower = timeline.GRADES[window.match] < timeline.GRADES[candidate.match]
    return candidate.graded(window.match) if lower else candidate


async def _parts(context: Context, reading: Reading, windows: Sequence[Window]) -> list[Placed]:
    """What lies right after, or right before, whatever it is; the moment that is referred to
    itself where nothing does."""
    placed: list[Placed] = []
    itself: list[Placed] = []
    for window in windows:
        points = await near_points(context, window)
        parts = timeline.parts(points, reading.channels, reading.unit, window.match)
        placed += timeline.next_parts(window, parts, PARTS)
        here = timeline.at_reference(window, parts)
        share = 0.0 if reading.unit else timeline.AT_REFERENCE[window.reference.axis]
        placed += [replace(p, value=p.value * share) for p in here if share]
        itself += here
    return placed or itself


async def _picked(
    context: Context,
    reading: Reading,
    question: Question,
    windows: Sequence[Window] | None,
    candidates: list[Candidate],
    outliers: frozenset[str],
) -> _Found | None:
    """The episodes of what is sought, in time, and their number."""
    if windows is not None:
        candidates = list({c.id: c for w in windows for c in _inside(candidates, w)}.values())
    literal = _literal(question.words if question.spoken_by else reading.sought, candidates)
    clear = episodes.clear(
        candidates,
        channels=reading.channels,
        literal=literal,
        outliers=outliers,
    )
    if not clear.candidates:
        return None
    ranked, less = await _in_time(context, reading, clear)
    where = f", {await described(context, reading, windows)}" if windows else ""
    what = f"“{reading.sought}”{where}"
    if reading.pick != "count":
        then = f"; the last {len(less)} are less sure" if less else ""
        read_as = f"the {reading.pick} time of {what} in order of time{then}"
        return _Found([*ranked, *less], read_as, question)
    full = len(candidates) >= pipeline.PREFETCH_LIMIT
    counted = clear.sure or clear.stands_out
    certain = bool(literal) or any(c.match == "strong" for c in clear.candidates)
    return _Found(
        ranked,
        f"how often {what}: distinct moments whose match is good enough"
        + ("" if counted else "; none is, those shown are doubtful"),
        question,
        count=len(ranked) if counted else 0,
        at_least=counted and (full or not (clear.sure and certain) or bool(less)),
    )


async def _in_time(
    context: Context, reading: Reading, clear: episodes.Clear
) -> tuple[list[Moment], list[Moment]]:
    """The distinct episodes by time, and the doubtful ones beside them."""
    by_score = sorted(episodes.episodes(clear.candidates), key=lambda m: -m.score)
    vectors = await pipeline.vectors_of(context, [m.best for m in by_score])
    distinct = fold_duplicates(by_score, vectors)
    copies = {(source_id, span) for m in distinct for source_id, span in m.also_at}
    taken = [(m.source_id, m.span) for m in distinct] + sorted(copies)
    less = [
        m
        for m in episodes.episodes(clear.doubtful)
        if not any(source == m.source_id and span.overlaps(m.span) for source, span in taken)
    ]
    ids = {m.source_id for m in (*distinct, *less)}
    rows = await rows_of(context, ids)
    dated = {i: row.recorded_at_from not in ("", FILE_TIME) for i, row in rows.items()}
    last = reading.pick == "last"
    return (
        episodes.in_time(distinct, dated, latest_first=last),
        episodes.in_time(less, dated, latest_first=last),
    )


def _literal(text: str, candidates: Sequence[Candidate]) -> frozenset[str]:
    """Ids of the candidates whose text holds every word that is sought."""
    wanted = {t for w in words(text) if w not in STOP_WORDS for t in bm25.terms(w)}
    if not wanted:
        return frozenset()
    return frozenset(c.id for c in candidates if wanted <= set(bm25.terms(c.stored.text)))


def _not_found(reading: Reading) -> str:
    """Why a question of order was answered by its words alone; "" where there is nothing to say."""
    if not reading.sure:
        return ""
    if not reading.references:
        return f"no moment of “{reading.sought}” matches well enough to be ordered or counted"
    named = " and ".join(f"“{r.phrase or 'the source'}”" for r in reading.references)
    return f"{named} was not found as a moment, so the whole question was searched for instead"
