"""Files that are written into a mail's text in the bytes of yEnc."""

from __future__ import annotations

import re

_YENC = re.compile(rb"^=ybegin [^\r\n]*?\bname=([^\r\n]*)\r?\n.*?^=yend[^\r\n]*$", re.M | re.S)


def without_yenc(data: bytes) -> bytes:
    """The bytes of a text without such files."""
    return _YENC.sub(b"", data) if b"=ybegin " in data else data


def yenc_names(data: bytes) -> list[bytes]:
    """The names of such files."""
    return _YENC.findall(data) if b"=ybegin " in data else []
