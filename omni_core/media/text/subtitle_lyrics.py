"""Cues of formats with a time at the head of each line: LRC, SubViewer 1 and MicroDVD."""

from __future__ import annotations

import itertools
import re
import statistics
from collections.abc import Callable

from omni_core.media.text.cues import clean
from omni_core.media.text.subtitle_reading import LINE_S, Reading, next_starts

DEFAULT_FPS = 23.976
"""Frames a second of MicroDVD subtitles that name none and lie beside no film."""
_LRC_LINE = re.compile(
    r"[ \t]*((?:\[[ \t]*(?:\d{1,2}:(?=\d{1,2}:\d{1,2}[.,]))?\d{1,3}:\d{1,2}(?:[.:,]\d{1,3})?"
    r"[ \t]*\][ \t]*)+)([^\n]*)"
)
_LRC_TIME = re.compile(r"\[[ \t]*(?:(\d+):(?=\d+:\d+[.,]))?(\d+):(\d+)(?:[.:,](\d+))?[ \t]*\]")
_CLOCK = re.compile(r"\[[ \t]*(\d{1,2}):(\d\d):(\d\d)[ \t]*\]")
"""Hours, minutes and seconds of a transcript, or minutes, seconds and hundredths of a song."""
SUNG = 75
"""Characters a second, if the times are those of a song, from which they are hours and minutes: a
song has 5 to 20, a transcript 5 to 20 a second, which would be 300 and more."""
FIRST_S = 120
"""Seconds within which a song begins, and a transcript; later ones are the times of a log."""
_LRC_WORD = re.compile(r"<\d+:\d+[.:]\d+>")
_LRC_LATER = re.compile(r"\[\d{1,3}:\d{1,2}[.:]\d{1,3}\]")
"""The time of a single word, in the brackets of lines."""
_UNSPACED = re.compile("[\u3040-\u9fff\u0e00-\u0eff]")
"""Letters of languages that are written without spaces."""
_LRC_TAG = re.compile(r"\[[a-z#][\w ]*:[^\]]*\]", re.I)
_LRC_OFFSET = re.compile(r"\[offset:[ \t]*([+-]?\d{1,7})[ \t]*\]", re.I)
_STAMP = re.compile(r"[ \t]*\[(\d{1,2}):(\d{1,2}):(\d{1,2})\][ \t]*$")
_FRAMES = re.compile(r"[ \t]*\{(\d{1,8})\}\{(\d{0,8})\}(.*)")
_DEFAULT = re.compile(r"[ \t]*\{DEFAULT\}", re.I)
"""The head of a line of MicroDVD about the look of all others."""
_FPS = re.compile(r"\d{1,3}(?:[.,]\d+)?")


def is_lrc(start: str, *, named: bool) -> bool:
    """Song lines with times in brackets after nothing but tags: two at least, of which the first
    is early, or one where the file is named as such."""
    lines = [line.strip() for line in with_hours(start, named=named).split("\n") if line.strip()]
    songs = [line for line in lines if not _LRC_TAG.fullmatch(line)][:2]
    if len(songs) < (1 if named else 2) or not all(map(_LRC_LINE.match, songs)):
        return False
    hours, minutes, whole, _ = _LRC_TIME.findall(songs[0])[0]
    return named or (int(hours or 0) * 60 + int(minutes)) * 60 + int(whole) <= FIRST_S


def with_hours(text: str, *, named: bool) -> str:
    """The text with `[00:01:05]` as `[00:01:05.0]` where that is an hour, a minute and a second: no
    third number is more than 59, and of a file that is named as a song the words would be said too
    fast otherwise."""
    found = list(_CLOCK.finditer(text))
    if not found or any(m[3] > "59" for m in found):
        return text
    starts = [int(m[1]) * 60 + int(m[2]) + int(m[3]) / 100 for m in found]
    rates = [
        (after.start() - one.end()) / (later - at)
        for (one, at), (after, later) in itertools.pairwise(zip(found, starts, strict=True))
        if later > at
    ]
    is_sung = named and (not rates or statistics.median_high(rates) <= SUNG)
    return text if is_sung else _CLOCK.sub(r"[\1:\2:\3.0]", text)


