"""Subtitle text as cues, and cues as windows of whole sentences with exact spans."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from omni_core.types import Channel, Segment, Source, Span, TextContent

WINDOW_S = 15.0
PAUSE_S = 3.0
MOST_CUE = 4000
"""Characters of one cue; a screen holds two hundred."""
_TIME = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{2})[.,](\d{1,3})")


@dataclass(frozen=True, slots=True)
class Cue:
    """Words shown during [start, end) seconds."""

    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True)
class Window:
    """Neighbouring cues read together."""

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


def parse(text: str) -> list[Cue]:
    """SRT, WebVTT and ASS/SSA by their looks; what is malformed is skipped. In order of time."""
    cues = _ass(text) if "[Events]" in text else _blocks(text)
    return sorted((c for c in cues if c.text and c.end > c.start), key=lambda c: (c.start, c.end))


def _blocks(text: str) -> Iterator[Cue]:
    for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n").replace("\r", "\n")):
        lines = block.strip().split("\n")
        for i, line in enumerate(lines[:3]):
            left, arrow, right = line.partition("-->")
            start, end = _TIME.search(left), _TIME.search(right)
            if arrow and start and end:
                yield Cue(_seconds(start), _seconds(end), clean(" ".join(lines[i + 1 :])))
                break


def _ass(text: str) -> Iterator[Cue]:
    columns = ["layer", "start", "end", "style", "name", "ml", "mr", "mv", "effect", "text"]
    events = False
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("["):
            events = line.lower() == "[events]"
        elif events and line.lower().startswith("format:"):
            columns = [c.strip().lower() for c in line[7:].split(",")]
        elif events and line.startswith("Dialogue:"):
            row = dict(zip(columns, line[9:].split(",", len(columns) - 1), strict=False))
            start, end = _TIME.search(row.get("start", "")), _TIME.search(row.get("end", ""))
            if start and end:
                yield Cue(_seconds(start), _seconds(end), clean(row.get("text", "")))


def _seconds(m: re.Match[str]) -> float:
    hours, minutes, seconds, fraction = m.groups()
    return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction}")


def clean(text: str) -> str:
    """Words without markup: tags, ASS overrides, line breaks, entities."""
    text = text[:MOST_CUE]  # the patterns below are quadratic in unclosed brackets
    text = re.sub(r"\{[^}]*\}", "", text).replace(r"\N", " ").replace(r"\n", " ")
    text = html.unescape(re.sub(r"<[^>]*>", "", text.replace(r"\h", " ")))
    return " ".join(text.split())


class Joiner:
    """Merges cues into windows of at most about 15 s that end with a sentence or at a pause."""

    def __init__(self) -> None:
        self._cues: list[Cue] = []

    def push(self, cue: Cue) -> Iterator[Window]:
        """Take the next cue; a window when it cannot join the ones before."""
        if self._cues:
            first, last = self._cues[0], self._cues[-1]
            if cue.text == last.text and cue.start <= last.end + 0.2:  # rolling captions
                self._cues[-1] = Cue(last.start, max(last.end, cue.end), last.text)
                return
            long = cue.end - first.start > WINDOW_S
            full = last.end - first.start >= WINDOW_S / 3 and last.text[-1:] in ".!?…。！？"
            if long or full or cue.start - last.end > PAUSE_S:
                yield from self.flush()
        self._cues.append(cue)

    def flush(self) -> Iterator[Window]:
        """What is held."""
        if self._cues:
            end = max(c.end for c in self._cues)
            yield Window(self._cues[0].start, end, " ".join(c.text for c in self._cues))
        self._cues = []


def windows(cues: Iterable[Cue]) -> Iterator[Window]:
    """Cues merged into windows."""
    joiner = Joiner()
    for cue in cues:
        yield from joiner.push(cue)
    yield from joiner.flush()
