"""Segment and vector to the point that a store keeps, and back to what a result shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from omni_core.query import Filter, In
from omni_core.text import bm25
from omni_core.types import Channel, Encoded, Modality, Point, Source


def to_points(
    source: Source, encoded: Iterable[Encoded], collections: Sequence[str], multi_vector: bool
) -> list[Point]:
    """One point for each segment that can be found by something: a vector, or words.

    Shots are kept even without a vector: they are the outline of a film.
    """
    points = []
    for item in encoded:
        segment, vector = item.segment, item.vector
        if vector is None and not segment.text and segment.channel is not Channel.VISUAL:
            continue
        payload: dict[str, object] = {
            "source_id": source.id,
            "modality": segment.modality.value,
            "channel": segment.channel.value,
            "collections": list(collections),
            "axis": segment.span.axis,
            "start": segment.span.start,
            "end": segment.span.end,
            "text": segment.text,
            "origin": segment.origin,
            "part": segment.part,
            "title": source.title,
            "extra": dict(segment.extra),
        }
        if segment.modality is Modality.DOCUMENT and segment.span.axis == "page":
            payload["page"] = int(segment.span.start)
        if source.recorded_at is not None:
            payload["recorded_at"] = rfc3339(source.recorded_at)
        points.append(
            Point(
                segment.id,
                None if multi_vector else vector,
                bm25.document(segment.text) if segment.text else None,
                payload,
                late=vector if multi_vector else None,
            )
        )
    return points


def rfc3339(moment: datetime) -> str:
    """The instant in UTC, as stores compare it."""
    if moment.tzinfo is None:
        moment = moment.astimezone()
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def source_filter(source_id: str) -> Filter:
    """Every point of one source."""
    return Filter(must=(In("source_id", (source_id,)),))
