"""Title and date of old office files, from their summary (MS-OLEPS).

olefile reads it too, but takes hours over a damaged count of values.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta

from omni_core.media.dates import parse
from omni_core.text.charset import decode

_CODE_PAGE, _TITLE, _MADE = 1, 2, 12
_NUMBER, _NARROW, _WIDE, _TIME = 2, 30, 31, 64
_MOST = 1_000
"""Properties that are looked at."""
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


def summary(data: bytes) -> tuple[str, datetime | None]:
    """Title and time of creation; "" and None where they are not set, or damaged."""
    try:
        values = _values(data)
    except struct.error:
        return "", None
    kind, title = values.get(_TITLE, (0, b""))
    page = struct.unpack_from("<H", values.get(_CODE_PAGE, (0, b"\0\0"))[1])[0]
    text = title.decode("utf-16-le", "replace") if kind == _WIDE else _narrow(title, page)
    return text.partition("\0")[0], _date(values.get(_MADE, (0, b""))[1])


def _values(data: bytes) -> dict[int, tuple[int, bytes]]:
    """Type and bytes of the properties of the first section that are wanted."""
    (start,) = struct.unpack_from("<I", data, 44)
    (count,) = struct.unpack_from("<I", data, start + 4)
    found = {}
    for n in range(min(count, _MOST, (len(data) - start) // 8 - 1)):
        name, place = struct.unpack_from("<II", data, start + 8 + 8 * n)
        at = start + place
        if name not in (_CODE_PAGE, _TITLE, _MADE) or at + 8 > len(data):
            continue
        kind, size = struct.unpack_from("<II", data, at)
        if kind in (_NARROW, _WIDE):
            length = size * (2 if kind == _WIDE else 1)
            found[name] = kind, data[at + 8 : at + 8 + min(length, 2_000)]
        elif kind in (_NUMBER, _TIME):
            found[name] = kind, data[at + 4 : at + 12]
    return found


def _narrow(data: bytes, page: int) -> str:
    try:
        return data.decode({65001: "utf-8", 1200: "utf-16-le"}.get(page, f"cp{page}"))
    except (LookupError, ValueError):
        return decode(data)


def _date(ticks: bytes) -> datetime | None:
    try:
        when = _EPOCH + timedelta(microseconds=struct.unpack("<Q", ticks)[0] // 10)
    except (struct.error, OverflowError):
        return None
    return parse(when.isoformat())
