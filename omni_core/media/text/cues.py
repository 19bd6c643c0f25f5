"""Cues of subtitles, merged into windows of whole sentences with exact spans."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from omni_core.types import Channel, Segment, Source, Span, TextContent

WINDOW_S = 15.0
PAUSE_S = 3.0
TOUCHING_S = 0.2
"""Cues no further apart than this follow each other on screen."""
MOST_CUE = 4000
"""Characters of one cue; a screen holds two hundred."""


@dataclass(frozen=True, slots=True)
class Cue:
    """Words shown during [start, end) seconds; each line on screen is a line of `text`."""

    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True)
class CueWindow:
    """The words of neighbouring cues, from the start of the first to the end of the last."""

    start: float
    end: float
    text: str

    def segment(self, source: Source, origin: str) -> Segment:
        """The window as a segment of spoken words."""
        span = Span("second", round(self.start, 3), round(self.end, 3))
        return Segment(
            source.id,
            source.modality,
            Channel.SPEECH,
            span,
            TextContent(self.text),
            self.text,
            origin,
        )


def clean(text: str) -> str:
    """Words without markup, line by line: no tags, ASS overrides, entities, empty lines."""
    text = text[:MOST_CUE]  # the patterns below are quadratic in unclosed brackets
    text = re.sub(r"\{[^}]*\}", "", text).replace(r"\N", "\n").replace(r"\n", "\n")
    text = html.unescape(re.sub(r"<[^>]*>", "", text.replace(r"\h", " ")))
    return "\n".join(filter(None, (" ".join(line.split()) for line in text.split("\n"))))


class Joiner:
    """Merges cues into windows of at most about 15 s that end with a sentence or at a pause.

    Lines that stay on screen from the cue before (rolling captions) are read once.
    """

    def __init__(self) -> None:
        self._cues: list[Cue] = []
        self._shown = Cue(0.0, float("-inf"), "")

    def push(self, cue: Cue) -> Iterator[CueWindow]:
        """Take the next cue in order of time; a window when it cannot join the ones before."""
        new = self._new_lines(cue)
        self._shown = cue
        if not new:
            if self._cues:
                last = self._cues[-1]
                self._cues[-1] = Cue(last.start, max(last.end, cue.end), last.text)
            return
        if self._cues:
            first, last = self._cues[0], self._cues[-1]
            long = cue.end - first.start > WINDOW_S
            full = last.end - first.start >= WINDOW_S / 3 and last.text[-1:] in ".!?…。！？"
            if long or full or cue.start - last.end > PAUSE_S:
                yield from self.flush()
        self._cues.append(Cue(cue.start, cue.end, new))

    def flush(self) -> Iterator[CueWindow]:
        """What is held."""
        if self._cues:
            end = max(c.end for c in self._cues)
            text = " ".join(c.text for c in self._cues).replace("\n", " ")
            yield CueWindow(self._cues[0].start, end, text)
        self._cues = []

    def _new_lines(self, cue: Cue) -> str:
        """The cue's lines but those at its top that end the cue shown until now."""
        if cue.start > self._shown.end + TOUCHING_S:
            return cue.text
        before, lines = self._shown.text.split("\n"), cue.text.split("\n")
        for n in range(min(len(before), len(lines)), 0, -1):
            if before[-n:] == lines[:n]:
                return "\n".join(lines[n:])
        return cue.text


def cue_windows(cues: Iterable[Cue]) -> Iterator[CueWindow]:
    """Cues in order of time, merged into windows."""
    joiner = Joiner()
    for cue in cues:
        yield from joiner.push(cue)
    yield from joiner.flush()
