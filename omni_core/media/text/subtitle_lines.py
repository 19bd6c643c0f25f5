"""Cues of formats with a line of times before the words: SRT, WebVTT, SBV, SubViewer 2, and the
lines that whisper.cpp and faster-whisper print.

Real files are looser than their formats. Kept are cues with empty lines inside or none between
them, without counters, with a last line that is a number, with times like `0:0:1,5`, `00:00:01:500`
or `- 00:00:01,000->00:00:02,000`, out of order, and with their words behind the times.
"""

from __future__ import annotations

import re

from omni_core.media.text.cues import clean
from omni_core.media.text.subtitle_reading import TIME, Reading, seconds

_ARROW = "(?:[-\u2010-\u2015=]{1,3}[ \t]?>|\u2192)"
TIMING = re.compile(rf"[ \t]*(?:\d+[ \t]+)?(\[)?[ \t]*{TIME}[ \t]*{_ARROW}[ \t]*{TIME}[ \t]*(\])?")
PAIR = re.compile(rf"[ \t]*()?{TIME}[ \t]*,[ \t]*{TIME}[ \t]*()?$")
"""Two times with a comma: SBV and SubViewer."""
_IN_SECONDS = re.compile(r"^\[(\d{1,6}(?:\.\d+)?)s -> (\d{1,6}(?:\.\d+)?)s\]", re.M)
"""What faster-whisper prints before words: `[0.00s -> 2.50s]`."""
_BROKEN = re.compile(rf"([\d:.,;xX? \t-]{{3,40}}?){_ARROW}")
"""What was meant for a line of times."""
_ARROW_SIGN = re.compile(_ARROW)
_ONE_TIME = re.compile(r"\d{1,3}(?:[:.,;][ ]?\d{1,2}){2}[:.,;][ ]?\d{1,3}")
_PARTS = re.compile(r"\d+")
NUMBERS = 4
"""Of a time: hours, minutes, seconds and their fraction."""
_SETTINGS = re.compile(r"(?:[ \t]+\w+[:=]\S*)*[ \t]*$")
_INLINE_TIME = re.compile(r"<[\d:.]+>")
_VTT_BLOCK = re.compile(r"(NOTE|STYLE|REGION)\b")
_VOICE = re.compile(r"<v(?:\.[\w.-]*)?[ \t]+([^<>]{1,80})>")
"""WebVTT's speaker of what follows."""


def with_clocks(text: str) -> str:
    """The text with times in plain seconds at the begin of lines as clocks."""
    if "s -> " not in text:
        return text

    def clocks(m: re.Match[str]) -> str:
        start, end = (float(m[n]) for n in (1, 2))
        return f"[{_clock(start)} --> {_clock(end)}]"

    return _IN_SECONDS.sub(clocks, text)


def _clock(time: float) -> str:
    minutes, rest = divmod(round(time * 1000), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}"


def begins_cue(line: str) -> bool:
    """Two times with an arrow and at most cue settings; `10:30 --> 11:45`, a timetable, is none.
    Words may follow times in brackets."""
    times = TIMING.match(line)
    if times is None or not (times[3] or times[6]):
        return False
    if times[1] and times[12]:
        return True
    return _is_settings(line[times.end() :])


def read_lines(text: str, kind: str) -> Reading:
    """The cues of SRT (`srt`), WebVTT (`vtt`), SBV (`sbv`) or SubViewer 2 (`subviewer`)."""
    reading = Reading()
    if kind == "subviewer":
        text = text.replace("[br]", "\n").replace("[BR]", "\n")
    timing = PAIR if kind in ("sbv", "subviewer") else TIMING
    block = _Block(kind, reading)
    skipped = False
    for number, line in enumerate(text.split("\n"), 1):
        times = timing.match(line)
        if times is not None:
            groups = times.groups()
            rest = line[times.end() :]
            own = kind == "srt" and (groups[0] is not None or not _is_settings(rest))
            block.begin(seconds(groups[1:6]), seconds(groups[6:11]), rest.strip() if own else "")
            skipped = False
            continue
        if kind in ("srt", "vtt") and _is_broken(line):
            if meant := _meant(line):
                block.begin(*meant, "")
                continue
            reading.untimed.append(f"line {number}")
            block.leave()
            continue
        if kind == "vtt" and block.after_empty and _VTT_BLOCK.match(line):
            skipped = True
        skipped = skipped and bool(line.strip())
        if not skipped:
            block.add(line)
    block.end()
    return reading


