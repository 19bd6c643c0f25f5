"""The search pipeline, from a request to cited moments.

SearchRequest -> Scope and Question -> Prefetch* -> ScoredPoint* -> Candidate* -> Moment*
-> SearchHit*
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from omni_core import cursors
from omni_core.engine.context import Context
from omni_core.engine.refs import Target, is_reference, points_of, resolve
from omni_core.engine.results import SearchRequest, SearchResult
from omni_core.engine.search.answer import answer
from omni_core.engine.search.calibration import (
    aligns,
    calibrated,
    calibrated_thresholds,
    note_growth,
)
from omni_core.engine.search.query_by_example import by_file, by_ref, by_target
from omni_core.engine.search.question import Question, in_words
from omni_core.engine.search.rerank import rerank_moments
from omni_core.engine.search.scope import Scope, scope_of
from omni_core.engine.search.spoken_by import lift
from omni_core.errors import BadRequestError
from omni_core.payload import of_channel
from omni_core.points import ScoredPoint
from omni_core.query import Filter, Prefetch
from omni_core.retrieval import fusion, modality_gap, moments, thresholds
from omni_core.retrieval.duplicates import fold_duplicates, may_repeat
from omni_core.retrieval.fusion import Candidate
from omni_core.retrieval.modality_gap import ModalityGap
from omni_core.retrieval.moments import Moment
from omni_core.retrieval.rows import rows_first
from omni_core.stages import staged
from omni_core.text import bm25, language
from omni_core.text.rarity import rare_terms
from omni_core.types import TextContent, Vector

PREFETCH_LIMIT = 200
"""Points of each prefetch. One moment merges several segments (a shot, its screen text, its
speech), so a page of 20 moments needs many more segments."""
CHANNEL_LEAST = 40
"""Candidates that each channel has at least, where the channels lie apart."""
MAX_LIMIT = 20
"""Most moments of one page."""
COMPARED_FACTOR = 4
"""Moments compared for near-duplicates, as a multiple of those up to the end of the page."""


@staged("search")
async def search(
    context: Context, request: SearchRequest, without: Collection[str] = ()
) -> SearchResult:
    """The moments that answer a question in words, or that are similar to a segment or a file, none
    of the sources `without`.

    Raises BadRequestError or NotFoundError for an invalid request, UnknownSourcesError.
    """
    offset = checked_offset(request)
    scope = await scope_of(context, request)
    question = await _question_of(context, request)
    scope = scope.without_sources((*question.exclude_sources, *without))

    question, candidates = await ranked_candidates(context, question, scope)
    if question.spoken_by is not None:
        candidates = await lift(context, candidates, question.spoken_by)
    candidates = await drop_unwanted(context, request, candidates)
    accepted, below = thresholds.grade(
        candidates,
        context.info,
        example_channels=question.example_channels,
        calibrated=await calibrated_thresholds(context, scope.segments),
        understood=not question.unread_language,
        texts_answer=not question.absent_words,
    )
    by_date = request.order in ("newest", "oldest")
    needs_all = by_date or bool(context.settings.reranker)

    def enough(ranked: Sequence[Moment]) -> bool:
        return not needs_all and moments.page(ranked, offset, request.limit, request.per_source)[1]

    compared = COMPARED_FACTOR * (offset + request.limit)
    ranked = await as_moments(context, accepted, compared=compared, enough=enough)
    reranked = ""
    if context.settings.reranker and question.words and ranked:
        ranked = rows_first(ranked, question.words)
        ranked, reranked = await rerank_moments(context, question.words, ranked)

    if request.order == "newest" or request.order == "oldest":
        ranked = moments.order(ranked, request.order)
    page, more = moments.page(ranked, offset, request.limit, request.per_source)
    page = rows_first(page, question.words)
    following = cursors.encode(str(offset + len(page)), identity(request)) if more else ""
    rejected = [] if page else moments.merge_neighbours(below)
    result = await answer(
        context, request, question, scope, page, rejected, offset, among=[*ranked, *rejected]
    )
    return replace(result, next_cursor=following, second_stage=reranked)


def checked_offset(request: SearchRequest) -> int:
    """The offset of the page. Raises BadRequestError for an invalid request."""
    if not (request.query.strip() or request.ref or request.path):
        raise BadRequestError("the question is empty; say what to look for")
    if not 1 <= request.limit <= MAX_LIMIT or not 1 <= request.per_source <= MAX_LIMIT:
        raise BadRequestError(
            f"limit and per_source go from 1 to {MAX_LIMIT}; page with the cursor"
        )
    return cursors.decode_offset(request.cursor, identity(request))


def identity(request: SearchRequest) -> str:
    """The request without its page: the same for every page of a result."""
    return repr(replace(request, cursor="", limit=0))


@staged("search.question")
async def _question_of(context: Context, request: SearchRequest) -> Question:
    if request.ref:
        return await by_ref(context, request.ref, same_source=request.same_source)
    if request.path:
        return await by_file(
            context, request.path, same_source=request.same_source, links=request.links
        )
    return await in_words(context, request.query.strip())


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The rankings of the index: one by vectors, one by BM25."""

    dense: tuple[ScoredPoint, ...]
    bm25: tuple[ScoredPoint, ...]
    gap: ModalityGap | None = None
    """On whose scale the cosines of `dense` are to be compared."""


