"""What a person reads of stored segments: their words, the shots where there are none."""

from __future__ import annotations

from collections.abc import Sequence

from omni_core.engine.refs import span_of
from omni_core.engine.results import Line, SourceRow
from omni_core.engine.search import format
from omni_core.evidence import quote
from omni_core.ids import segment_ref
from omni_core.types import TITLE_ORIGIN, Channel, Point

SHOT = "shot"
"""What an outline says of a shot of which the model has nothing to say."""


def lines(points: Sequence[Point]) -> tuple[Line, ...]:
    """The words of stored segments, cleaned, each with its place and origin."""
    out = []
    for p in points:
        words = quote.clean(str(p.payload.get("text", "")))
        if words and p.payload["origin"] != TITLE_ORIGIN:
            span = span_of(p.payload)
            out.append(
                Line(
                    words, format.channel_of(p.payload), str(p.payload["origin"]),
                    span.start, span.end, span.axis, segment_ref(p.id),
                )
            )  # fmt: skip
    return _without_overlap(out)


def _without_overlap(found: Sequence[Line]) -> tuple[Line, ...]:
    """Windows of one text repeat words for the model's sake; a reader wants them once."""
    out: list[Line] = []
    for line in found:
        before = out[-1] if out else None
        if before is not None and _goes_on(before, line):
            shared = _shared(before.text.split(), line.text.split())
            rest = " ".join(line.text.split()[shared:])
            if rest:
                out.append(
                    Line(rest, line.channel, line.origin, line.start, line.end, line.axis, line.ref)
                )
        else:
            out.append(line)
    return tuple(out)


def _goes_on(before: Line, line: Line) -> bool:
    if (before.axis, before.channel, before.origin) != (line.axis, line.channel, line.origin):
        return False
    if line.axis == "page":
        return before.start == line.start
    return line.axis == "char" and line.start < before.end


def _shared(before: list[str], after: list[str]) -> int:
    """How many words at the end of one window begin the next."""
    for n in range(min(len(before), len(after)), 0, -1):
        if before[-n:] == after[:n]:
            return n
    return 0


def looks(points: Sequence[Point], most: int = 3) -> tuple[Line, ...]:
    """What the models see and hear in the first few shots, for readers without eyes and ears."""
    seen = (line for line in outline(points) if line.text != SHOT)
    return tuple(line for line, _ in zip(seen, range(most), strict=False))


def outline(points: Sequence[Point]) -> tuple[Line, ...]:
    """What is seen or heard, shot by shot, where there are no words."""
    out = []
    for p in points:
        extra = p.payload.get("extra") or {}
        if heard := extra.get("heard"):
            guess, origin = f"may sound like: {heard}", str(p.payload["origin"])
        elif p.payload["channel"] == Channel.VISUAL and not p.payload.get("part"):
            seen = extra.get("seen")
            guess, origin = f"looks like: {seen}" if seen else SHOT, "picture model"
        else:
            continue
        span, channel = span_of(p.payload), format.channel_of(p.payload)
        out.append(Line(guess, channel, origin, span.start, span.end, span.axis, segment_ref(p.id)))
    return tuple(out)


def provenance(row: SourceRow) -> str:
    """Where it all comes from, in one line."""
    recorded = ""
    if row.recorded_at is not None:
        recorded = f", recorded {row.recorded_at.isoformat()} ({row.recorded_at_from})"
    return f"sha256 {row.sha256[:16]}…, model {row.model}, pipeline {row.pipeline}{recorded}"
