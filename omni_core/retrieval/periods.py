"""Parses one date, weekday, month or relative date ("3 days ago") to a period of local time."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta


@dataclass(frozen=True, slots=True)
class Period:
    """[start, end) in local time, without a zone.

    A range that ends with a day includes it; one that ends with an `instant` (a time of day) ends
    at its start.
    """

    start: datetime
    end: datetime
    instant: bool = False

    @property
    def last(self) -> datetime:
        """The end of a range that ends with this period."""
        return self.start if self.instant else self.end


def period(phrase: str, now: datetime) -> Period | None:
    """The period that `phrase` names, by the first rule that matches it whole, or None."""
    phrase = re.sub(r"^(on|in|at|during|around|within) ", "", phrase)
    for pattern, rule in _RULES:
        match = pattern.fullmatch(phrase)
        if match is not None:
            try:
                return rule(match, now)
            except (ValueError, OverflowError):
                return None
    return None


_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_DAY_RX = r"(?P<day>mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?s?"
_MONTH_RX = r"(?P<month>" + "|".join(f"{m[:3]}(?:{m[3:]})?" for m in _MONTHS) + r"|sept)\.?"
_UNIT_RX = r"(?P<unit>second|sec|minute|min|hour|hr|day|week|month|year)s?"
_NUMBERS = (
    *("one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)
_NUMBER_RX = r"(?P<n>\d{1,5}|an?|few|couple|" + "|".join(_NUMBERS) + ")"
_PART_RX = r"(?P<part>morning|afternoon|evening|night)"
_PARTS = {"morning": (6, 12), "afternoon": (12, 18), "evening": (18, 24), "night": (18, 30)}
_UNITS = {"sec": "second", "min": "minute", "hr": "hour"}

_Rule = Callable[["re.Match[str]", datetime], Period]


def _whole_day(day: date) -> Period:
    start = datetime.combine(day, time())
    return Period(start, start + timedelta(days=1))


def _whole_month(year: int, month: int) -> Period:
    years, month0 = divmod(month - 1, 12)
    start = datetime(year + years, month0 + 1, 1)
    return Period(start, datetime(start.year + start.month // 12, start.month % 12 + 1, 1))


def _whole_year(year: int) -> Period:
    return Period(datetime(year, 1, 1), datetime(year + 1, 1, 1))


def _whole(unit: str, now: datetime, back: int) -> Period:
    """The calendar unit that holds now, or the one `back` units before."""
    if unit == "day":
        return _whole_day(now.date() - timedelta(days=back))
    if unit == "week":
        monday = now.date() - timedelta(days=now.weekday() + 7 * back)
        return Period(_whole_day(monday).start, _whole_day(monday + timedelta(days=7)).start)
    if unit == "month":
        return _whole_month(now.year, now.month - back)
    if unit == "year":
        return _whole_year(now.year - back)
    width = timedelta(**{unit + "s": 1})
    middle = now - back * width
    return Period(middle - width / 2, middle + width / 2)


def _number(word: str) -> int:
    fixed = {"a": 1, "an": 1, "couple": 2, "few": 3}
    if word in fixed:
        return fixed[word]
    return int(word) if word.isdecimal() else _NUMBERS.index(word) + 1


def _unit(m: re.Match[str]) -> str:
    return _UNITS.get(m["unit"], m["unit"])


def _rolling(m: re.Match[str], now: datetime) -> Period:
    """`past 7 days`: whole days up to the end of today; units shorter than a day end now."""
    unit, n = _unit(m), _number(m["n"] or "1")
    if unit in ("second", "minute", "hour"):
        return Period(now - n * timedelta(**{unit + "s": 1}), now)
    today = _whole_day(now.date())
    if unit in ("day", "week"):
        return Period(today.start - timedelta(days=n * (7 if unit == "week" else 1)), today.end)
    month = _whole_month(now.year, now.month - n * (12 if unit == "year" else 1))
    day = min(now.day, (month.end - month.start).days)
    return Period(month.start.replace(day=day), today.end)


def _calendar(m: re.Match[str], now: datetime) -> Period:
    unit, back = _unit(m), m["which"] != "this"
    if unit in ("second", "minute", "hour", "day") and back:
        return Period(now - timedelta(**{unit + "s": 1}), now)
    return _whole(unit, now, int(back))


def _weekday(m: re.Match[str], now: datetime) -> Period:
    target = next(i for i, name in enumerate(_DAYS) if name.startswith(m["day"][:3]))
    back = (now.weekday() - target) % 7
    if m["which"] == "this":
        return _part(_whole_day(now.date() - timedelta(days=now.weekday() - target)), m["part"])
    if back == 0 and m["which"]:
        back = 7
    return _part(_whole_day(now.date() - timedelta(days=back)), m["part"])


def _part(day: Period, part: str | None) -> Period:
    if not part:
        return day
    first, last = _PARTS[part]
    return Period(day.start + timedelta(hours=first), day.start + timedelta(hours=last))


def _named_day(m: re.Match[str], now: datetime) -> Period:
    back = {"today": 0, "this": 0, "yesterday": 1, "last": 1, "day before yesterday": 2}[m["name"]]
    return _part(_whole_day(now.date() - timedelta(days=back)), m["part"])


def _tonight(m: re.Match[str], now: datetime) -> Period:
    return _part(_whole_day(now.date()), "night")


def _weekend(m: re.Match[str], now: datetime) -> Period:
    monday = _whole("week", now, 0).start
    saturday = monday + timedelta(days=5 if m["which"] == "this" else -2)
    if m["which"] is None and now >= monday + timedelta(days=5):
        saturday = monday + timedelta(days=5)
    return Period(saturday, saturday + timedelta(days=2))


def _month_of(m: re.Match[str]) -> int:
    return next(i for i, name in enumerate(_MONTHS, 1) if name.startswith(m["month"][:3]))


def _month(m: re.Match[str], now: datetime) -> Period:
    month, year = _month_of(m), m["year"]
    if year:
        return _whole_month(int(year), month)
    begun = month < now.month or (month == now.month and m["which"] != "last")
    return _whole_month(now.year if begun or m["which"] == "this" else now.year - 1, month)


def _month_day(m: re.Match[str], now: datetime) -> Period:
    month, day = _month_of(m), int(m["d"])
    if m["year"]:
        return _whole_day(date(int(m["year"]), month, day))
    for year in range(now.year, now.year - 9, -1):  # 29 february: leap years lie up to 8 apart
        try:
            found = _whole_day(date(year, month, day))
        except ValueError:
            continue
        if found.start <= now:
            return found
    raise ValueError


def _ago(m: re.Match[str], now: datetime) -> Period:
    return _whole(_unit(m), now, _number(m["n"]))


def _iso_year(m: re.Match[str], now: datetime) -> Period:
    return _whole_year(int(m["y"]))


def _iso_month(m: re.Match[str], now: datetime) -> Period:
    if not 1 <= int(m["m"]) <= 12:
        raise ValueError
    return _whole_month(int(m["y"]), int(m["m"]))


def _iso_day(m: re.Match[str], now: datetime) -> Period:
    return _whole_day(date(int(m["y"]), int(m["m"]), int(m["d"])))


def _iso_week(m: re.Match[str], now: datetime) -> Period:
    monday = date.fromisocalendar(int(m["y"]), int(m["w"]), 1)
    return Period(_whole_day(monday).start, _whole_day(monday + timedelta(days=7)).start)


def _quarter(m: re.Match[str], now: datetime) -> Period:
    first = 3 * int(m["q"]) - 2
    year = int(m["y"]) if m["y"] else now.year - (first > now.month)
    return Period(_whole_month(year, first).start, _whole_month(year, first + 2).end)


def _iso_time(m: re.Match[str], now: datetime) -> Period:
    """A day with a time; as long as the smallest unit given: an hour, a minute or a second."""
    day = date(int(m["y"]), int(m["m"]), int(m["d"]))
    width = {"second": 1, "minute": 60, "hour": 3600}
    unit = "second" if m["s"] else "minute" if m["min"] else "hour"
    at = datetime.combine(day, time(int(m["h"]), int(m["min"] or 0), int(m["s"] or 0)))
    return Period(at, at + timedelta(seconds=width[unit]), instant=True)


_RULES: tuple[tuple[re.Pattern[str], _Rule], ...] = tuple(
    (re.compile(pattern), rule)
    for pattern, rule in (
        (r"(?P<y>\d{4})", _iso_year),
        (r"(?P<y>\d{4})-(?P<m>\d\d?)", _iso_month),
        (r"(?P<y>\d{4})([-/.])(?P<m>\d\d?)\2(?P<d>\d\d?)", _iso_day),
        (r"(?P<d>\d\d?)\.(?P<m>\d\d?)\.(?P<y>\d{4})", _iso_day),
        (r"(?P<y>\d{4})-?w(?P<w>\d\d?)", _iso_week),
        (
            r"(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)[t ](?P<h>\d\d?)(?::(?P<min>\d\d)"
            r"(?::(?P<s>\d\d)(?:\.\d+)?)?)?",
            _iso_time,
        ),
        (r"q(?P<q>[1-4])(?: (?P<y>\d{4}))?", _quarter),
        (r"(?P<y>\d{4})[- ]?q(?P<q>[1-4])", _quarter),
        (rf"(?P<name>today|this|yesterday|last|day before yesterday) {_PART_RX}", _named_day),
        (r"(?P<name>today|yesterday|day before yesterday)(?P<part>)", _named_day),
        (r"tonight", _tonight),
        (rf"(?:(?P<which>last|past|previous|this) )?{_DAY_RX}(?: {_PART_RX})?", _weekday),
        (r"(?:(?P<which>last|past|previous|this) )?weekend", _weekend),
        (rf"(?P<which>last|previous|this|current) {_UNIT_RX}", _calendar),
        (rf"(?:last|past|previous) (?:a )?{_NUMBER_RX} {_UNIT_RX}", _rolling),
        (rf"past (?P<n>){_UNIT_RX}", _rolling),
        (rf"{_NUMBER_RX} {_UNIT_RX} (?:ago|back|earlier)", _ago),
        (rf"(?:(?P<which>last|this) )?{_MONTH_RX}(?: (?P<year>\d{{4}}))?", _month),
        (rf"(?P<which>)(?P<year>\d{{4}}) {_MONTH_RX}", _month),
        (rf"(?P<d>\d\d?)(?:st|nd|rd|th)? {_MONTH_RX}(?: (?P<year>\d{{4}}))?", _month_day),
        (rf"{_MONTH_RX} (?P<d>\d\d?)(?:st|nd|rd|th)?(?: (?P<year>\d{{4}}))?", _month_day),
    )
)
