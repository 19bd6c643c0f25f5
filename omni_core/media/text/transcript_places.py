"""Whether the numbers in rows of texts are times, or count characters, lines, pages or years."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence

from omni_core.media.text.transcript_rows import Row

SINCE_1970 = 1e9
"""A begin that is a date, not a place in a recording, which has less milliseconds even."""
MIN_COUNTED = 3
"""Rows from which `1 to 12, 13 to 40, 41 to 44` are no times."""
MILLISECONDS = 100
"""Whole numbers of which the middle length is more than this are milliseconds."""
LATE_S = 600
"""Whole seconds within which the first words of a recording are said."""
SLOWEST, SLOWEST_AT_0, FASTEST = 2.0, 0.8, 60.0
"""Letters a second: people say 10 to 20, and 2 or more with pauses; a recording begins at 0, and so
do ages and scores."""
_EAST_ASIA, LETTERS = "\u2e80", 3
"""The first character of the scripts of East Asia, and the letters that say as much as one."""


def are_places(rows: Sequence[Row]) -> bool:
    """Whether the numbers count characters, as those of annotated text do, or lines or pages, each
    of which begins after the last one before, or seconds since 1970, or run back."""
    exact = sum(row.end is not None and row.end - row.start == len(row.text) for row in rows)
    back = sum(a.start > b.start for a, b in itertools.pairwise(rows))
    exact_or_back = 2 * max(exact, back) > len(rows)
    return exact_or_back or rows[0].start >= SINCE_1970 or _are_counted(rows)


def are_data(rows: Sequence[Row]) -> bool:
    """Whether whole numbers are more likely years, pages or ages than times: nobody would say the
    texts so slowly or so fast, or the first one comes late."""
    if any(row.end is None or row.start % 1 or row.end % 1 for row in rows):
        return False
    unit = 1000 if are_milliseconds(rows) else 1
    lengths = [(row.end or 0) - row.start for row in rows]
    rates = [
        _letters(row.text.strip()) * unit / length
        for row, length in zip(rows, lengths, strict=True)
        if length > 0
    ]
    first = rows[0].start / unit
    slowest = SLOWEST if first else SLOWEST_AT_0
    return first > LATE_S or not rates or not slowest <= statistics.median(rates) <= FASTEST


def _letters(text: str) -> int:
    return len(text) + (LETTERS - 1) * sum(c >= _EAST_ASIA for c in text)


def are_milliseconds(rows: Sequence[Row]) -> bool:
    """Whether the numbers are whole and so far apart that they cannot be seconds."""
    lengths = [row.end - row.start for row in rows if row.end is not None]
    whole = all(row.start == int(row.start) for row in rows)
    return whole and bool(lengths) and statistics.median(lengths) > MILLISECONDS


def _are_counted(rows: Sequence[Row]) -> bool:
    """Whether each row begins with the whole number after the last one of the row before, and the
    first with 1 or more: a recording begins at 0, lines and pages at 1. No milliseconds, which
    programs write so as well."""
    return (
        len(rows) >= MIN_COUNTED
        and rows[0].start >= 1
        and all(
            a.end is not None
            and a.start == int(a.start)
            and b.start == a.end + 1
            and a.end - a.start <= MILLISECONDS
            for a, b in itertools.pairwise(rows)
        )
    )
