"""Stored segments as lines of text: their words, or captions of shots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from omni_core.engine.results import Line
from omni_core.ids import segment_ref
from omni_core.points import Point
from omni_core.text.clean import clean
from omni_core.text.headings import shown
from omni_core.types import Channel

SHOT = "shot"
"""Text of a shot without a caption in an outline."""


def lines(points: Sequence[Point], named: Point | None = None) -> tuple[Line, ...]:
    """The words of stored segments, cleaned, each with its span and origin.

    Rows of tables and captions stand in the text of their pages and are left out, but for `named`,
    which comes first.
    """
    out = []
    if named is not None and named.stored.unit:
        points = [named, *points]
    for n, p in enumerate(points):
        words = clean(p.stored.text)
        if p.stored.unit and (n or p is not named):
            continue
        if words and not p.stored.is_title:
            out.append(_line(p, words, p.stored.origin))
    return _without_overlap(out)


def units(points: Sequence[Point]) -> tuple[Line, ...]:
    """The rows of tables, with the headers of their columns, and the captions of figures."""
    return tuple(
        _line(p, clean(p.stored.text), p.stored.origin)
        for p in points
        if p.stored.unit and p.stored.text
    )


def _line(point: Point, text: str, origin: str) -> Line:
    span = point.stored.span
    return Line(
        text, point.stored.channel, origin, span.start, span.end, span.axis,
        segment_ref(point.id), point.stored.beats,
        shown(point.stored.heading, point.stored.title, f"{origin} {text}"),
    )  # fmt: skip


def _without_overlap(found: Sequence[Line]) -> tuple[Line, ...]:
    """The lines without the words that consecutive windows of one text repeat."""
    out: list[Line] = []
    for line in found:
        before = out[-1] if out else None
        if before is None or not _continues(before, line):
            out.append(line)
            continue
        shared = shared_words(before.text.split(), line.text.split())
        if rest := " ".join(line.text.split()[shared:]):
            out.append(replace(line, text=rest))
    return tuple(out)


def _continues(before: Line, line: Line) -> bool:
    if (before.axis, before.channel, before.origin) != (line.axis, line.channel, line.origin):
        return False
    if line.axis == "page":
        return before.start == line.start
    return line.axis == "char" and before.start < line.start < before.end


def shared_words(before: list[str], after: list[str]) -> int:
    """Number of words at the end of `before` with which `after` begins."""
    for n in range(min(len(before), len(after)), 0, -1):
        if before[-n:] == after[:n]:
            return n
    return 0


def captions(points: Sequence[Point], limit: int = 3) -> tuple[Line, ...]:
    """The first `limit` captions and sound tags, for clients that show no images or audio."""
    captioned = (line for p in points if (line := _caption(p)) is not None)
    return tuple(line for line, _ in zip(captioned, range(limit), strict=False))


def outline(points: Sequence[Point]) -> tuple[Line, ...]:
    """Every shot with its caption, and every sound tag: for a source without words."""
    out = []
    for p in points:
        line = _caption(p)
        if line is None and _is_shot(p):
            line = _line(p, SHOT, "image model")
        if line is not None:
            out.append(line)
    return tuple(out)


def _caption(point: Point) -> Line | None:
    """The sound tags or the caption of a segment as a line; None without either."""
    stored = point.stored
    if stored.heard:
        return _line(point, f"may sound like: {stored.heard}", stored.origin)
    if _is_shot(point) and stored.seen:
        return _line(point, f"looks like: {stored.seen}", "image model")
    return None


def _is_shot(point: Point) -> bool:
    return point.stored.channel is Channel.VISUAL and not point.stored.part
