"""A part of a question of order asked by itself: what is sought, or what it refers to."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from omni_core.engine.context import Context
from omni_core.engine.results import SearchRequest
from omni_core.engine.search import pipeline
from omni_core.engine.search.calibration import calibrated_thresholds
from omni_core.engine.search.question import Question, in_words
from omni_core.engine.search.scope import Scope
from omni_core.engine.search.spoken_by import only_theirs
from omni_core.retrieval import thresholds
from omni_core.retrieval.fusion import Candidate
from omni_core.text import language


async def asked_part(context: Context, words: str, request: SearchRequest) -> Question:
    """The part in words, as a question; its language is that of the whole, since that of two words
    can hardly be told."""
    return await in_words(context, words, whole=request.query)


async def graded_part(
    context: Context, question: Question, scope: Scope, request: SearchRequest
) -> tuple[list[Candidate], list[Candidate]]:
    """The candidates above the lowest threshold, and all that were found. Titles of sources are no
    moments and left out."""
    question, found = await pipeline.ranked_candidates(context, question, scope)
    if question.absent_words:
        foreign = await asyncio.to_thread(language.outside, request.query, ("en",))
        if foreign:  # `Korallen` stand nowhere, but may be told of in English
            question = replace(question, absent_words=())
    if question.spoken_by is not None:
        found = await only_theirs(context, found, question.spoken_by)
    found = await pipeline.drop_unwanted(context, request, found)
    found = [c for c in found if not c.stored.is_title]
    accepted, _ = thresholds.grade(
        found,
        context.info,
        calibrated=await calibrated_thresholds(context, scope.segments),
        understood=not question.unread_language,
        texts_answer=not question.absent_words,
    )
    return accepted, found
