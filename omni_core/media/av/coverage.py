"""Which seconds of audio are already known in words, from subtitles."""

from __future__ import annotations

from collections.abc import Iterable

LITTLE = 0.25
"""Share of a recording below which its subtitles are said to cover little; those of films cover
half of it."""

TimeSpan = tuple[float, float]

BRIDGED_S = 5.0
"""A shorter pause between cues counts as covered: subtitles leave out breaths and short words."""
MARGIN_S = 0.5
"""Seconds around a cue that count as covered: cues begin and end a little off the speech."""


class Coverage:
    """The seconds of one source that cues cover."""

    def __init__(self, spans: Iterable[TimeSpan] = ()) -> None:
        self._spans: list[TimeSpan] = []
        for start, end in spans:
            self.add(start, end)

    def add(self, start: float, end: float) -> None:
        """Add a cue; cues come in order of their starts."""
        start, end = start - MARGIN_S, end + MARGIN_S
        if self._spans and start - self._spans[-1][1] < BRIDGED_S:
            first, last = self._spans[-1]
            self._spans[-1] = (min(first, start), max(last, end))
        else:
            self._spans.append((start, end))

    @property
    def seconds(self) -> float:
        """How much is covered in all."""
        return sum(end - start for start, end in self._spans)

    def within(self, start: float, end: float) -> tuple[TimeSpan, ...]:
        """The covered parts of [start, end), in seconds from `start`."""
        return tuple(
            (max(a, start) - start, min(b, end) - start)
            for a, b in self._spans
            if a < end and b > start
        )
