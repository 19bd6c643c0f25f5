"""Calibrates score thresholds on the library itself, for a model without measured ones.

Null queries, which few libraries can answer, are run; the cosines of their results are those of
wrong answers.
"""

from __future__ import annotations

from omni_core.engine.context import Context
from omni_core.payload import of_channel
from omni_core.query import Filter, Prefetch
from omni_core.retrieval import thresholds
from omni_core.types import Channel, TextContent

GROWTH = 2.0
"""Calibrate again when the library has grown by this factor: with more candidates the highest
cosine of a wrong answer rises."""


async def calibrated_thresholds(context: Context, segments: int) -> thresholds.Thresholds | None:
    """Thresholds by channel; None for a model with measured ones, and for a multi-vector model,
    whose scores are not cosines.

    Costs one batch of 24 questions and one search per channel, each time the library doubles.
    """
    if context.info.name in thresholds.TEXT_QUERY or context.info.multi_vector:
        return None
    held = context.calibrated
    if held is None or segments > GROWTH * held.segments:
        held = context.calibrated = thresholds.CalibratedThresholds(
            thresholds.calibrate(await _null_cosines(context)), segments
        )
    return held.by_channel


async def _null_cosines(context: Context) -> dict[Channel, list[float]]:
    """For each channel the best cosine of each null query."""
    vectors = await context.models.questions([TextContent(q) for q in thresholds.NULL_QUERIES])
    prefetches = [Prefetch(v, limit=1) for v in vectors if v is not None]
    index = await context.opened_index()
    cosines: dict[Channel, list[float]] = {}
    for channel in context.info.channels:
        found = await index.search(prefetches, filter=Filter(must=(of_channel(channel),)))
        cosines[channel] = [points[0].score for points in found if points]
    return cosines
