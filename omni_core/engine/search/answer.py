"""The result of a search: the moments of one page as hits, and a note."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from omni_core.engine.context import Context
from omni_core.engine.results import SearchHit, SearchRequest, SearchResult
from omni_core.engine.search.format import format_hit, speaking
from omni_core.engine.search.known import require_all
from omni_core.engine.search.question import Question
from omni_core.engine.search.scope import Scope
from omni_core.engine.search.who import with_who_says_it
from omni_core.retrieval.fusion import Candidate
from omni_core.retrieval.moments import Moment
from omni_core.stages import staged
from omni_core.text import language
from omni_core.types import FILE_TIME

REPORTED_WAIT_S = 1.0


@staged("search.answer")
async def answer(
    context: Context,
    request: SearchRequest,
    question: Question,
    scope: Scope,
    page: Sequence[Moment],
    rejected: Sequence[Moment],
    offset: int,
    *,
    among: Sequence[Moment] = (),
) -> SearchResult:
    """The hits of a page; for an empty page also the best moment that was rejected.

    Raises UnknownSourcesError where the catalog does not know the source of one, with those of
    `among` that it does not know either; on a later page where it does not know one of these, since
    the pages before were made without it.
    """
    nearest = rejected[:1] if not page else []
    named = {m.source_id for m in (*page, *nearest)}
    named |= {source_id for m in page for source_id, _ in m.also_at}
    others = {m.source_id for m in among}
    asked = named | others if offset else named
    rows, duplicates = await asyncio.to_thread(
        lambda: (context.catalog.get_many(asked), context.catalog.with_duplicate_title(named))
    )
    await require_all(context, rows, asked, others)
    shown = await _with_whole_payloads(context, [*page, *nearest])
    formatted = [format_hit(m, rows, question.words, duplicates) for m in shown]
    formatted = await with_who_says_it(context, formatted, shown, question, duplicates)
    hits = tuple(formatted[: len(page)])
    near = formatted[-1] if nearest else None
    return SearchResult(
        hits=hits,
        searched_sources=scope.sources,
        searched_segments=scope.segments,
        when_resolved=scope.when_resolved,
        note="; ".join(
            note
            for note in (
                _language_note(context, question),
                _absence_note(question),
                _note(request, question, hits, near, offset),
            )
            if note
        ),
        nearest=near,
    )


async def _with_whole_payloads(context: Context, moments: Sequence[Moment]) -> list[Moment]:
    """The moments, every field of the segment whose words are shown in its payload: a search leaves
    out the places of words (`payload.SHOWN_ONLY`)."""
    said = [speaking(moment) for moment in moments]
    missing = [m.id for m in said if m is not None and not m.whole]
    if not missing:
        return list(moments)
    index = await context.opened_index()
    stored = {p.id: p.stored for p in await index.get(missing)}

    def completed(member: Candidate) -> Candidate:
        found = stored.get(member.id)
        return member if found is None else member._replace(stored=found, whole=True)

    return [replace(m, members=tuple(completed(one) for one in m.members)) for m in moments]


def _language_note(context: Context, question: Question) -> str:
    if not question.unread_language:
        return ""
    read = ", ".join(sorted(language.name(code) for code in context.info.languages))
    return (
        f"the question seems to be in {language.name(question.unread_language)}, which the model "
        f"does not read, so that only words that stand in the evidence count: ask in {read}"
    )


def _absence_note(question: Question) -> str:
    if not question.absent_words:
        return ""
    return "no text that was searched holds the rare words of the question: likeness is no answer"


def _note(
    request: SearchRequest,
    question: Question,
    hits: Sequence[SearchHit],
    nearest: SearchHit | None,
    offset: int,
) -> str:
    if hits:
        notes = []
        if question.spoken_by is not None:
            notes.append("what the speaker whom the question names says comes first")
        if request.when and any(h.recorded_at_from == FILE_TIME for h in hits):
            notes.append(
                f"a date from {FILE_TIME!r} says when the file last changed, "
                "not when it was recorded"
            )
        if all(h.match == "weak" for h in hits):
            notes.append("only weak matches: treat them as leads, not as evidence")
        if question.waited_s >= REPORTED_WAIT_S:
            notes.append(
                f"waited {question.waited_s:.0f} s for the models to load; the next is fast"
            )
        return "; ".join(notes)
    if offset:
        return "no more results"
    if nearest is not None:
        return "nothing matches well enough; the nearest is shown, and is probably not it"
    limits = {"when": request.when, "source": request.source, "modality": request.modality}
    set_ = [name for name, value in limits.items() if value]
    if set_:
        return f"nothing found within {' and '.join(set_)}; try without"
    return "nothing found; try other words"
