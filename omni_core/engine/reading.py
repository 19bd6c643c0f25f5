"""What a person reads of stored segments: their words, the shots where there are none."""

from __future__ import annotations

from collections.abc import Sequence

from omni_core.engine import dress
from omni_core.engine.refs import span_of
from omni_core.engine.results import Line, SourceRow
from omni_core.engine.titles import TITLE
from omni_core.evidence import quote
from omni_core.types import Channel, Point, segment_ref


def lines(points: Sequence[Point]) -> tuple[Line, ...]:
    """The words of stored segments, cleaned, each with its place and origin."""
    out = []
    for p in points:
        words = quote.clean(str(p.payload.get("text", "")))
        if words and p.payload["origin"] != TITLE:
            span = span_of(p.payload)
            out.append(
                Line(
                    words, dress.channel_of(p.payload), str(p.payload["origin"]),
                    span.start, span.end, span.axis, segment_ref(p.id),
                )
            )  # fmt: skip
    return tuple(out)


def outline(points: Sequence[Point]) -> tuple[Line, ...]:
    """What is seen, shot by shot, where there are no words."""
    return tuple(
        Line(
            f"looks like: {seen}" if seen else "shot", Channel.VISUAL, "picture model",
            p.payload["start"], p.payload["end"], p.payload["axis"], segment_ref(p.id),
        )
        for p in points
        if p.payload["channel"] == Channel.VISUAL
        for seen in [(p.payload.get("extra") or {}).get("seen", "")]
    )  # fmt: skip


def provenance(row: SourceRow) -> str:
    """Where it all comes from, in one line."""
    recorded = ""
    if row.recorded_at is not None:
        recorded = f", recorded {row.recorded_at.isoformat()} ({row.recorded_at_from})"
    return f"sha256 {row.sha256[:16]}…, model {row.model}, pipeline {row.pipeline}{recorded}"
