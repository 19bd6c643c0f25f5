"""Values of ODF cells as text, as `number_format` writes those of XLSX.

A cell holds its value and, apart from it, what its format and locale made of that: `1.234,50 €`
for 1234.5. Dates are written as ISO 8601 and digits are not grouped, whatever the locale.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

_NUMBER = re.compile(r"[+-]?\d(?:[\d.,'’\s]*\d)?")
_FRACTION = re.compile(r"\d\s*/\s*\d")
_DURATION = re.compile(
    r"(-?)P(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:[.,](\d+))?S)?", re.ASCII
)
_MOMENT = re.compile(r"(\d{4,}-\d\d-\d\d)(?:T(\d\d:\d\d)(?::(\d\d))?.*)?", re.ASCII)


def shown(cell: ET.Element, text: str) -> str:
    """The cell's value; `text` is what the file shows for it."""
    known = {key.rpartition("}")[2]: value for key, value in cell.attrib.items()}
    kind = known.get("value-type", "string")
    if not text:
        text = known.get("string-value", "") if kind == "string" else _unshown(kind, known)
    if kind == "date":
        return _date(known.get("date-value", ""), text)
    if kind == "time":
        return _duration(known.get("time-value", "")) or text
    if kind == "boolean":
        return known.get("boolean-value", text)
    if kind in ("float", "currency", "percentage"):
        value = known.get("value", "")
        return _number(value, text, 100 if kind == "percentage" else 1) if value else text
    return text


def _unshown(kind: str, known: dict[str, str]) -> str:
    """What a program would show for a number that the file gives without its text."""
    value = known.get("value", "")
    if kind == "percentage":
        try:
            return f"{float(value) * 100:.15g}%"
        except ValueError:
            return value
    return f"{value} {known.get('currency', '')}".strip() if kind == "currency" else ""


def _date(value: str, text: str) -> str:
    """`2024-04-03`, with a time if the file shows one."""
    m = _MOMENT.fullmatch(value)
    if m is None:
        return value or text
    day, clock, seconds = m.groups()
    with_time = ":" in text or len(re.findall(r"\d+", text)) > 3 or not text
    if not clock or not with_time or (clock == "00:00" and seconds in (None, "00")):
        return day
    return f"{day} {clock}" + (f":{seconds}" if seconds not in (None, "00") else "")


def _duration(value: str) -> str:
    """`27:30` for PT27H30M, `00:03:25` for PT3M25S; "" for anything else."""
    m = _DURATION.fullmatch(value)
    if m is None or not any(m.groups()[1:]):
        return ""
    days, hours, minutes, seconds = (int(g[:9]) if g else 0 for g in m.groups()[1:5])
    seconds += int(f"{m[6] or 0:0<1}"[0]) >= 5
    total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    rest = f":{total % 60:02d}" if total % 60 else ""
    return f"{m[1]}{total // 3600:02d}:{total // 60 % 60:02d}{rest}"


def _number(value: str, text: str, factor: int) -> str:
    """The number with the decimals and the unit that the file shows; as stored without a unit."""
    if value == text:
        return value
    m = _NUMBER.search(text)
    if m is None:
        return text or value
    if _FRACTION.search(text):
        return text.strip()
    around = text[: m.start()] + text[m.end() :]
    digits = re.sub(r"\D", "", m[0])
    if not re.search(r"[^\W\d_]|[$€£¥₹₽₩%°]", around) or re.match(r"[eE][+-]?\d", text[m.end() :]):
        return text if digits[0] == "0" and text.isdigit() and len(text) > 1 else _plain(value)
    try:
        number = abs(float(value)) * factor
    except ValueError:
        return text
    for decimals in range(16):
        written = f"{number:.{decimals}f}"
        if written.replace(".", "").lstrip("0") == digits.lstrip("0"):
            sign = "-" if m[0][0] == "-" else ""
            written = "0" * (len(digits) - len(written.replace(".", ""))) + written
            return f"{text[: m.start()]}{sign}{written}{text[m.end() :]}".replace("\xa0", " ")
    return text


def _plain(value: str) -> str:
    """Without binary rounding: `0.30000000000000004` as stored becomes `0.3`."""
    try:
        return value if len(value.strip("-0.")) <= 15 else f"{float(value):.15g}"
    except ValueError:
        return value
