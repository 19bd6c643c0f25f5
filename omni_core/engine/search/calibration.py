"""Calibrates a model without measured thresholds on the library itself.

Null queries, which few libraries can answer, are run. The best cosines that they find are those of
wrong answers (score thresholds); their cosines with a sample of each channel say how high the
cosines of unrelated pairs lie (the modality gap).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from omni_core.engine.context import Context
from omni_core.payload import of_channel
from omni_core.points import ScoredPoint
from omni_core.protocols import Index
from omni_core.query import Filter, Prefetch
from omni_core.retrieval import modality_gap, thresholds
from omni_core.retrieval.null_queries import null_queries
from omni_core.retrieval.thresholds import CalibratedThresholds
from omni_core.types import Channel, TextContent, Vector

log = logging.getLogger(__name__)

GROWTH = 2.0
"""Calibrate again when the library has grown by this factor: with more candidates the highest
cosine of a wrong answer rises."""
AT_ONCE = 24
"""Null queries of one call of the index; other questions need not wait for all of them."""


async def calibrated_thresholds(context: Context, segments: int) -> thresholds.Thresholds | None:
    """Thresholds by channel; None for a model with measured ones, and for a multi-vector model,
    whose scores are not cosines."""
    held = await calibrated(context, segments)
    return held.by_channel if held is not None else None


async def calibrated(context: Context, segments: int) -> CalibratedThresholds | None:
    """The calibration; None for models that need none.

    Costs one batch of up to 72 questions when first asked, and some searches of each channel
    then and each time the library, or one of its channels, has doubled.
    """
    if context.info.name in thresholds.TEXT_QUERY or context.info.multi_vector:
        return None
    held = context.calibrated
    if held is None or held.outgrown or segments > GROWTH * held.segments:
        held = context.calibrated = await _calibrate(context, segments, held)
    return held


def aligns(context: Context) -> bool:
    """Whether questions in words look for candidates of each channel, and their cosines are
    brought to one scale where the channels lie apart."""
    return (
        context.settings.modality_gap == "auto"
        and context.info.name not in thresholds.TEXT_QUERY
        and not context.info.multi_vector
    )


def note_growth(context: Context, found: Mapping[Channel, list[ScoredPoint]]) -> None:
    """Have the next question calibrate again where what one found says that a channel has grown
    far beyond the sample that measured it."""
    held = context.calibrated
    counts = {channel: len(points) for channel, points in found.items()}
    if held is not None and modality_gap.outgrown(held.heights, held.found, counts):
        context.calibrated = replace(held, found=counts, outgrown=True)


async def _calibrate(
    context: Context, segments: int, held: CalibratedThresholds | None
) -> CalibratedThresholds:
    if held is None:
        asked = [TextContent(q) for q in null_queries(context.info.languages)]
        questions = [v for v in await context.models.questions([*asked]) if v is not None]
    else:
        questions = list(held.questions)
    index = await context.opened_index()
    best = {c: await _best_cosines(index, questions, c) for c in context.info.channels}
    sampled = {c: await _sampled_cosines(index, questions, c) for c in context.info.channels}
    heights = modality_gap.heights(sampled)
    gap = modality_gap.measure(heights)
    said = ", ".join(f"{c} {h.mean:.2f} ± {h.spread:.2f}" for c, h in sorted(heights.items()))
    log.info("cosines of unrelated pairs: %s; %s", said, "a gap" if gap else "no gap")
    return CalibratedThresholds(
        thresholds.calibrate(best),
        segments,
        tuple(questions),
        heights,
        gap,
        held.found if held else {},
    )


async def _best_cosines(index: Index, questions: list[Vector], channel: Channel) -> list[float]:
    """The best cosine that each question finds in a channel."""
    cosines: list[float] = []
    for start in range(0, len(questions), AT_ONCE):
        prefetches = [Prefetch(v, limit=1) for v in questions[start : start + AT_ONCE]]
        found = await index.search(prefetches, filter=Filter(must=(of_channel(channel),)))
        cosines += [points[0].score for points in found if points]
    return cosines


async def _sampled_cosines(
    index: Index, questions: list[Vector], channel: Channel
) -> NDArray[np.float32]:
    """(segments, questions): cosines of the questions with a sample of a channel. Ids are hashes,
    so that the first ones are a random sample."""
    page, _ = await index.scroll(Filter(must=(of_channel(channel),)), limit=modality_gap.SAMPLE)
    points = await index.get([p.id for p in page], vectors=True)
    vectors = [p.dense for p in points if p.dense is not None]
    if not vectors or not questions:
        return np.zeros((0, len(questions)), np.float32)
    return np.asarray(_unit(np.stack(vectors)) @ _unit(np.stack(questions)).T, np.float32)


def _unit(rows: Vector) -> Vector:
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True), np.float32)
