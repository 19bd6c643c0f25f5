"""The selection of a request: a span of a source, its stored segments, and its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from omni_core.engine.context import Context
from omni_core.engine.refs import Target, points_of
from omni_core.engine.results import OpenRequest, SourceRow
from omni_core.errors import NotFoundError
from omni_core.ids import segment_ref
from omni_core.points import Point
from omni_core.types import Channel, Modality, Span


@dataclass(frozen=True, slots=True)
class Selection:
    """The span to open, and its segments."""

    row: SourceRow
    span: Span | None
    """None is the whole source."""
    named: Span | None
    """The same without what `pad_s` added."""
    points: Sequence[Point]
    """The segments stored in it."""
    best: Point | None
    """The segment that the ref names, or that `step` leads to."""
    previous: str
    """Ref of the segment before, "" when there is none."""
    next: str
    instant: float | None = None
    """The second that was asked for, when the ref names one instant."""


async def select(context: Context, target: Target, request: OpenRequest) -> Selection:
    """The selection after steps and padding. Raises OUT_OF_RANGE for a step past an end."""
    order = await _reading_order(context, target)
    spans = [p.stored.span for p in order]
    span = target.span
    best: Point | None = None
    if target.segment is not None:
        index = await context.opened_index()
        (best,) = await index.get([target.segment])
    at = _nearest(spans, span)
    if request.step and order:
        at = _stepped(target.row.id, len(order), 0 if at is None else at, request.step)
        span, best = spans[at], order[at]
    named = span
    if span is not None and span.axis == "second" and request.pad_s:
        span = _padded(span, request.pad_s, target.row.duration_s)
    instant = None
    if target.instant and target.span is not None and not request.step:
        instant = target.span.start
    points = await points_of(context, Target(target.row, span))
    if best is not None and best.id not in {p.id for p in points}:
        points = [best, *points]  # tags lie at an instant, in which nothing is
    return Selection(
        target.row,
        span,
        named,
        points,
        best,
        previous=segment_ref(order[at - 1].id) if at else "",
        next=segment_ref(order[at + 1].id) if at is not None and at + 1 < len(order) else "",
        instant=instant,
    )


async def _reading_order(context: Context, target: Target) -> list[Point]:
    """The segments that `step` moves along: shots, else speech, else text; for audio speech,
    else sound; for documents one of each page, its image if it has one.
    """
    points = await points_of(context, Target(target.row))
    prefer: tuple[Channel, ...] = (Channel.VISUAL, Channel.SPEECH, Channel.TEXT)
    if target.row.modality is Modality.AUDIO:
        prefer = (Channel.SPEECH, Channel.SOUND)
    elif target.row.modality is Modality.DOCUMENT and not target.row.pages:
        prefer = (Channel.TEXT,)  # its pictures stand in the text
    elif target.row.modality is Modality.DOCUMENT:
        return _one_a_page(points)
    for channel in prefer:
        chosen = [p for p in points if p.stored.channel is channel and not p.stored.part]
        if chosen:
            return chosen
    return points


def _one_a_page(points: Sequence[Point]) -> list[Point]:
    chosen: dict[float, Point] = {}
    for point in sorted(
        points, key=lambda p: (p.stored.channel is not Channel.VISUAL, p.stored.part)
    ):
        chosen.setdefault(point.stored.span.start, point)
    return [chosen[page] for page in sorted(chosen)]


def _nearest(spans: Sequence[Span], span: Span | None) -> int | None:
    """Index of the span nearest to `span` by its middle; overlapping ones first."""
    if span is None or not spans:
        return None
    middle = (span.start + span.end) / 2
    return min(
        range(len(spans)),
        key=lambda i: (
            not spans[i].overlaps(span),
            abs((spans[i].start + spans[i].end) / 2 - middle),
        ),
    )


def _stepped(source_id: str, count: int, start: int, step: int) -> int:
    at = start + step
    if 0 <= at < count:
        return at
    left = start if at < 0 else count - 1 - start
    which, where = ("first", "before") if at < 0 else ("last", "after")
    raise NotFoundError(
        f"{source_id} has no segment {step:+d} from there; "
        + (f"only {left} {where} it" if left else f"it is the {which}"),
        code="OUT_OF_RANGE",
    )


def _padded(span: Span, pad_s: float, duration_s: float | None) -> Span:
    end = span.end + pad_s
    return Span("second", max(0.0, span.start - pad_s), min(end, duration_s or end))
