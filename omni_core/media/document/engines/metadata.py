"""Title and dates of a PDF, which newer programs write as XMP alone."""

from __future__ import annotations

import zlib

from omni_core.media.image import xmp

MAX_BYTES = 16 << 20
"""Bytes of XMP that are unpacked."""
_NAMELESS = "untitled"


def unpacked(data: bytes, filters: str) -> bytes:
    """What a stream holds as far as it may be unpacked; empty for other filters than deflate."""
    if filters in ("", "null"):
        return data[:MAX_BYTES]
    if filters.strip("[] ") not in ("/FlateDecode", "/Fl"):
        return b""
    try:
        return zlib.decompressobj().decompress(data, MAX_BYTES)
    except zlib.error:
        return b""


def completed(title: str, dates: list[str], packet: bytes) -> tuple[str, list[str]]:
    """The title and the dates (made, changed), each as XMP says it where it is missing."""
    said = xmp.read(packet)
    stated = [*said.get("dc:title", ()), ""][0]
    stated = "" if stated.casefold() == _NAMELESS else stated
    named = ("xmp:CreateDate", "xmp:ModifyDate")
    found = [[*said.get(name, ()), ""][0] for name in named]
    return title or stated, dates if any(dates) else found
