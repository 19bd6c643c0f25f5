"""The recording date of a source, and where it was found.

In order of trust: what is written in a picture (`image/taken.py`), tags of the container or
document, the file name, the modification time. A time without a zone is taken as local time of
this machine.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone

from omni_core.types import FILE_TIME

_NAME = re.compile(
    r"(?<!\d)((?:19|20)\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])"
    r"(?:[-_ T.]*(?:at )?([01]\d|2[0-3])[-_.:h]?([0-5]\d)(?:[-_.:m]?([0-5]\d)(?:\d{3})?)?)?(?!\d)"
)
_TAGS = (
    "com.apple.quicktime.creationdate",
    "creation_time",
    "date_recorded",
    "date",
    "icrd",
    "originaldate",
    "year",
)
_CLOCK = re.compile(r"\d\d[-:.]\d\d[-:.]\d\d")
EPOCH = datetime(1971, 1, 2, tzinfo=UTC)
"""Earlier dates are ignored: containers write 1904 or 1970 for "unknown", cameras 1970."""
_WIDEST_ZONE = timedelta(hours=14)


def recorded_at(path: str, tags: Mapping[str, str]) -> tuple[datetime | None, str]:
    """(date, its origin: "container", "file name" or "file time") of a video or audio file."""
    low = {k.lower(): v for k, v in tags.items()}
    clock = low.get("creation_time", "").strip()
    if _CLOCK.fullmatch(clock):  # the date of a broadcast WAV is beside it
        low["creation_time"] = f"{low.get('date', '').strip()}T{clock}"
    for tag in _TAGS:
        when = parse(low.get(tag, ""))
        if when is not None:
            return when, "container"
    return from_file(path)


def from_file(path: str) -> tuple[datetime | None, str]:
    """(date, origin) from the file's name, else from its modification time."""
    when = in_name(os.path.basename(path))
    if when is not None:
        return when, "file name"
    try:
        return datetime.fromtimestamp(os.stat(path).st_mtime, UTC), FILE_TIME
    except (OSError, OverflowError, ValueError):
        return None, ""


def in_name(name: str) -> datetime | None:
    """The first date in a name such as IMG_20240131_184500.jpg, with a time of day after it."""
    m = _NAME.search(name)
    if m is None:
        return None
    year, month, day, hour, minute, second = (int(g) if g else 0 for g in m.groups())
    try:
        return _plausible(datetime(year, month, day, hour, minute, second))
    except ValueError:
        return None


def parse(text: str, since: datetime = EPOCH) -> datetime | None:
    """ISO 8601, EXIF (2024:01:31 18:45:00) and PDF (D:20240131184500+01'00') dates; else None, as
    for one that is before `since`, in the future or impossible. An impossible zone is no zone."""
    m = re.match(
        r"\s*(?:D:)?(\d{4})(?:[-:/.]?(\d\d)(?:[-:/.]?(\d\d))?)?"
        r"(?:[T ]*(\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d+))?)?)?\s*(Z|[+-]\d\d[:']?\d?\d?'?)?",
        text.strip("\0 ") if text else "",
    )
    if m is None or m.group(1) is None:
        return None
    year, month, day, hour, minute, second = (int(g) if g else None for g in m.groups()[:6])
    try:
        when = datetime(
            year or 0, 1 if month is None else month, 1 if day is None else day, hour or 0,
            minute or 0, min(second or 0, 59), int((m.group(7) or "")[:6].ljust(6, "0")),
        )  # fmt: skip
        return _plausible(when.replace(tzinfo=_zone(m.group(8))), since)
    except (ValueError, OverflowError, OSError):
        return None


def _zone(text: str | None) -> timezone | None:
    if not text:
        return None
    if text == "Z":
        return UTC
    digits = re.sub(r"\D", "", text)
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:4] or 0))
    if offset > _WIDEST_ZONE:
        return None
    return timezone(-offset if text[0] == "-" else offset)


def _plausible(when: datetime, since: datetime = EPOCH) -> datetime | None:
    aware = when if when.tzinfo is not None else when.astimezone()
    limit = datetime.now(UTC) + timedelta(days=2)
    return aware if since < aware < limit else None
