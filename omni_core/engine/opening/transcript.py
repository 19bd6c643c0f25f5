"""What a person reads of stored segments: their words, the shots where there are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from omni_core.engine.results import Line
from omni_core.ids import segment_ref
from omni_core.points import Point
from omni_core.text.clean import clean
from omni_core.types import Channel

SHOT = "shot"
"""What an outline says of a shot of which the model has nothing to say."""


def lines(points: Sequence[Point]) -> tuple[Line, ...]:
    """The words of stored segments, cleaned, each with its place and origin."""
    out = []
    for p in points:
        words = clean(p.stored.text)
        if words and not p.stored.is_title:
            out.append(_line(p, words, p.stored.origin))
    return _without_overlap(out)


def _line(point: Point, text: str, origin: str) -> Line:
    span = point.stored.span
    return Line(
        text, point.stored.channel, origin, span.start, span.end, span.axis, segment_ref(point.id)
    )


def _without_overlap(found: Sequence[Line]) -> tuple[Line, ...]:
    """Windows of one text repeat words for the model's sake; a reader wants them once."""
    out: list[Line] = []
    for line in found:
        before = out[-1] if out else None
        if before is None or not _continues(before, line):
            out.append(line)
            continue
        shared = _shared_words(before.text.split(), line.text.split())
        if rest := " ".join(line.text.split()[shared:]):
            out.append(replace(line, text=rest))
    return tuple(out)


def _continues(before: Line, line: Line) -> bool:
    if (before.axis, before.channel, before.origin) != (line.axis, line.channel, line.origin):
        return False
    if line.axis == "page":
        return before.start == line.start
    return line.axis == "char" and line.start < before.end


def _shared_words(before: list[str], after: list[str]) -> int:
    """How many words at the end of one window begin the next."""
    for n in range(min(len(before), len(after)), 0, -1):
        if before[-n:] == after[:n]:
            return n
    return 0


def looks(points: Sequence[Point], most: int = 3) -> tuple[Line, ...]:
    """What the models see and hear in the first `most` shots, for readers without eyes and ears."""
    described = (line for line in outline(points) if line.text != SHOT)
    return tuple(line for line, _ in zip(described, range(most), strict=False))


def outline(points: Sequence[Point]) -> tuple[Line, ...]:
    """What is seen or heard, shot by shot, where there are no words."""
    out = []
    for p in points:
        stored = p.stored
        if stored.heard:
            out.append(_line(p, f"may sound like: {stored.heard}", stored.origin))
        elif stored.channel is Channel.VISUAL and not stored.part:
            look = f"looks like: {stored.seen}" if stored.seen else SHOT
            out.append(_line(p, look, "image model"))
    return tuple(out)
