"""Words with who says them: lines of a transcript, cut where the speaker changes."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from omni_core.engine.context import Context
from omni_core.engine.results import Line, SourceRow
from omni_core.text.speaker_names import leading_name
from omni_core.types import Beats, Channel, Span, Speaker, Turn

OVERLAPPING = 4
"""Turns that may begin before another one and end after its beginning."""
MIN_COVERED = 0.2
"""A phrase of which less lies in turns is of nobody known."""
AROUND_S = 30.0
"""Seconds around a span whose turns are looked up: its words may begin before it."""
MIN_SHARE = 0.6
"""A speaker says a phrase with at least this share of its turns; else nobody is named."""


class Speaking:
    """The turns of one source, and what its speakers are called."""

    def __init__(self, turns: Sequence[Turn], speakers: Iterable[Speaker]) -> None:
        """`turns` in order of time, one hardly over the other."""
        self._turns = turns
        self._starts = [turn.start for turn in turns]
        everyone = tuple(speakers)
        self._labels = {s.number: s.label for s in everyone}
        self._names = {(s.label, n.casefold()) for s in everyone for n in (s.label, s.written)}

    def __bool__(self) -> bool:
        return bool(self._turns)

    def who(self, start: float, end: float) -> str:
        """Who speaks in [start, end) seconds; "" where that is not clear."""
        seconds = self._seconds(start, end)
        if not seconds or sum(seconds.values()) < MIN_COVERED * (end - start):
            return ""
        best = max(seconds, key=seconds.__getitem__)
        return best if seconds[best] >= MIN_SHARE * sum(seconds.values()) else ""

    def shared(self, who: str, start: float, end: float) -> float:
        """Which share of what is spoken in [start, end) seconds a speaker says, 0 to 1."""
        seconds = self._seconds(start, end)
        return seconds.get(who, 0.0) / sum(seconds.values()) if seconds else 0.0

    def is_name_of(self, name: str, who: str) -> bool:
        """Whether a name that stands in the words is this speaker's."""
        return (who, name.casefold()) in self._names

    def _seconds(self, start: float, end: float) -> dict[str, float]:
        """How long each speaks in [start, end) seconds."""
        found: dict[str, float] = defaultdict(float)
        first = max(0, bisect_right(self._starts, start) - OVERLAPPING)
        for turn in self._turns[first : bisect_right(self._starts, end)]:
            shared = min(end, turn.end) - max(start, turn.start)
            if shared > 0:
                found[self._labels.get(turn.speaker, "")] += shared
        return found


async def speaking_in(context: Context, row: SourceRow, span: Span | None = None) -> Speaking:
    """Who speaks in a source, or near a span of it; nobody where it has no seconds."""
    if row.duration_s is None:
        return Speaking((), ())
    start, end = (span.start - AROUND_S, span.end + AROUND_S) if span else (None, None)
    turns = await asyncio.to_thread(context.catalog.turns, row.id, start, end)
    speakers = (await asyncio.to_thread(context.catalog.speakers, (row.id,))).get(row.id, [])
    return Speaking(turns, speakers)


def with_speakers(lines: Sequence[Line], speaking: Speaking) -> tuple[Line, ...]:
    """The lines, those of speech with their speaker, cut where another one begins.

    A name that the words begin with is taken off where it is the speaker's.
    """
    if not speaking:
        return tuple(lines)
    return tuple(
        part
        for line in lines
        for part in (
            _parts(line, speaking)
            if line.channel is Channel.SPEECH and line.axis == "second"
            else (line,)
        )
    )


def _parts(line: Line, speaking: Speaking) -> list[Line]:
    """One line for each run of phrases of the same speaker; a phrase that is not clear joins those
    of one speaker on both sides."""
    phrases = _phrases(line)
    said = [speaking.who(start, end) for _, start, end in phrases]
    for i in range(1, len(said) - 1):
        if not said[i] and said[i - 1] == said[i + 1]:
            said[i] = said[i - 1]
    parts: list[Line] = []
    first = 0
    for i in range(1, len(phrases) + 1):
        if i < len(phrases) and said[i] == said[first]:
            continue
        until = phrases[i][0] if i < len(phrases) else len(line.text)
        part = _part(line, phrases[first:i], until, said[first], speaking)
        if part.text:
            parts.append(part)
        first = i
    return parts


def _phrases(line: Line) -> list[tuple[int, float, float]]:
    """(character, start, end) of each phrase of a line."""
    beats = [(at, second) for at, second in line.beats if 0 < at < len(line.text)]
    starts = [(0, line.start), *beats]
    ends = [*(second for _, second in starts[1:]), line.end]
    return [(at, second, max(second, end)) for (at, second), end in zip(starts, ends, strict=True)]


def _part(
    line: Line,
    phrases: Sequence[tuple[int, float, float]],
    until: int,
    speaker: str,
    speaking: Speaking,
) -> Line:
    begin = phrases[0][0]
    text = line.text[begin:until].strip()
    begin += len(line.text[begin:until]) - len(line.text[begin:until].lstrip())
    name, words_at = leading_name(text)
    if speaker and name and speaking.is_name_of(name, speaker):
        text, begin = text[words_at:], begin + words_at
    beats: Beats = tuple((at - begin, second) for at, second, _ in phrases[1:] if at > begin)
    return replace(
        line, text=text, start=phrases[0][1], end=phrases[-1][2], beats=beats, speaker=speaker
    )
