"""One language of a recording that has subtitles in several: shown together, each sentence would
come once for each of them."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from itertools import accumulate

from omni_core.points import Point
from omni_core.types import PIECES, Channel, Modality

NEAR_S = 3.0
"""Words of a further language that are no further from those of the first say the same."""


def in_one_language(points: Sequence[Point], named: Point | None = None) -> list[Point]:
    """The points without the words of subtitles in further languages, but for those at times of
    which the first has none. `named`: a point whose language is shown in place of the first."""
    spoken: dict[int, list[Point]] = defaultdict(list)
    for point in points:
        if _is_written_down(point):
            spoken[point.stored.part % PIECES].append(point)
    if len(spoken) < 2:
        return list(points)
    first = named.stored.part % PIECES if named is not None and _is_written_down(named) else 0
    kept: list[Point] = []
    for language in sorted(spoken, key=lambda n: (n != first, n)):
        kept += _not_near(spoken[language], kept)
    shown = {p.id for p in kept}
    return [p for p in points if p.id in shown or not _is_written_down(p)]


def _is_written_down(point: Point) -> bool:
    stored = point.stored
    is_recording = stored.modality in (Modality.VIDEO, Modality.AUDIO)
    return is_recording and stored.channel is Channel.SPEECH


def _not_near(points: Sequence[Point], others: Sequence[Point]) -> list[Point]:
    """The points whose middle is near none of the others."""
    spans = sorted((p.stored.span.start, p.stored.span.end) for p in others)
    starts = [start for start, _ in spans]
    ends = list(accumulate((end for _, end in spans), max))

    def is_near(point: Point) -> bool:
        span = point.stored.span
        middle = (span.start + span.end) / 2
        at = bisect_right(starts, middle + NEAR_S)
        return at > 0 and ends[at - 1] >= middle - NEAR_S

    return [p for p in points if not is_near(p)]