@staged("search.retrieve")
async def retrieve(context: Context, question: Question, scope: Scope) -> Retrieved:
    """One call of the index: a prefetch for each vector of the question, and one for its words.

    Where channels may lie apart (`calibration.aligns`), a question in words has a prefetch for each
    channel, so that none is crowded out. The points of the example itself are left out.
    """
    using = "late" if context.info.multi_vector else "dense"
    apart = aligns(context) and bool(question.words) and not question.example_channels
    found = await calibrated(context, scope.segments) if apart else None
    channels = sorted(context.info.channels) if found is not None else []
    filters = [Filter(must=(of_channel(c),)) for c in channels] or [Filter()]
    prefetches = [
        Prefetch(v, using, PREFETCH_LIMIT, one, lean=True)
        for v in question.vectors
        for one in filters
    ]
    dense = len(prefetches)
    lexical = bm25.question(question.words) if question.words else None
    if lexical is not None and lexical.indices:
        prefetches.append(Prefetch(lexical, "bm25", PREFETCH_LIMIT, lean=True))
    if not prefetches:
        return Retrieved((), ())
    index = await context.opened_index()
    who = question.spoken_by
    # what the speaker says may be far from the best of all
    own = [replace(p, filter=who.filter.and_also(p.filter)) for p in prefetches] if who else []
    rankings = await scope.search(index, [*prefetches, *own])
    if own:
        both = zip(rankings[: len(prefetches)], rankings[len(prefetches) :], strict=True)
        rankings = [fusion.merge(pair) for pair in both]
    by_meaning, by_words = rankings[:dense], rankings[dense:]
    note_growth(context, dict(zip(channels, by_meaning, strict=False)))

    def others(ranking: Sequence[ScoredPoint]) -> tuple[ScoredPoint, ...]:
        if not question.example_ids:
            return tuple(ranking)
        return tuple(p for p in ranking if p.id not in question.example_ids)

    gap = found.gap if found is not None else None
    ranked = fusion.merge(by_meaning)
    if channels and question.spoken_by is None:  # whose points may all be far down
        ranked = modality_gap.keep(ranked, gap, limit=PREFETCH_LIMIT, each=CHANNEL_LEAST)
    return Retrieved(others(ranked), others(by_words[0] if by_words else ()), gap)


async def ranked_candidates(
    context: Context, question: Question, scope: Scope
) -> tuple[Question, list[Candidate]]:
    """The fused ranking, best first, and the question with its absent words."""
    candidates, absent = await fuse(question, await retrieve(context, question, scope))
    return replace(question, absent_words=absent), candidates


@staged("search.fuse")
async def fuse(question: Question, found: Retrieved) -> tuple[list[Candidate], tuple[str, ...]]:
    """The fused ranking, best first, and the question's absent words. Runs in a thread: it takes 5
    to 70 ms."""
    return await asyncio.to_thread(_fused, question.words, found)


def _fused(words: str, found: Retrieved) -> tuple[list[Candidate], tuple[str, ...]]:
    rare = rare_terms(words)  # reads the list of common words, once
    ranked = fusion.fuse(
        found.dense, found.bm25, question=words, rare=rare, terms=bm25.terms, gap=found.gap
    )
    return ranked, _absent_words(words, rare, found.bm25)


def _absent_words(
    words: str, rare: tuple[str, ...], found: Sequence[ScoredPoint]
) -> tuple[str, ...]:
    if len(words.split()) == 1 and words.isalpha():
        return ()  # of a single word nobody can tell which language it is in
    if not fusion.stand_nowhere(rare, words, found, terms=bm25.terms):
        return ()
    # the list of common words is good for English; a compound in German is no rare name
    return () if language.outside(words, ("en",)) else rare


@staged("search.unwanted")
async def drop_unwanted(
    context: Context, request: SearchRequest, candidates: list[Candidate]
) -> list[Candidate]:
    """The candidates that are neither covered by `not_like` or `exclude` nor nearer to these than
    to the question.

    `exclude` is text, or a reference like those of `not_like`; segments that a reference covers
    are removed in every channel.
    """
    words = request.exclude.strip()
    refs = [*request.not_like]
    if is_reference(words):
        refs, words = [*refs, words], ""
    unwanted: list[Vector] = []
    if words:
        found = await context.models.questions([TextContent(words)])
        unwanted += [v for v in found if v is not None]
    for ref in refs:
        target = await resolve(context, ref)
        covered = {p.id for p in await points_of(context, Target(target.row, target.span))}
        candidates = [c for c in candidates if c.id not in covered]
        unwanted += (await by_target(context, ref, target, same_source=True)).vectors
    if not unwanted:
        return candidates
    vectors = await vectors_of(context, candidates[:PREFETCH_LIMIT])
    return fusion.exclude(candidates, unwanted, vectors, unwanted_words=words, terms=bm25.terms)


@staged("search.moments")
async def as_moments(
    context: Context,
    accepted: Sequence[Candidate],
    *,
    compared: int,
    enough: Callable[[Sequence[Moment]], bool] = lambda _: False,
) -> list[Moment]:
    """Moments of merged neighbours; near-duplicates among the first `compared` are folded.

    The others are made only where those are not `enough`, or where one of the others may be listed
    as a near-duplicate of them.
    """
    following = moments.best_first(accepted)
    first = [*islice(following, compared)]
    vectors = await vectors_of(context, [m.best for m in first])
    if not may_repeat(first, accepted) and enough(ranked := fold_duplicates(first, vectors)):
        return ranked
    return fold_duplicates([*first, *following], vectors)


async def vectors_of(context: Context, candidates: Sequence[Candidate]) -> Mapping[str, Vector]:
    """Dense vectors by id; none for a multi-vector model."""
    if context.info.multi_vector or not candidates:
        return {}
    index = await context.opened_index()
    return await index.vectors([c.id for c in candidates])
