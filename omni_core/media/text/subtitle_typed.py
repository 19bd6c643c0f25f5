"""Cues of transcripts as services show them and people copy them: a clock alone on a line, at the
head of one, after the speaker's name above what he says, or behind a paragraph.

YouTube (`1:05` above the words, or before them), Otter and Teams (`Ann Lee  1:05`), Rev and Trint
(`Speaker 1 (01:05):`), the chat that Zoom saves with a recording, QTtext, and f4 (`#00:01:05-3#`).
So are timetables, results and logs: only clocks that begin in the first two minutes, never run back
and are not all round are those of a recording.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from omni_core.media.text.cues import clean
from omni_core.media.text.subtitle_reading import LINE_S, Reading, next_starts

FIRST_S = 120
"""Seconds within which the first words of a recording are said."""
SOON_S = 30
"""Those within which they are where other lines may stand above or between clocks."""
MAX_LINE = 2_000
"""Characters in which a line begins."""
_BEGINNINGS = "([0123456789"
PREAMBLE = 6
"""Lines that may stand above the first clock."""
ENOUGH = 3
"""Clocks from which a text is a transcript; two where names stand beside them."""
ROUND = 5
"""Minutes of a timetable, which would be seconds of a recording, are multiples of it."""
LETTERS_A_SECOND = 8
"""How slowly a long turn is spoken at least: it lasts no longer than that."""
LAST_S = 3600
"""Seconds for which one turn goes on at most."""
LOOKED_AT = 400
"""Lines by which the style of a whole text is told."""
_SUFFIXES = ("", ".txt", ".text", ".qt")
_TIME = r"(?:(\d{1,2}):)?(\d{1,3}):([0-5]\d)(?:[.,](\d{1,3}))?"
_TIMES = rf"{_TIME}(?:[ \t]{{0,9}}(?:[-–—]|-?->|to)[ \t]{{0,9}}{_TIME})?"
"""A begin, and perhaps an end: eight groups."""
_ALONE = re.compile(rf"()[\[(]?{_TIMES}[\])]?:?()")
_LEAD = re.compile(
    rf"()[\[(]?{_TIMES}[\])]?(?:[ \t]{{0,9}}[-–—|:](?!\d)|(?=[ \t]))[ \t]{{0,40}}(\S.*)"
)
_NAME = r"([^\W\d_][^\n!?:]{0,59}?):?"
_TRAIL = re.compile(rf"{_NAME}(?:[ \t]{{0,9}}[\[(]|[ \t]{{2,9}}|\t){_TIMES}[\])]?:?()")
_CLOSE = re.compile(rf"([^\W\d_][^\s!?:]{{0,40}}(?: [^\s!?:]{{1,40}}){{0,2}}):? {_TIMES}:?()")
"""A name of at most three words and a clock with one space between, as in prose."""
_WITHIN = re.compile(
    rf"{_NAME}(?:[ \t]{{0,9}}[\[(]{_TIME}[\])]|(?<=:)[ \t]{{1,9}}{_TIME})[ \t:]+(\S.*)"
)
_STYLES = (_ALONE, _TRAIL, _WITHIN, _LEAD, _CLOSE)
_BEHIND = re.compile(r"#(\d{1,2}):([0-5]\d):([0-5]\d)(?:-(\d{1,3}))?#[ \t]*$")
_SPOKEN_CLOCK = re.compile(r"(?:\d+ (?:hours?|minutes?|seconds?)(?:, )?)+")
"""What YouTube puts below each clock for those who do not see it."""
_SCALE = re.compile(r"\{timeScale:(\d{1,6})\}", re.I)
_PART = re.compile(r"\.(\d{1,6})\]")
_QTTEXT = "{qttext}"


@dataclass(slots=True)
class _Turn:
    start: float
    who: str
    lines: list[str] = field(default_factory=list)
    end: float | None = None
    precise: bool = False
    """Whether its clock has hours, minutes and seconds, or parts of one."""


def is_typed(start: str, suffix: str) -> bool:
    """Whether the beginning of a text is that of such a transcript."""
    if start[: len(_QTTEXT)].lower() == _QTTEXT:
        return True
    if suffix not in _SUFFIXES or ":" not in start:
        return False
    lines = start.split("\n")[:-1] if len(start) >= 4000 else start.split("\n")
    return _style(lines) is not None


def read_typed(text: str) -> tuple[Reading, str]:
    """The cues, each until the next one at most, and what stands above the first."""
    reading, lines = Reading(), _in_thousandths(text).split("\n")
    is_qttext = text[: len(_QTTEXT)].lower() == _QTTEXT
    style = _ALONE if is_qttext else _style(lines[:LOOKED_AT]) or _ALONE
    above, turns = _turns(lines, style)
    after = next_starts([turn.start for turn in turns])
    for turn, following in zip(turns, after, strict=True):
        words = clean("\n".join(turn.lines))
        long = max(LINE_S, len(words) / LETTERS_A_SECOND)
        until = following if style is _BEHIND else min(following, turn.start + long)
        if turn.end is not None and turn.end > turn.start:
            until = turn.end
        said = f"{turn.who}: {words}" if turn.who and words else words
        reading.add(turn.start, round(min(until, turn.start + LAST_S), 3), said)
    return reading, clean("\n".join(above))


def _in_thousandths(text: str) -> str:
    """QTtext with the parts of its seconds, which count in a scale of its own, in thousandths."""
    scale = _SCALE.search(text[:1000]) if text[:1] == "{" else None
    if scale is None or not int(scale[1]):
        return text
    return _PART.sub(lambda m: f".{min(999, int(m[1]) * 1000 // int(scale[1])):03d}]", text)


def _style(lines: Sequence[str]) -> re.Pattern[str] | None:
    """How the clocks stand; None in other texts."""
    first = [line.strip() for line in lines if line.strip()][:PREAMBLE]
    if sum(_BEHIND.search(line) is not None for line in first) >= 2:
        return _BEHIND
    for style in _STYLES:
        above = next((n for n, line in enumerate(first) if _head(line, style)), None)
        if above is not None and _are_of_a_recording(lines, style, above):
            return style
    return None


def _are_of_a_recording(lines: Sequence[str], style: re.Pattern[str], above: int) -> bool:
    """Whether the clocks of this style are those of one; `above`: lines before the first."""
    heads = [found for line in lines if (found := _head(line.strip(), style))]
    times = [turn.start for turn in heads]
    if len(times) < (2 if style is _TRAIL else ENOUGH) or times[0] > FIRST_S:
        return False
    steps = [after - at for at, after in itertools.pairwise(times)]
    back = sum(step < 0 for step in steps)
    if (
        4 * back > len(times)
        or max(times) == times[0]
        or not any(turn.precise or turn.start % ROUND for turn in heads)
        or (len(times) >= ENOUGH and set(steps) == {1} and not any(t.precise for t in heads))
        or (style is _LEAD and any(turn.lines[0].startswith("<") for turn in heads))
    ):
        return False  # verses are counted by one, and in chats `<ann>` says so
    said = sum(bool(line.strip()) for line in lines) - above
    soon = times[0] <= SOON_S
    if style is _LEAD:
        return (2 * len(heads) > said and (soon or not above)) or (soon and 4 * len(heads) >= said)
    if style is _WITHIN:
        return 2 * len(heads) > said
    has_words = 2 * len(heads) <= said + 1  # below each, of the last one perhaps beyond
    return has_words and (soon or style is not _CLOSE)


def _turns(lines: Sequence[str], style: re.Pattern[str]) -> tuple[list[str], list[_Turn]]:
    """The lines above the first clock, and what follows each; a clock that runs back is a word."""
    if style is _BEHIND:
        return [], list(_before_clocks(lines))
    above, turns = list[str](), list[_Turn]()
    for line in lines:
        found = _head(line.strip(), style)
        if found is not None and (not turns or found.start >= turns[-1].start):
            turns.append(found)
        elif turns:
            if not _SPOKEN_CLOCK.fullmatch(line.strip()):
                turns[-1].lines.append(line)
        else:
            above.append(line)
    return above, turns


def _before_clocks(lines: Sequence[str]) -> Iterator[_Turn]:
    """Paragraphs whose end is told behind them: each begins where the one before ended."""
    turn = _Turn(0.0, "")
    for line in lines:
        found = _BEHIND.search(line)
        turn.lines.append(line[: found.start()] if found else line)
        if found is not None:
            yield turn
            turn = _Turn(_seconds(found.groups()), "")
    yield turn  # what no clock follows


def _head(line: str, style: re.Pattern[str]) -> _Turn | None:
    """What a line with a clock begins."""
    if ":" not in line[:100] or (style in (_ALONE, _LEAD) and line[:1] not in _BEGINNINGS):
        return None
    found = style.fullmatch(line[:MAX_LINE])
    if found is None:
        return None
    who, *times, words = found.groups()
    begin, end = times[:4], times[4:]
    if begin[2] is None:  # the other way of `_WITHIN`
        begin, end = end, begin
    until = _seconds(end) if end[2] is not None else None
    precise = begin[0] is not None or begin[3] is not None
    return _Turn(_seconds(begin), who, [words + line[MAX_LINE:]], until, precise)


def _seconds(groups: Sequence[str | None]) -> float:
    hours, minutes, whole, part = groups
    total = int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(whole or 0)
    return total + float(f"0.{part or 0}")