class _Block:
    """The lines after a line of times, until the next one."""

    def __init__(self, kind: str, reading: Reading) -> None:
        self._kind, self._reading = kind, reading
        self._times: tuple[float, float] | None = None
        self._lines: list[str] = []
        self._count = 0
        self._counted: bool | None = None
        """Whether cues are numbered; known from the first one."""

    @property
    def after_empty(self) -> bool:
        """Whether the last line was empty."""
        return bool(self._lines) and not self._lines[-1].strip()

    def add(self, line: str) -> None:
        """One more line; of those before the first cue only the last few are kept."""
        self._lines.append(line)
        if self._times is None:
            del self._lines[:-4]

    def begin(self, start: float, end: float, rest: str) -> None:
        """A line of times; `rest`: words that follow them on it."""
        if self._counted is None:
            said = [line for line in self._lines if line.strip()]
            self._counted = bool(said) and said[-1].strip().isdecimal()
        self._finish(before_next=True)
        self._count += 1
        self._times = (start, end)
        self._lines = [rest] if rest else []

    def leave(self) -> None:
        """The next lines belong to a cue that is left out."""
        self._finish(before_next=True)
        self._count += 1
        self._times, self._lines = None, []

    def end(self) -> None:
        """The end of the file."""
        self._finish(before_next=False)

    def _finish(self, *, before_next: bool) -> None:
        if self._times is None:
            return
        lines = self._without_counter() if before_next else self._without_last_counter()
        words = "\n".join(map(_with_speaker, lines))
        self._reading.add(*self._times, clean(words, markup=self._kind == "vtt"))

    def _without_last_counter(self) -> list[str]:
        """The lines without a counter to which no cue belongs, at the end of the file."""
        said = [line.strip() for line in self._lines]
        while said and not said[-1]:
            said.pop()
        alone = len(said) > 1 and not said[-2] and said[-1] == str(self._count + 1)
        return self._lines[: len(said) - 1] if self._counted and alone else self._lines

    def _without_counter(self) -> list[str]:
        """The lines without the next cue's counter or WebVTT name.

        That line directly precedes the next line of times; empty lines may follow a counter.
        """
        lines, end = self._lines, len(self._lines)
        while end and not lines[end - 1].strip():
            end -= 1
        if not end:
            return []
        last = lines[end - 1].strip()
        if end < len(lines):
            leads = last == str(self._count + 1)
        else:
            named = self._kind == "vtt" and end > 1 and not lines[end - 2].strip()
            numbered = bool(self._counted) or last == str(self._count + 1)
            leads = named or (last.isdecimal() and numbered)
        return lines[: end - leads]


def webvtt_words(text: str) -> str:
    """The words of one cue of WebVTT, after the names of their speakers."""
    return clean("\n".join(map(_with_speaker, text.split("\n"))), markup=True)


def _with_speaker(line: str) -> str:
    return _VOICE.sub(r"\1: ", _INLINE_TIME.sub("", line))


def _is_broken(line: str) -> bool:
    meant = _BROKEN.match(line)
    return meant is not None and sum(c.isdigit() for c in meant[1]) >= 2


def _meant(line: str) -> tuple[float, float] | None:
    """The seconds of two times with other signs between their numbers, `00,00,01,000`; of a begin
    without an end, twice the begin."""
    first, _, second = _ARROW_SIGN.sub("\n", line, count=1).partition("\n")
    begin, end = (_PARTS.findall(half) for half in (first, second))
    if len(begin) != NUMBERS or not _ONE_TIME.fullmatch(first.strip()):
        return None
    start = _of_parts(begin)
    if not second.strip():
        return start, start
    if len(end) != NUMBERS or not _ONE_TIME.fullmatch(second.strip()):
        return None
    return start, _of_parts(end)


def _of_parts(parts: list[str]) -> float:
    return seconds(("", *parts))


def _is_settings(rest: str) -> bool:
    """Whether what follows times is WebVTT's or SubRip's settings, or nothing."""
    return _SETTINGS.fullmatch(" " + rest) is not None
