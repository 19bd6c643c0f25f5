"""Bars for a model that nobody measured: what stray questions find in this very library."""

from __future__ import annotations

from collections.abc import Mapping

from omni_core.engine.context import Context
from omni_core.query import Filter, In, Prefetch
from omni_core.retrieval import thresholds
from omni_core.types import Channel, TextContent

GROWN = 2.0
"""The bars are asked for anew when the library has grown by this factor: the best of more
candidates lies higher."""


async def bars(context: Context, segments: int) -> Mapping[Channel, thresholds.Threshold] | None:
    """Bars per channel; None for a model whose bars are in the table, or without enough to ask.

    Costs one batch of 24 questions and one look per channel, once for each doubling.
    """
    if context.info.name in thresholds.QUESTION or context.info.multi_vector:
        return None
    held = context.bars
    if held is None or segments > GROWN * held.segments:
        held = context.bars = thresholds.CalibratedThresholds(
            thresholds.bars_of(await _noise(context)), segments
        )
    return held.of


async def _noise(context: Context) -> dict[Channel, list[float]]:
    asked = await context.models.questions([TextContent(q) for q in thresholds.STRAY_QUESTIONS])
    prefetches = [Prefetch(v, limit=1) for v in asked if v is not None]
    index = await context.opened_index()
    noise: dict[Channel, list[float]] = {}
    for channel in context.info.channels:
        only = Filter(must=(In("channel", (channel.value,)),))
        found = await index.search(prefetches, filter=only)
        noise[channel] = [hits[0].score for hits in found if hits]
    return noise
