"""Transcripts in JSON that people typed, with minutes and seconds as on a player: `1:05`.

So are times of day written. A list counts as a transcript where its clocks begin in the first two
minutes and never run back, and speakers, hours or odd seconds tell that they are no timetable.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any

from omni_core.media.text.transcript_rows import (
    END,
    SPEAKER,
    START,
    TEXT,
    Row,
    lists_of,
    speaker_of,
    value_of,
)

_BEGIN = (*START, "time", "timestamp")
_KNOWN = {*_BEGIN, *END, *SPEAKER, *TEXT, "id", "index"}
_CLOCK = re.compile(r"[\[(]?(?:(\d{1,2}):)?(\d{1,3}):(\d\d)(?:[.,](\d{1,3}))?[\])]?")
FIRST_S = 120.0
"""Seconds within which a recording's first words begin."""
ROUND = 5
"""Minutes of timetables are multiples of it, and hours that last until `7:59`."""


def by_hand(top: Any) -> tuple[list[Row], frozenset[str]]:
    """The rows of the first list that is one, and their clocks as they stand; none of any other."""
    for _, values in lists_of(top, "", 0):
        rows = list(map(_row, values))
        found = [row for row in rows if row is not None]
        if len(found) < 2 or len(found) < len(rows) or not _are_of_a_player(found, values):
            continue
        clocks = (one.get(name) for one in values for name in (*_BEGIN, *END))
        return found, frozenset(clock for clock in clocks if isinstance(clock, str))
    return [], frozenset()


def _row(one: Mapping[str, Any]) -> Row | None:
    text, start = value_of(one, TEXT), _seconds(value_of(one, _BEGIN))
    if not isinstance(text, str) or start is None:
        return None
    return Row(start, _seconds(value_of(one, END)), text, speaker_of(one))


def _are_of_a_player(rows: Sequence[Row], values: Sequence[Mapping[str, Any]]) -> bool:
    if rows[0].start >= FIRST_S or any(a.start > b.start for a, b in itertools.pairwise(rows)):
        return False
    if any(isinstance(v, str) and k not in _KNOWN for one in values for k, v in one.items()):
        return False  # something else with a time
    clocks = [str(value_of(one, _BEGIN)) for one in values]
    if any(clock.count(":") > 1 for clock in clocks):
        return True
    return any(one.keys() & {*SPEAKER} for one in values) or any(
        row.start % ROUND or all(((row.end or 0.0) + more) % ROUND for more in (0, 1))
        for row in rows
    )


def _seconds(value: Any) -> float | None:
    found = _CLOCK.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None or int(found[3]) > 59:
        return None
    whole = int(found[1] or 0) * 3600 + int(found[2]) * 60 + int(found[3])
    return whole + float(f"0.{found[4] or 0}")
