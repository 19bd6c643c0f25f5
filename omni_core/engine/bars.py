"""Bars for a model that nobody measured: what stray questions find in this very library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from omni_core.engine.parts import Parts
from omni_core.index.plan import Filter, In, Leg
from omni_core.retrieval import floor
from omni_core.types import Channel, Text

GROWN = 2.0
"""The bars are asked for anew when the library has grown by this factor: the best of more
candidates lies higher."""


@dataclass(frozen=True, slots=True)
class Bars:
    """The bars, and the number of segments among which they were found."""

    of: Mapping[Channel, floor.Bar]
    segments: int


async def bars(parts: Parts, segments: int) -> Mapping[Channel, floor.Bar] | None:
    """Bars per channel; None for a model whose bars are in the table, or without enough to ask.

    Costs one batch of 24 questions and one look per channel, once for each doubling.
    """
    if parts.info.name in floor.QUESTION or parts.info.multi_vector:
        return None
    held = parts.bars
    if held is None or segments > GROWN * held.segments:
        held = parts.bars = Bars(floor.bars_of(await _noise(parts)), segments)
    return held.of


async def _noise(parts: Parts) -> dict[Channel, list[float]]:
    asked = await parts.models.questions([Text(q) for q in floor.STRAY_QUESTIONS])
    legs = [Leg(v, limit=1) for v in asked if v is not None]
    index = await parts.opened_index()
    noise: dict[Channel, list[float]] = {}
    for channel in parts.info.channels:
        only = Filter(must=(In("channel", (channel.value,)),))
        found = await index.search(legs, filter=only)
        noise[channel] = [hits[0].score for hits in found if hits]
    return noise
