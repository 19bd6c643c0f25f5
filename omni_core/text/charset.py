"""Bytes of text to text: byte order marks, UTF-8, UTF-16 by its zeros, then legacy code pages."""

from __future__ import annotations

import codecs

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decode(data: bytes) -> str:
    """The text with line ends as \\n; never fails: what no page explains reads as Windows-1252."""
    return _decode(data).replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


def _decode(data: bytes) -> str:
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data.decode(name, "replace")
    if (wide := _utf16(data)) is not None:
        return data.decode(wide, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _utf16(data: bytes) -> str | None:
    """UTF-16 without a mark: Latin text has a zero in every other byte."""
    head = data[:2000]
    if len(head) < 8:
        return None
    even, odd = head[0::2].count(0) / len(head[0::2]), head[1::2].count(0) / len(head[1::2])
    if odd > 0.4 and even < 0.1:
        return "utf-16-le"
    if even > 0.4 and odd < 0.1:
        return "utf-16-be"
    return None


def is_text(head: bytes) -> bool:
    """Whether the first bytes read as text: no binary control bytes, or UTF-16."""
    if not head:
        return False
    if head.startswith(tuple(m for m, _ in _MARKS)) or _utf16(head) is not None:
        return True
    return not any(b < 32 and b not in (7, 8, 9, 10, 12, 13, 26, 27) for b in head)
