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
_ALONE = re.compile(rf"[\[(]?{_TIME}[\])]?:?()()")
_LEAD = re.compile(rf"[\[(]?{_TIME}[\])]?(?:[ \t]*[-–—|:]|(?=[ \t]))[ \t]*()(\S.*)")
_TRAIL = re.compile(rf"(?:[ \t]*(?:\(|\[)|[ \t]{{2,}}|\t){_TIME}[\])]?:?$")
_NAME = re.compile(r"[^\W\d_][^\n!?:]{0,59}:?")
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
    style = _style(lines[:LOOKED_AT]) or _ALONE
    above, turns = _turns(lines, style)
    after = next_starts([turn.start for turn in turns])
    for turn, following in zip(turns, after, strict=True):
        words = clean("\n".join(turn.lines))
        long = max(LINE_S, len(words) / LETTERS_A_SECOND)
        until = following if style is _BEHIND else min(following, turn.start + long)
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
    for style in (_ALONE, _TRAIL, _LEAD):
        near = first[:1] if style is _LEAD else first
        if any(_head(line, style) for line in near) and _are_of_a_recording(lines, style):
            return style
    return None


def _are_of_a_recording(lines: Sequence[str], style: re.Pattern[str]) -> bool:
    heads = [found for line in lines if (found := _head(line.strip(), style))]
    times = [start for start, _, _ in heads]
    if len(times) < (2 if style is _TRAIL else ENOUGH) or times[0] > FIRST_S:
        return False
    back = sum(after < at for at, after in itertools.pairwise(times))
    if 4 * back > len(times) or max(times) == times[0] or not any(t % ROUND for t in times):
        return False
    said = sum(bool(line.strip()) for line in lines)
    if style is _LEAD:
        return 2 * len(heads) > said
    return 2 * len(heads) <= said + 1  # each has words below, the last one perhaps beyond


def _turns(lines: Sequence[str], style: re.Pattern[str]) -> tuple[list[str], list[_Turn]]:
    """The lines above the first clock, and what follows each; a clock that runs back is a word."""
    if style is _BEHIND:
        return [], list(_before_clocks(lines))
    above, turns = list[str](), list[_Turn]()
    for line in lines:
        found = _head(line.strip(), style)
        if found is not None and (not turns or found[0] >= turns[-1].start):
            turns.append(_Turn(found[0], found[1], [found[2]]))
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


def _head(line: str, style: re.Pattern[str]) -> tuple[float, str, str] | None:
    """The second, the speaker and the words of a line with a clock."""
    if style is _TRAIL:
        found = style.search(line[-80:]) if len(line) <= 80 else None
        name = line[: found.start()] if found else ""
        if found is None or not _NAME.fullmatch(name):
            return None
        return _seconds(found.groups()), name.rstrip(": "), ""
    found = style.fullmatch(line[:2000]) if line[:1] in "([0123456789" and line else None
    if found is None:
        return None
    return _seconds(found.groups()[:4]), "", line[found.start(6) :] if found[6] else ""


def _seconds(groups: Sequence[str | None]) -> float:
    hours, minutes, whole, part = groups
    total = int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(whole or 0)
    return total + float(f"0.{part or 0}")
