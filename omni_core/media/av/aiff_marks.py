"""Markers of an AIFF, as editors and recorders set them (chunk MARK), of which FFmpeg gives
nothing."""

from __future__ import annotations

import math

_MAX_CHUNKS, _MAX_MARKS, _MAX_BYTES = 1000, 10_000, 1 << 20
_BIAS = 16383
"""Of the exponent of an 80-bit number (IEEE 754)."""


def marks(path: str) -> list[tuple[float, str]]:
    """Second and name of each, in the order of the file."""
    rate, found = 0.0, b""
    with open(path, "rb") as f:
        head = f.read(12)
        if head[:4] != b"FORM" or head[8:12] not in (b"AIFF", b"AIFC"):
            return []
        for _ in range(_MAX_CHUNKS):
            kind, size = f.read(4), int.from_bytes(f.read(4), "big")
            if len(kind) < 4:
                break
            after = f.tell() + size + (size & 1)
            if kind == b"COMM":
                rate = _rate(f.read(18)[8:])
            elif kind == b"MARK" and size <= _MAX_BYTES:
                found = f.read(size)
            f.seek(after)
    return _named(found, rate) if rate else []


def _named(data: bytes, rate: float) -> list[tuple[float, str]]:
    """A number, the frame, and the name with its length before it and an even length in all."""
    found, at = list[tuple[float, str]](), 2
    for _ in range(min(_MAX_MARKS, int.from_bytes(data[:2], "big"))):
        if at + 7 > len(data):
            break
        frame, length = int.from_bytes(data[at + 2 : at + 6], "big"), data[at + 6]
        name = data[at + 7 : at + 7 + length]
        try:
            title = name.decode()
        except UnicodeDecodeError:
            title = name.decode("mac_roman")
        found.append((frame / rate, title.strip("\0 ")))
        at += 7 + length + (~length & 1)
    return found


def _rate(number: bytes) -> float:
    """The samples a second, a number of 80 bits; 0 of none."""
    if len(number) < 10:
        return 0.0
    exponent = (int.from_bytes(number[:2], "big") & 0x7FFF) - _BIAS - 63
    whole = int.from_bytes(number[2:10], "big")
    return math.ldexp(whole, exponent) if -64 < exponent < 0 else 0.0
