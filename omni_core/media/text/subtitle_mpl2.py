"""Cues of MPL2 (`[10][35]words`, tenths of a second) and of TMPlayer (`0:00:01:words`).

Both have lines and nothing else, and so have the logs of programs: a text is taken for one only
where its first two lines have the form, with times as subtitles have them.
"""

from __future__ import annotations

import re

from omni_core.media.text.cues import clean
from omni_core.media.text.subtitle_reading import LINE_S, Reading, next_starts

LONGEST_S = 60
"""Seconds for which the first cues are shown at most."""
_TENTHS = re.compile(r"[ \t]*\[(\d{1,6})\]\[(\d{0,6})\](.*)")
_CLOCK = re.compile(r"[ \t]*(\d{1,2}):([0-5]\d):([0-5]\d)(?:[:=]|,(?:\d=|(?!\d)))(.*)")
_OTHER = (".csv", ".tsv", ".log")
"""Suffixes of files that have times of day at the heads of their lines."""


def is_mpl2(start: str) -> bool:
    """Whether the first two lines have a begin and an end in tenths of a second."""
    rows = [_TENTHS.match(line) for line in _first_lines(start)]
    times = [(int(row[1]), int(row[2] or int(row[1]) + 1)) for row in rows if row and row[3]]
    if len(times) < 2:
        return False
    (first, first_end), (second, second_end) = times
    lengths = (first_end - first, second_end - second)
    return first < second and all(0 < length <= LONGEST_S * 10 for length in lengths)


def is_tmplayer(start: str, suffix: str = "") -> bool:
    """Whether the first two lines have a time within the first hour, and words right after it."""
    rows = [_CLOCK.match(line) for line in _first_lines(start)]
    times = [_second(row) for row in rows if row and row[4][:1].strip() and _has_letter(row[4])]
    return suffix not in _OTHER and len(times) == 2 and times[0] < times[1] and times[0] < 3600


def read_mpl2(text: str) -> Reading:
    """A cue without an end is shown until the next one; `|` is a line break, `/` a slanted line."""
    rows = [row for row in map(_TENTHS.match, text.split("\n")) if row]
    lines = [(int(r[1]) / 10, int(r[2]) / 10 if r[2] else None, r[3]) for r in rows]
    return _reading(lines)


def read_tmplayer(text: str) -> Reading:
    """Each line is shown until the next one, at most 8 s; `|` is a line break."""
    rows = [row for row in map(_CLOCK.match, text.split("\n")) if row]
    return _reading([(float(_second(row)), None, row[4]) for row in rows])


def _reading(lines: list[tuple[float, float | None, str]]) -> Reading:
    reading = Reading()
    lines.sort(key=lambda line: line[0])
    after = next_starts([start for start, _, _ in lines])
    for (start, end, words), following in zip(lines, after, strict=True):
        shown = min(following, start + LINE_S) if end is None else end
        said = "\n".join(line.strip().lstrip("/") for line in words.split("|"))
        reading.add(start, shown, clean(said))
    return reading


def _first_lines(start: str) -> list[str]:
    return [line for line in start.split("\n") if line.strip()][:2]


def _second(row: re.Match[str]) -> int:
    return int(row[1]) * 3600 + int(row[2]) * 60 + int(row[3])


def _has_letter(words: str) -> bool:
    return any(c.isalpha() for c in words)
