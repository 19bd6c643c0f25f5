"""Reranking: a second, slower model scores the best moments together with the question.

Text is taken from the index; images are decoded again from their files, since pixels are not
stored. A reranker of text alone leaves pictures where they were.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence

from omni_core import encoders
from omni_core.engine.context import Context
from omni_core.engine.hashing import current_file
from omni_core.errors import OmniError
from omni_core.retrieval.moments import Moment
from omni_core.retrieval.rerank import lift, rerank
from omni_core.stages import staged
from omni_core.text import language
from omni_core.types import (
    Channel,
    Content,
    ImageContent,
    Modality,
    RerankerInfo,
    TextContent,
)

log = logging.getLogger(__name__)

EDGE = 768
"""Long edge of images for the reranker, pixels."""


@staged("search.rerank")
async def rerank_moments(
    context: Context, question: str, moments: Sequence[Moment]
) -> tuple[list[Moment], str]:
    """The moments in the reranker's order, and one line on how many it scored and how long it took.

    When the reranker fails, or does not read the question's language, the order is unchanged and
    the line says why.
    """
    started = time.perf_counter()
    try:
        info = await asyncio.to_thread(encoders.describe_reranker, context.settings)
        foreign = await _foreign(question, info)
        if foreign:
            return list(moments), f"not reranked: {info.name} does not read {foreign}"
        contents = await _contents(context, moments, text_only=info.text_only)
        scores = await context.models.rerank(TextContent(question), list(contents.values()))
    except OmniError as e:
        log.warning("reranker: %s", e)
        return list(moments), f"not reranked: {e}"
    known = {i: s for i, s in zip(contents, scores, strict=True) if s is not None}
    spent = time.perf_counter() - started
    line = f"{len(known)} of {len(moments)} moments reranked by {info.name} in {spent:.1f} s"
    if info.lift:
        return lift(moments, known, info.lift), line
    return rerank(moments, known), line


async def _foreign(question: str, info: RerankerInfo) -> str:
    """The name of the question's language where the reranker certainly does not read it."""
    if not info.languages:
        return ""
    code = await asyncio.to_thread(language.outside, question, info.languages)
    return language.name(code) if code else ""


async def _contents(
    context: Context, moments: Sequence[Moment], *, text_only: bool
) -> dict[str, Content | str]:
    """The reranker's input by the uuid of each moment's best segment, best first."""
    contents: dict[str, Content | str] = {}
    for moment in moments[: context.settings.rerank_candidates]:
        if text_only and moment.best.stored.channel is Channel.VISUAL:
            continue
        content = await _content(context, moment)
        if content is not None:
            contents[moment.best.id] = content
    return contents


async def _content(context: Context, moment: Moment) -> Content | str | None:
    """The reranker's input for a moment; None when its file is missing or unreadable."""
    stored = moment.best.stored
    if stored.channel is not Channel.VISUAL:
        return stored.text or None
    row = await asyncio.to_thread(context.catalog.get, moment.source_id)
    file = None if row is None else (await current_file(context, row))[0]
    if file is None:
        return None
    try:
        if moment.modality is Modality.IMAGE:
            return ImageContent(await context.decoders.open("image", file, EDGE, None))
        if moment.modality is Modality.DOCUMENT:
            page = int(moment.span.start)
            return ImageContent(await context.decoders.open("page", file, page, EDGE, None))
        middle = (moment.span.start + moment.span.end) / 2
        at = middle if stored.key_time is None else stored.key_time
        ((_, pixels),) = await context.decoders.open("frames", file, [at], EDGE)
    except OmniError as e:
        log.warning("reranker: %s", e)
        return None
    return ImageContent(pixels)
