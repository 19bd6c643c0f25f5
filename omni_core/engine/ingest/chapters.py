"""Headings of what is said and shown in a chapter: its title."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from omni_core.types import CHAPTER_ORIGIN, Channel, Encoded, Segment


@dataclass
class Chapters:
    """The chapters of one source, which its decoder yields before all else."""

    _starts: list[float] = field(default_factory=list)
    _found: list[Segment] = field(default_factory=list)

    def saw(self, segment: Segment) -> None:
        """Note a segment of the decoder, which yields chapters in order; others are ignored, and
        those of a second run too."""
        start = segment.span.start
        if segment.origin == CHAPTER_ORIGIN and (not self._found or start > self._starts[-1]):
            self._starts.append(start)
            self._found.append(segment)

    def name(self, encoded: Iterable[Encoded]) -> Iterator[Encoded]:
        """The same, those that lie in a chapter with its title as `heading`."""
        for one in encoded:
            heading = self._heading(one.segment) if self._found else ""
            if heading:
                extra = {**one.segment.extra, "heading": heading}
                one = replace(one, segment=replace(one.segment, extra=extra))
            yield one

    def _heading(self, segment: Segment) -> str:
        span = segment.span
        if span.axis != "second" or segment.channel is Channel.TEXT or "heading" in segment.extra:
            return ""
        middle = (span.start + span.end) / 2
        at = bisect_right(self._starts, middle) - 1
        return self._found[at].text if at >= 0 and middle < self._found[at].span.end else ""