def read_lrc(text: str, *, named: bool) -> Reading:
    """A line is shown until the next one, with the lines below it that have no time; a line with
    several times is repeated; the file's offset and the times of single words are heeded and left
    out."""
    reading = Reading()
    text = with_hours(text, named=named)
    offset = _LRC_OFFSET.search(text)
    earlier = int(offset[1]) / 1000 if offset else 0.0
    lines: list[tuple[float, int]] = []
    said: list[list[str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        found = _LRC_LINE.match(line)
        if found is None:
            if (more := clean(line)) and not _LRC_TAG.fullmatch(line.strip()):
                if said:
                    said[-1].append(more)
                else:
                    reading.untimed.append(f"line {number}")
            continue
        said.append([clean(_LRC_WORD.sub("", _without_later(found[2])))])
        by_word = _LRC_LATER.search(found[2])  # and a second time is that of the first word
        for hours, minutes, whole, part in _LRC_TIME.findall(found[1])[: 1 if by_word else None]:
            of_day = (int(hours or 0) * 60 + int(minutes)) * 60 + int(whole)
            at = of_day + float(f"0.{part or 0}") - earlier
            lines.append((round(max(0.0, at), 3), len(said) - 1))
    texts = [" ".join(filter(None, words)) for words in said]
    lines.sort(key=lambda line: line[0])
    after = next_starts([at for at, _ in lines])
    for (at, n), following in zip(lines, after, strict=True):
        reading.add(at, min(following, at + LINE_S), texts[n])
    return reading


def _without_later(words: str) -> str:
    """The words without times in brackets, which stand for a space where they have no other."""
    whole = _LRC_LATER.sub("", words).strip()
    return whole if " " in whole or _UNSPACED.search(whole) else _LRC_LATER.sub(" ", words)


def read_subviewer1(text: str) -> Reading:
    """Words between two lines of times in brackets."""
    reading = Reading()
    at: float | None = None
    held: list[str] = []
    for line in text.split("\n"):
        stamp = _STAMP.match(line)
        if stamp is None:
            held.append(line.replace("|", "\n"))
            continue
        time = float(int(stamp[1]) * 3600 + int(stamp[2]) * 60 + int(stamp[3]))
        if at is not None:
            reading.add(at, time, clean("\n".join(held)))
        at, held = time, []
    if at is not None:
        reading.add(at, at + LINE_S, clean("\n".join(x for x in held if x[:1] not in "[*")))
    return reading


def is_microdvd(start: str, *, named: bool) -> bool:
    """Lines with two numbers of frames: the first two, or one where the file is named as such."""
    lines = [line for line in start.split("\n") if line.strip() and not _DEFAULT.match(line)][:2]
    return len(lines) >= (1 if named else 2) and all(map(_FRAMES.match, lines))


def read_microdvd(text: str, ask: Callable[[], float | None] | None = None) -> Reading:
    """Frames as seconds at the rate that the first line names, else that of the film (`ask`)."""
    reading = Reading()
    rows = [m for m in map(_FRAMES.match, text.split("\n")) if m]
    named = _FPS.fullmatch(rows[0][3].strip()) if rows else None
    fps: float | None = None
    if named is not None and int(rows[0][1]) <= 1:
        fps = float(named[0].replace(",", "."))
        del rows[0]
    elif rows and ask is not None:
        fps = ask()
    if rows and not fps:
        reading.notes.append(
            f"no frame rate is named in it: its times are counted at {DEFAULT_FPS:g} frames a "
            "second and may drift"
        )
    rate = fps or DEFAULT_FPS
    for n, row in enumerate(rows):
        start = int(row[1])
        end = int(row[2]) if row[2] else None
        if end is None:
            after = int(rows[n + 1][1]) if n + 1 < len(rows) else start
            end = after if after > start else start + round(LINE_S * rate)
        words = clean("\n".join(x.lstrip("/") for x in row[3].split("|")))
        reading.add(round(start / rate, 3), round(end / rate, 3), words)
    return reading
