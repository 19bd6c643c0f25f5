"""Cell values of a spreadsheet as displayed: dates, times, percentages, units, currencies.

A cell stores 0.25 or 43637.573; its number format (ECMA-376 part 1, 18.8.31) displays it as 25 %
or as a date. Dates are written as ISO 8601 and digits are not grouped, whatever the locale.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

BUILT_IN = {
    9: "0%", 10: "0.00%", 12: "# ?/?", 13: "# ??/??",
    **dict.fromkeys((14, 15, 16, 17, *range(27, 32), *range(34, 37), *range(50, 59)), "yyyy-mm-dd"),
    **dict.fromkeys((18, 20, 32), "h:mm"), **dict.fromkeys((19, 21, 33), "h:mm:ss"),
    22: "yyyy-mm-dd h:mm", 45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0",
}  # fmt: skip
"""Built-in format ids (18.8.30); ids that are not here show the number as stored."""

_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|\[\$(?P<currency>[^\]-]*)(?:-[^\]]*)?\]'
    r"|\[(?P<elapsed>h+|m+|s+)\]|\[[^\]]*\]|[_*].|(?P<half>am/pm|a/p)|(?P<general>general)"
    r"|(?P<date>[yd]+|e+(?![+-]))|(?P<time>[hs]+)|(?P<month>m+)|(?P<digits>[0#?][0#?.,]*)"
    r"|(?P<sign>[$€£¥₹₽₩%])|(?P<other>.)",
    re.I | re.S,
)
_PARTS = re.compile(r"(?P<whole>[0#?]+ )?[0#?]+ ?/ ?(?P<below>[0#?]{1,5}|[1-9]\d{0,4})(?![\d.,])")
"""A fraction in a format code; its denominator has so many digits, or is written there."""
_CONDITION = re.compile(r"\[[<>=]")
_EPOCH = datetime(1899, 12, 30)
_DAYS_TO_1904 = 1462


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """One parsed section of a number format code.

    `date`, `time`, `elapsed`: which parts of a date or time it shows, and `places` of its seconds'
    fraction. Other numbers are multiplied
    by `factor` (100 for percent) and get `decimals` places, before them at least `width` digits
    (zero-padded),
    and `before` and `after` (a unit or a currency). `mask`: groups of digits, marked True, between
    other characters, as of a telephone number; they are filled from the right. `parts`: a number
    is shown as a fraction with this denominator, or one of at most `-parts`; `mixed`: beside its
    whole part.
    """

    date: bool = False
    time: bool = False
    elapsed: bool = False
    places: int = 0
    before: str = ""
    after: str = ""
    decimals: int | None = None
    width: int = 0
    factor: float = 1.0
    mask: tuple[tuple[bool, str], ...] = ()
    parts: int = 0
    mixed: bool = False

    def show(self, raw: str, *, from_1904: bool = False) -> str:
        """The value of a cell (`raw`, as stored) as text; `raw` itself if it is no number.

        from_1904: the workbook uses the 1904 date system (18.2.28).
        """
        try:
            value = float(raw)
            if self.date or self.time or self.elapsed:
                return self._moment(value, from_1904)
        except (ValueError, OverflowError):
            return raw
        if self.mask and value >= 0 and value.is_integer():
            return self._filled(f"{value:.0f}")
        if self.parts and abs(value) < 1e9:
            return f"{self.before}{self._fraction(value)}{self.after}"
        if self.decimals is None:
            return _exact(raw, value)
        places = min(self.decimals, 15)
        width = self.width + (places and self.width and 1 + places)
        text = f"{abs(value * self.factor):.{places}f}".zfill(width)
        sign = "-" if value < 0 and text.strip("0.") else ""
        return f"{sign}{self.before}{text}{self.after}"

    def _fraction(self, value: float) -> str:
        """`1 1/2`, `-3/4`, `2`."""
        if self.parts > 0:
            above, below = round(abs(value) * self.parts), self.parts
        else:
            above, below = Fraction(abs(value)).limit_denominator(-self.parts).as_integer_ratio()
        sign = "-" if value < 0 and above else ""
        whole, rest = divmod(above, below) if self.mixed else (0, above)
        if not rest or (below == 1 and not self.mixed):
            return f"{sign}{whole or rest}"
        return f"{sign}{f'{whole} ' if whole else ''}{rest}/{below}"

    def _filled(self, digits: str) -> str:
        shown: list[str] = []
        left = sum(is_digits for is_digits, _ in self.mask)
        for is_digits, text in reversed(self.mask):
            if is_digits:
                left -= 1
                take = len(text) if left else len(digits)
                group, digits = digits[-take:] if take else "", digits[: len(digits) - take]
                text = group.zfill(text.count("0"))
            shown.append(text)
        return "".join(reversed(shown)).strip()

    def _moment(self, value: float, from_1904: bool) -> str:
        if self.elapsed:
            minutes, seconds = divmod(round(abs(value) * 86_400, self.places), 60)
            minutes = int(minutes)
            rest = f":{self._seconds(seconds)}" if seconds else ""
            return f"{'-' if value < 0 else ''}{minutes // 60}:{minutes % 60:02d}{rest}"
        if from_1904:
            value += _DAYS_TO_1904
        elif value < 0 or (value == 0 and self.date):
            raise ValueError("no date has this serial number")
        elif 1 <= value < 60:
            value += 1  # the 1900 date system has a day 1900-02-29, after Lotus 1-2-3
        when = _EPOCH + timedelta(seconds=round(value * 86_400, self.places))
        seconds = when.second + when.microsecond / 1e6
        clock = f"%H:%M:{self._seconds(seconds)}" if seconds else "%H:%M"
        if not self.date or 0 < value < 1:
            return when.strftime(clock)
        midnight = not (when.hour or when.minute or seconds)
        return when.strftime("%Y-%m-%d" if midnight or not self.time else f"%Y-%m-%d {clock}")

    def _seconds(self, seconds: float) -> str:
        """Two digits, and a fraction where there is one."""
        seconds = round(seconds, self.places)
        places = self.places if seconds % 1 else 0
        return f"{seconds:0{3 + places if places else 2}.{places}f}"


PLAIN = NumberFormat()
"""The format `General`: the number with at most 15 significant digits."""


def number_format(code: str) -> NumberFormat:
    """Parse the first section of a format code, the one for positive numbers."""
    tokens = [(m.lastgroup or "", m.group(m.lastgroup or 0)) for m in _TOKEN.finditer(code)]
    tokens = tokens[: tokens.index(("other", ";"))] if ("other", ";") in tokens else tokens
    kinds = {kind for kind, _ in tokens}
    if kinds & {"date", "month", "time", "half", "elapsed"}:
        time = bool(kinds & {"time", "half"})
        # `m` beside hours or seconds is minutes, and a date has at least two of year, month, day
        date = "date" in kinds or ("month" in kinds and not time)
        shown = "".join(text.lower() for kind, text in tokens if kind != "quoted")
        fraction = re.search(r"s\.(0+)", shown)
        places = min(len(fraction[1]), 6) if fraction else 0
        return NumberFormat(date=date, time=time, elapsed="elapsed" in kinds, places=places)
    return _of_number(tokens, conditional=_CONDITION.search(code) is not None)


def _of_number(tokens: list[tuple[str, str]], *, conditional: bool) -> NumberFormat:
    """A format with a unit, zero padding or several groups of digits; `PLAIN` for all others."""
    if fraction := _of_fraction("".join(text for _, text in tokens), tokens):
        return fraction
    places = [i for i, (kind, _) in enumerate(tokens) if kind == "digits"]
    if len(places) > 1 and not conditional:
        return _of_groups(tokens)
    if len(places) != 1:
        return PLAIN
    digits = tokens[places[0]][1]
    before = _literals(tokens[: places[0]]).lstrip()
    after = _literals(tokens[places[0] + 1 :]).rstrip()
    padded = re.match("00+(?![0#?])", digits)
    width = min(len(padded[0]), 20) if padded else 0
    if padded and padded[0] == digits and not before + after:
        return NumberFormat(decimals=0, width=width)
    if not re.search(r"[^\W\d_]|[$€£¥₹₽₩%°]", before + after):
        return PLAIN
    scaled = digits.rstrip(",")  # each comma at the end divides by a thousand
    factor = 100.0 ** (before + after).count("%") / 1000.0 ** (len(digits) - len(scaled))
    return NumberFormat(
        before=before, after=after, decimals=len(scaled.partition(".")[2]), width=width,
        factor=factor,
    )  # fmt: skip


def _of_fraction(code: str, tokens: list[tuple[str, str]]) -> NumberFormat | None:
    """A format such as `# ?/?`, with a unit."""
    found = _PARTS.search(code) if "/" in code else None
    if found is None:
        return None
    places = [i for i, (kind, _) in enumerate(tokens) if kind == "digits" or tokens[i][1] == "/"]
    below = found["below"]
    return NumberFormat(
        before=_literals(tokens[: places[0]]).lstrip(),
        after=_literals(tokens[places[-1] + 1 :]).rstrip(),
        parts=int(below) if below.isdigit() and int(below) else -(10 ** len(below) - 1),
        mixed=found["whole"] is not None,
    )


def _of_groups(tokens: list[tuple[str, str]]) -> NumberFormat:
    """A format such as `000-00-0000`; `PLAIN` for fractions and powers of ten."""
    shown = ("quoted", "escaped", "currency", "sign", "other")
    mask = [(kind == "digits", text) for kind, text in tokens if kind in ("digits", *shown)]
    digits = "".join(text for is_digits, text in mask if is_digits)
    between = "".join(text for is_digits, text in mask if not is_digits)
    if re.search(r"[.,]", digits) or re.search(r"[/eE%]", between):
        return PLAIN
    return NumberFormat(mask=tuple(mask))


def _literals(tokens: list[tuple[str, str]]) -> str:
    """The literal text of a format: quoted, escaped, currency and sign tokens, spaces, and the
    `x` of multiples, and the stroke before a unit."""
    shown = ("quoted", "escaped", "currency", "sign")
    return "".join(text for kind, text in tokens if kind in shown or text in (" ", "x", "/"))


def _exact(raw: str, value: float) -> str:
    """Without binary rounding: `0.30000000000000004` as stored becomes `0.3`."""
    if len(raw.strip("-0.")) <= 15 or "." not in raw:
        return raw
    return f"{value:.15g}"
