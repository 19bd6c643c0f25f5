"""Cues as rows of a table with clocks, as editors and services export transcripts (Premiere, Rev).

`Speaker Name,Start Time,End Time,Text` in any order. A table counts as one where all of its columns
are such, its clocks begin in the first two minutes and never run back.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Callable, Iterator, Sequence

from omni_core.media.text.cues import clean
from omni_core.media.text.plain import MAX_MB
from omni_core.media.text.subtitle_reading import LINE_S, Reading, next_starts
from omni_core.media.text.subtitle_timecoded import DEFAULT_FPS

_ROLES = {
    "start": ("start", "start time", "in", "in point", "timecode in", "begin", "timestamp", "time"),
    "end": ("end", "end time", "out", "out point", "timecode out", "stop"),
    "speaker": ("speaker", "speaker name", "speakers", "name", "character"),
    "text": ("text", "transcript", "dialogue", "caption", "subtitle", "words", "sentence"),
    "": ("#", "id", "no", "index", "duration", "confidence", "language", "channel"),
}
_CLOCK = re.compile(r"(?:(\d{1,2}):)?(\d{1,3}):([0-5]\d)(?:([.,])(\d{1,3})|[:;]([0-5]\d))?")
_SECONDS = re.compile(r"\d{1,6}\.\d{1,6}")
FIRST_S = 120
"""Seconds within which the first words of a recording are said."""
LOOKED_AT = 5
"""Rows by which a table is told."""


def is_cue_table(start: str) -> bool:
    """Whether the beginning of a text is that of such a table."""
    found = _columns(start.partition("\n")[0])
    if found is None:
        return False
    delimiter, at = found
    rows = list(itertools.islice(_rows(start, delimiter), LOOKED_AT + 1))
    whole = rows[: max(1, len(rows) - 1)]  # the last one may be cut off
    times = [_time(row, at["start"], DEFAULT_FPS) for row in whole]
    if not times or times[0] is None or times[0] > FIRST_S:
        return False
    return all(a is not None and b is not None and a <= b for a, b in itertools.pairwise(times))


def read_cue_table(text: str, ask: Callable[[], float | None] | None = None) -> Reading:
    """The cues; rows without a time are named. Frames count at the rate of the film (`ask`)."""
    reading = Reading()
    found = _columns(text.partition("\n")[0])
    if found is None:
        return reading
    delimiter, at = found
    rate = (ask() if ask is not None else None) or DEFAULT_FPS
    said: list[tuple[float, float | None, str]] = []
    for number, row in enumerate(_rows(text, delimiter), 2):
        start = _time(row, at["start"], rate)
        if start is None:
            reading.untimed.append(f"row {number}")
            continue
        words = clean(_cell(row, at["text"]))
        who = _cell(row, at["speaker"]) if "speaker" in at else ""
        end = _time(row, at["end"], rate) if "end" in at else None
        said.append((start, end, f"{who}: {words}" if who and words else words))
    said.sort(key=lambda cue: cue[0])
    after = next_starts([start for start, _, _ in said])
    for (start, end, words), following in zip(said, after, strict=True):
        reading.add(start, min(following, start + LINE_S) if end is None else end, words)
    return reading


def _columns(header: str) -> tuple[str, dict[str, int]] | None:
    """The delimiter, and where each role has its column; None for the header of another table."""
    for delimiter in ",;\t":
        names = [name.strip(' "').lower().replace("_", " ") for name in header.split(delimiter)]
        roles = [next((r for r, known in _ROLES.items() if n in known), None) for n in names]
        if None in roles or "start" not in roles or "text" not in roles:
            continue
        if {"name", "time"}.issubset(names) and "end" not in roles:
            continue  # of runners, for one
        if ("end" in roles or "speaker" in roles) and roles.count("start") == 1:
            return delimiter, {role: n for n, role in enumerate(roles) if role}
    return None


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(MAX_MB << 20)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    try:
        next(reader)
        yield from (row for row in reader if any(map(str.strip, row)))
    except (csv.Error, StopIteration):
        return


def _cell(row: Sequence[str], n: int) -> str:
    return row[n].strip() if n < len(row) else ""


def _time(row: Sequence[str], n: int, rate: float) -> float | None:
    """Seconds of `1:05`, `00:01:05.5`, `00:01:05:12` with frames, or `65.5`."""
    said = _cell(row, n)
    if _SECONDS.fullmatch(said):
        return float(said)
    found = _CLOCK.fullmatch(said)
    if found is None:
        return None
    hours, minutes, whole, _, part, frames = found.groups()
    time = (int(hours or 0) * 60 + int(minutes)) * 60 + int(whole) + float(f"0.{part or 0}")
    return round(time + int(frames or 0) / rate, 3)
