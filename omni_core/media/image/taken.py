"""When a picture was made, by what is written in it."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from PIL import Image

from omni_core.media.dates import EPOCH, from_file, parse
from omni_core.media.image import iptc, xmp
from omni_core.media.image.tags import Tags

_ORIGINAL, _DIGITISED, _MODIFIED = (
    (0x9003, 0x9291, 0x9011),
    (0x9004, 0x9292, 0x9012),
    (0x0132, 0x9290, 0x9010),
)
"""EXIF tags: the time, its part of a second, its offset from UTC."""
_GPS_DATE, _GPS_TIME = 0x001D, 0x0007
PHOTOGRAPHY = datetime(1826, 1, 1, tzinfo=UTC)
"""Archives date scans by what they show."""
_MAIL_DATE = re.compile(r"\s*(?:[A-Za-z]|\d{1,2}[ -][A-Za-z]{3})")
"""How a date of mail begins: with the day of the week, or that of the month and a month."""
_MAX_CHUNKS = 10_000


def taken(path: str, image: Image.Image, tags: Tags) -> tuple[datetime | None, str]:
    """(date, its origin: "exif", "xmp", "iptc" or "png"; "file name" or "file time" where nothing
    is written in the picture).

    The moment of the exposure stands over that of the creation, of the scan, and of a change; a
    date that cannot be is passed over.
    """
    for text, origin in _written(path, image, tags):
        since = PHOTOGRAPHY if origin in ("xmp", "iptc") else EPOCH
        when = parse(text, since) or _mail_date(text)
        if when is not None:
            return when, origin
    return from_file(path)


def _written(path: str, image: Image.Image, tags: Tags) -> Iterator[tuple[str, str]]:
    fields, properties = iptc.iptc_of(image), xmp.xmp_of(image)

    def xmp_dates(*names: str) -> Iterator[tuple[str, str]]:
        return ((text, "xmp") for name in names for text in properties.get(name, ()))

    yield _exif(tags.inner, tags.inner, _ORIGINAL), "exif"
    yield from xmp_dates("exif:DateTimeOriginal", "photoshop:DateCreated")
    yield _iptc(fields, iptc.DATE, iptc.TIME), "iptc"
    yield from xmp_dates("xmp:CreateDate")
    yield _exif(tags.inner, tags.inner, _DIGITISED), "exif"
    yield from xmp_dates("exif:DateTimeDigitized")
    yield _iptc(fields, iptc.DIGITISED_DATE, iptc.DIGITISED_TIME), "iptc"
    yield _gps(tags.gps), "exif"
    yield str(image.info.get("Creation Time") or ""), "png"
    yield _exif(tags.main, tags.inner, _MODIFIED), "exif"
    yield from xmp_dates("tiff:DateTime", "xmp:ModifyDate")
    if image.format == "PNG":
        yield _png_time(path), "png"


def _exif(times: Mapping[int, Any], inner: Mapping[int, Any], numbers: tuple[int, int, int]) -> str:
    time = _plain(times.get(numbers[0]))
    part, zone = (_plain(inner.get(number)) for number in numbers[1:])
    fraction = f".{part}" if part.isdigit() and len(time) == 19 else ""
    return f"{time}{fraction}{zone}"


def _plain(value: Any) -> str:
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value or "")
    return text.strip("\0 ")


def _iptc(fields: iptc.Iptc, date: int, time: int) -> str:
    """20240131 and 184500+0100, as one."""
    day, clock = (next(iter(fields.get(number, ())), "") for number in (date, time))
    return f"{day} {clock}".strip()


def _gps(gps: Mapping[int, Any]) -> str:
    day, clock = str(gps.get(_GPS_DATE) or ""), gps.get(_GPS_TIME)
    if not day or not isinstance(clock, tuple) or len(clock) != 3:
        return ""
    try:
        hour, minute, second = (int(float(v)) for v in clock)
    except (ValueError, ZeroDivisionError, OverflowError):
        return ""
    return f"{day} {hour:02}:{minute:02}:{second:02}Z"


def _mail_date(text: str) -> datetime | None:
    """Wed, 31 Jan 2024 18:45:00 +0100, as PNG recommends; the day of the week may be missing."""
    if not _MAIL_DATE.match(text):
        return None
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError):
        return None
    return parse(when.isoformat())


def _png_time(path: str) -> str:
    """The time of the last change (chunk tIME), in UTC; "" where there is none."""
    with open(path, "rb") as f:
        f.seek(8)
        for _ in range(_MAX_CHUNKS):
            head = f.read(8)
            if len(head) < 8:
                break
            size, name = struct.unpack(">I4s", head)
            if name == b"tIME" and size == 7:
                year, *rest = struct.unpack(">HBBBBB", f.read(7))
                return (
                    f"{year:04}:{rest[0]:02}:{rest[1]:02} "
                    + ":".join(f"{v:02}" for v in rest[2:])
                    + "Z"
                )
            f.seek(size + 4, 1)
    return ""
