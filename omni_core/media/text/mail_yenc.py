"""Files that are written into a mail's text in the bytes of yEnc."""

from __future__ import annotations

import re
from collections.abc import Iterator

_BEGIN = re.compile(rb"^=ybegin (?>[^\r\n]*?\bname=)([^\r\n]*+)\r?\n", re.M)
_END = re.compile(rb"^=yend[^\r\n]*", re.M)


def without_yenc(data: bytes) -> bytes:
    """The bytes of a text without such files."""
    kept, at = [], 0
    for start, end, _ in _files(data):
        kept.append(data[at:start])
        at = end
    return b"".join((*kept, data[at:]))


def yenc_names(data: bytes) -> list[bytes]:
    """The names of such files."""
    return [name for _, _, name in _files(data)]


def _files(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Where each begins and ends, and its name; none from the first one without an end on."""
    at = 0
    while (begin := _BEGIN.search(data, at)) and (end := _END.search(data, begin.end())):
        yield begin.start(), end.end(), begin[1]
        at = end.end()
