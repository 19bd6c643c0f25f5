"""Subtitle cues, merged into windows of whole sentences with exact spans."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from omni_core.types import PIECES, Beats, Channel, Segment, Source, Span, TextContent

WINDOW_S = 15.0
PAUSE_S = 3.0
TOUCHING_S = 0.2
"""Cues no further apart than this are consecutive on screen (rolling captions)."""
MAX_CUE = 4000
"""Characters of a window; a longer cue becomes several. A screen shows about 200."""
MAX_ROLLED = 100
"""Lines of the previous cue that may be repeated by the next; captions that roll have four."""
_OVERRIDE = re.compile(r"\{[^{}]*\}")
_BREAK = re.compile(r"<br[ \t]*/?>", re.I)
_ANY_TAG = re.compile(r"<[^<>]*>")
_TAG = re.compile(r"</?[A-Za-z!][^<>]*>|<[\d:.]+>")
_HUGE_ENTITY = re.compile(r"&#\d{9,};?")
"""No character; Python refuses to count so far."""
_INVISIBLE = {ord(c): None for c in "\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\ufeff"}
"""Marks that players need for direction and width; they would keep a word from being found."""


@dataclass(frozen=True, slots=True)
class Cue:
    """Text shown during [start, end) seconds; each line on screen is a line of `text`."""

    start: float
    end: float
    text: str
    track: str = ""
    """Which of a file's languages it belongs to, where it has several."""


@dataclass(frozen=True, slots=True)
class CueWindow:
    """The text of neighbouring cues, from the start of the first to the end of the last."""

    start: float
    end: float
    text: str
    beats: Beats = field(default=(), compare=False)
    """Where cues begin, after the first."""
    track: int = 0
    """Number of the language, in a file that has several; the pieces of a long cue have numbers
    of their own."""

    def until(self, seconds: float | None) -> CueWindow:
        """The window as far as the sound goes: the end of a last line is a guess. `seconds`: the
        length of the file, where it is known."""
        if seconds is None or not self.start < seconds < self.end:
            return self
        return replace(self, end=seconds)

    def segment(self, source: Source, origin: str) -> Segment:
        """The window as a segment of channel `speech`; `origin` says where the text is from."""
        span = Span("second", round(self.start, 3), round(self.end, 3))
        return Segment(
            source.id,
            source.modality,
            Channel.SPEECH,
            span,
            TextContent(self.text),
            self.text,
            origin,
            part=self.track,
            extra={"beats": [list(beat) for beat in self.beats]} if self.beats else {},
        )


def clean(text: str, *, ass: bool = False, markup: bool = False) -> str:
    """The text without tags, ASS overrides, entities and empty lines; line breaks stay.

    ass: ASS, where `\\n` and `\\h` are a line break and a space. markup: every `<...>` is a tag, as
    in WebVTT; elsewhere one that begins with a letter is, so that `2 < 3 > 1` stays.
    """
    text = _OVERRIDE.sub("", text).replace(r"\N", "\n")
    if ass:
        text = text.replace(r"\n", "\n").replace(r"\h", " ")
    text = (_ANY_TAG if markup else _TAG).sub("", _BREAK.sub("\n", text))
    text = html.unescape(_HUGE_ENTITY.sub("\ufffd", text))
    text = text.translate(_INVISIBLE)
    return "\n".join(filter(None, (" ".join(line.split()) for line in text.split("\n"))))


class CueMerger:
    """Merges cues into windows of at most about 15 s that end with a sentence or at a pause.

    Lines repeated from the previous cue (rolling captions) are kept once, and so are words of a
    line that grows. A cue of more than `MAX_CUE` characters becomes windows of its own times.
    """

    def __init__(self, track: int = 0) -> None:
        """`track`: the number of the windows' language."""
        self._track = track
        self._cues: list[Cue] = []
        self._shown = Cue(0.0, float("-inf"), "")

    def push(self, cue: Cue) -> Iterator[CueWindow]:
        """Add the next cue in order of time; yields a window when the cue begins a new one."""
        new = self._new_lines(cue)
        self._shown = cue
        if not new:
            if self._cues:
                last = self._cues[-1]
                self._cues[-1] = Cue(last.start, max(last.end, cue.end), last.text)
            return
        if len(new) > MAX_CUE:
            yield from self.flush()
            for n, piece in enumerate(_pieces(new.replace("\n", " "))):
                yield CueWindow(cue.start, cue.end, piece, (), self._track + n * PIECES)
            return
        if self._cues:
            first, last = self._cues[0], self._cues[-1]
            crowded = sum(len(c.text) + 1 for c in self._cues) + len(new) > MAX_CUE
            long = cue.end - first.start > WINDOW_S
            full = last.end - first.start >= WINDOW_S / 3 and last.text[-1:] in ".!?…。！？"
            if crowded or long or full or cue.start - last.end > PAUSE_S:
                yield from self.flush()
        self._cues.append(Cue(cue.start, cue.end, new))

    def flush(self) -> Iterator[CueWindow]:
        """The last window."""
        if self._cues:
            end = max(c.end for c in self._cues)
            text = " ".join(c.text for c in self._cues).replace("\n", " ")
            lengths = itertools.accumulate(len(c.text) + 1 for c in self._cues)
            starts = (round(c.start, 2) for c in self._cues[1:])
            beats = tuple(zip(lengths, starts, strict=False))
            yield CueWindow(self._cues[0].start, end, text, beats, self._track)
        self._cues = []

    def _new_lines(self, cue: Cue) -> str:
        """The cue's lines without leading ones that repeat the end of the previous cue, and without
        the words of its last line to which this one adds (captions written word by word)."""
        if cue.start > self._shown.end + TOUCHING_S:
            return cue.text
        before, lines = self._shown.text.split("\n"), cue.text.split("\n")
        if before == lines:
            return ""
        for n in range(min(len(before), len(lines), MAX_ROLLED), 0, -1):
            if before[-n:] == lines[:n]:
                return "\n".join(lines[n:])
            if before[-n:-1] == lines[: n - 1] and lines[n - 1].startswith(before[-1] + " "):
                grown = lines[n - 1][len(before[-1]) + 1 :]
                return "\n".join([grown, *lines[n:]])
        return cue.text


def _pieces(text: str) -> Iterator[str]:
    """The text in pieces of at most `MAX_CUE` characters, cut at spaces where it has some."""
    at = 0
    while len(text) - at > MAX_CUE:
        space = text.rfind(" ", at + 1, at + MAX_CUE + 1)
        end = space if space > at else at + MAX_CUE
        yield text[at:end]
        at = end + (space > at)
    if at < len(text):
        yield text[at:]


def cue_windows(cues: Iterable[Cue]) -> Iterator[CueWindow]:
    """Cues in order of time, merged into windows; of a file with several languages, those of the
    first one that speaks, then those of the next."""
    tracks: dict[str, list[Cue]] = {}
    for cue in cues:
        tracks.setdefault(cue.track, []).append(cue)
    for number, track in enumerate(tracks.values()):
        joiner = CueMerger(number)
        for cue in track:
            yield from joiner.push(cue)
        yield from joiner.flush()
