"""A second, slower look at the best moments: a reranker judges each with the question.

Words are judged as they are stored; pictures are decoded again from their files, since a store
keeps no pixels. What it cost is said with the answer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from pathlib import Path

from omni_core.engine.context import Context
from omni_core.errors import OmniError
from omni_core.retrieval.rerank import rerank
from omni_core.types import Channel, Content, ImageContent, Modality, Moment, TextContent

log = logging.getLogger(__name__)

EDGE = 768


async def second_stage(
    context: Context, question: str, judged: Sequence[Moment]
) -> tuple[list[Moment], str]:
    """The moments in the reranker's order, and one line on what it looked at and for how long.

    When the second stage cannot run the first stage's order stands, and the line says why.
    """
    top = list(judged[: context.settings.rerank_candidates])
    started = time.perf_counter()
    contents: list[Content | str] = []
    ids: list[str] = []
    for moment in top:
        content = await _content(context, moment)
        if content is not None:
            contents.append(content)
            ids.append(moment.best.id)
    try:
        scores = await context.models.rerank(TextContent(question), contents)
    except OmniError as e:
        log.warning("second stage: %s", e)
        return list(judged), f"not reranked: {e}"
    known = {i: s for i, s in zip(ids, scores, strict=True) if s is not None}
    spent = time.perf_counter() - started
    line = f"{len(known)} of {len(judged)} moments reranked by {context.settings.reranker}"
    return rerank(judged, known), f"{line} in {spent:.1f} s"


async def _content(context: Context, moment: Moment) -> Content | str | None:
    payload = moment.best.payload
    if payload["channel"] != Channel.VISUAL:
        return str(payload.get("text", "")) or None
    row = await asyncio.to_thread(context.catalog.get, moment.source_id)
    if row is None or not await asyncio.to_thread(Path(row.uri).is_file):
        return None
    try:
        if moment.modality is Modality.IMAGE:
            return ImageContent(await context.decoders.open("image", row.uri, EDGE, None))
        if moment.modality is Modality.DOCUMENT:
            page = int(moment.span.start)
            return ImageContent(await context.decoders.open("page", row.uri, page, EDGE, None))
        at = (payload.get("extra") or {}).get("key_time", (moment.span.start + moment.span.end) / 2)
        ((_, pixels),) = await context.decoders.open("frames", row.uri, [float(at)], EDGE)
    except OmniError as e:
        log.warning("second stage: %s", e)
        return None
    return ImageContent(pixels)
