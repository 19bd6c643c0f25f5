"""Conversion of embedded segments to index points."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from omni_core.payload import StoredSegment
from omni_core.points import Point
from omni_core.text import bm25
from omni_core.text.headings import with_heading
from omni_core.types import Channel, Encoded, Source


def to_points(
    source: Source, encoded: Iterable[Encoded], collections: Sequence[str], multi_vector: bool
) -> list[Point]:
    """One point for each segment that has a vector or text.

    Shots are stored even without both: they are the outline of a video.
    """
    points = []
    for item in encoded:
        segment, vector = item.segment, item.vector
        if vector is None and not segment.text and segment.channel is not Channel.VISUAL:
            continue
        points.append(
            Point(
                segment.id,
                None if multi_vector else vector,
                bm25.document(with_heading(segment, segment.text)) if segment.text else None,
                StoredSegment.of(segment, source, collections),
                late=vector if multi_vector else None,
            )
        )
    return points
