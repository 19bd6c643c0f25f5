"""Records of old Excel workbooks (BIFF) that xlrd does not tell of."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

_FILEPASS, _OBJ = 0x2F, 0x5D
_KINDS = {2: "shape", 5: "chart", 6: "text box", 8: "picture", 9: "drawing", 30: "drawing"}
"""`ot` of an object that a sheet shows; comments (25) and form controls are not among them."""


class Records(NamedTuple):
    """encrypted: with a password. objects: how many of each kind float above the sheets."""

    encrypted: bool
    objects: dict[str, int]


def records(data: bytes) -> Records:
    """What the records of a workbook tell."""
    encrypted, objects = False, dict[str, int]()
    for kind, content in _all(data):
        if kind == _FILEPASS:
            return Records(True, {})
        if kind == _OBJ and len(content) >= 6:
            name = _KINDS.get(struct.unpack_from("<H", content, 4)[0], "")
            if name:
                objects[name] = objects.get(name, 0) + 1
    return Records(encrypted, objects)


def _all(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(data):
        kind, size = struct.unpack_from("<HH", data, at)
        yield kind, data[at + 4 : at + 4 + size]
        at += 4 + size
