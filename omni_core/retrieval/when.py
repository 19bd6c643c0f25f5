"""Parses a date filter in words to a half-open interval of time.

`parse("last tuesday", now, tz)` returns the interval and its description, which results repeat so
that an agent sees how the filter was understood. Ambiguous dates are in the past: media were
recorded before now.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, tzinfo

from omni_core import limits
from omni_core.errors import BadRequestError
from omni_core.retrieval.periods import Period, period

EXAMPLES = (
    "2026-11-17",
    "2026-11",
    "2026-11-01/2026-11-17",
    "last tuesday",
    "yesterday morning",
    "past 7 days",
    "3 weeks ago",
    "march 2024",
    "since 2024-01-01",
    "before june",
)


@dataclass(frozen=True, slots=True)
class Interval:
    """[start, end) in time; None is open. `words` describes it, with the time zone."""

    start: datetime | None
    end: datetime | None
    words: str


def parse(text: str, now: datetime, tz: tzinfo) -> Interval:
    """The interval that `text` names at `now` (aware), in the time zone `tz`.

    Dates are ISO 8601 (a year, month, week, day or time), English (`5 march 2024`, `tuesday`),
    relative (`yesterday`, `past 7 days`, `2 weeks ago`), or a range: `A/B`, `A to B`,
    `since A`, `after A`, `before A`, `until A`. A range of days includes its last day.
    A month or weekday without a year or date is the latest one that has begun.

    Raises BadRequestError: BAD_WHEN, or BAD_ARGUMENT for a text that is too long.
    """
    limits.check(when=text)
    here = now.astimezone(tz).replace(tzinfo=None)
    phrase = _normal(_to_local(text, tz))
    found = _range(phrase, here) if phrase else None
    if found is None:
        raise _bad(text, "is not a date or period")
    start, end = found
    try:
        first = None if start is None else start.replace(tzinfo=tz)
        last = None if end is None else end.replace(tzinfo=tz)
        if first is not None and last is not None and first >= last:
            raise _bad(text, "ends before it starts")
        return Interval(first, last, _words(start, end, str(tz)))
    except (OverflowError, ValueError):
        raise _bad(text, "is out of the calendar") from None


def _bad(text: str, what: str) -> BadRequestError:
    shown = " ".join(text.split())[:60]
    return BadRequestError(f"{shown!r} {what}; write e.g. {', '.join(EXAMPLES)}", code="BAD_WHEN")


def _words(start: datetime | None, end: datetime | None, zone: str) -> str:
    def show(at: datetime) -> str:
        return at.isoformat(" ", "seconds" if at.second else "minutes")

    if start is None:
        return f"before {show(end)} {zone}" if end else f"any time {zone}"
    return f"{show(start)} to {show(end)} {zone}" if end else f"since {show(start)} {zone}"


_WITH_OFFSET = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?\s?(?:[Zz]|[+-]\d\d:?\d\d)"
)


def _to_local(text: str, tz: tzinfo) -> str:
    """`text` with each time that has a UTC offset converted to local time in `tz`."""

    def local(match: re.Match[str]) -> str:
        stamp = re.sub(r"\s(?=[Zz+-])", "", match[0].upper())
        try:
            at = datetime.fromisoformat(stamp).astimezone(tz).replace(tzinfo=None)
        except (ValueError, OverflowError):
            return match[0]
        return at.isoformat(timespec="seconds")

    return _WITH_OFFSET.sub(local, text)


def _normal(text: str) -> str:
    text = text.casefold().replace("–", "-").replace("—", "-").replace("…", "..")
    text = re.sub(r"[,!?\"]", " ", text)
    text = re.sub(r"\b(the|of)\b", " ", text)
    return " ".join(text.split())


_Pair = tuple[datetime | None, datetime | None]
_OPEN = {"since": "from", "from": "from", "after": "after", "before": "before", "until": "until"}
_OPEN |= {"till": "until", "up to": "until", "later than": "after", "earlier than": "before"}
_OPEN |= {"starting": "from", "older than": "before", "newer than": "after"}


def _range(phrase: str, now: datetime) -> _Pair | None:
    one = period(phrase, now)
    if one is not None:
        return one.start, one.end
    for word, kind in _OPEN.items():
        rest = phrase.removeprefix(word + " ")
        if rest != phrase:
            p = period(rest, now)
            if p is not None:
                return _open(kind, p)
    return _two_sided(phrase, now)


def _open(kind: str, p: Period) -> _Pair:
    if kind == "from":
        return p.start, None
    if kind == "after":
        return p.last, None
    return None, (p.start if kind == "before" else p.last)


_SEPARATORS = (r"\s*/\s*", r"\s*\.\.+\s*", r"\s+to\s+", r"\s+until\s+", r"\s+till\s+", r"\s+-\s+")


def _two_sided(phrase: str, now: datetime) -> _Pair | None:
    phrase = re.sub(r"^(from|between) ", "", phrase)
    for separator in (*_SEPARATORS, r"\s+and\s+"):
        for cut in re.finditer(separator, phrase):
            left, right = phrase[: cut.start()], phrase[cut.end() :]
            if left in ("", "..") or right in ("", ".."):
                p = period(right if left in ("", "..") else left, now)
                if p is not None:
                    return _open("until" if left in ("", "..") else "from", p)
                continue
            pair = _both(left, right, now)
            if pair is not None:
                return pair
    return None


_YEAR = re.compile(r"\b(?:19|20)\d\d\b")


def _both(left: str, right: str, now: datetime) -> _Pair | None:
    b = period(right, now)
    if b is None:
        return None
    year = _YEAR.search(right)
    if year and not _YEAR.search(left):
        # "march to may 2024": the year applies to both.
        a = period(f"{left} {year[0]}", now) or period(left, now)
    else:
        # "november to february", asked in march: november of the year before.
        a = period(left, now) or None
        if a is not None and a.start >= b.last and not _YEAR.search(left):
            a = period(left, b.start) or a
    return None if a is None else (a.start, b.last)
