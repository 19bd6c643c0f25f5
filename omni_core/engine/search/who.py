"""Who says the words of a hit."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace

from omni_core.engine.context import Context
from omni_core.engine.describe import cite
from omni_core.engine.opening.speaking import Speaking, with_speakers
from omni_core.engine.opening.transcript import lines
from omni_core.engine.results import Line, SearchHit
from omni_core.engine.search.format import SNIPPET_WORDS, speaking
from omni_core.engine.search.question import Question
from omni_core.evidence.snippet import snippet
from omni_core.points import Point
from omni_core.retrieval.moments import Moment
from omni_core.types import Channel, Span

AROUND_S = 30.0
"""Seconds around a moment whose turns are looked up."""


async def with_who_says_it(
    context: Context,
    hits: Sequence[SearchHit],
    moments: Sequence[Moment],
    question: Question,
    duplicates: Collection[str] = (),
) -> list[SearchHit]:
    """The hits of these moments with the speakers of their words.

    Where the question asks what somebody said, a hit is cut to what that person says in it.
    `duplicates`: ids of sources whose title is not unique.
    """
    speakers = await asyncio.to_thread(
        context.catalog.speakers, {h.source_id for h in hits if h.start_s is not None}
    )
    found = []
    for hit, moment in zip(hits, moments, strict=True):
        said = _said(moment)
        if said is None or hit.source_id not in speakers:
            found.append(hit)
            continue
        first, last = said.start - AROUND_S, said.end + AROUND_S
        turns = await asyncio.to_thread(context.catalog.turns, hit.source_id, first, last)
        speaking = Speaking(turns, speakers[hit.source_id])
        parts = with_speakers((said,), speaking)
        ambiguous = hit.source_id in duplicates
        found.append(_with_speaker(hit, parts, question, ambiguous=ambiguous))
    return found


def _said(moment: Moment) -> Line | None:
    """The spoken words that a hit shows; None where it shows others."""
    shown = speaking(moment)
    if shown is None or shown.stored.channel is not Channel.SPEECH:
        return None
    (line, *_) = lines([Point(shown.id, None, None, shown.stored)]) or (None,)
    return line if line is not None and line.axis == "second" else None


def _with_speaker(
    hit: SearchHit, parts: Sequence[Line], question: Question, *, ambiguous: bool
) -> SearchHit:
    who = question.spoken_by
    if who is not None and who.asked:
        own = [part for part in parts if part.speaker == who.name]
        if own:
            span = Span("second", own[0].start, own[-1].end)
            return replace(
                hit,
                speaker=who.name,
                text=snippet(" ".join(p.text for p in own), question.words, SNIPPET_WORDS),
                start_s=round(span.start, 2),
                end_s=round(span.end, 2),
                cite=cite(hit.title, hit.modality, span, hit.source_id if ambiguous else ""),
            )
    quoted = hit.text.strip("… ")
    inside = [p for p in parts if quoted and quoted in p.text] or parts
    named = dict.fromkeys(p.speaker for p in inside if p.speaker)
    return replace(hit, speaker=", ".join(named))
