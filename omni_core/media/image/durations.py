"""The durations of an animation's frames, from the file's blocks; nothing is decoded.

Pillow tells a frame's duration only once all frames before it are decoded.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

DEFAULT_S = 0.1
"""Duration of a frame that states none, or less than 20 ms, as players show it."""
MAX_FRAMES = 20_000


def durations(path: str, kind: str) -> list[float]:
    """Seconds of each frame, as far as the file is whole; `kind`: GIF, WEBP, PNG or AVIF.

    Empty for other formats and for still images.
    """
    reader = {"GIF": _gif, "WEBP": _webp, "PNG": _png, "AVIF": _avif}.get(kind)
    if reader is None:
        return []
    with open(path, "rb") as f:
        data = f.read()
    found = []
    try:
        for ms in reader(data):
            found.append(shown_for(ms / 1000))
            if len(found) == MAX_FRAMES:
                break
    except (IndexError, struct.error):  # cut short: what came before counts
        pass
    return found


def shown_for(seconds: float) -> float:
    """The time for which players show a frame that states `seconds`."""
    return seconds if seconds >= 0.02 else DEFAULT_S


def _gif(data: bytes) -> Iterator[float]:
    """Milliseconds from the graphic control extension before each image (GIF89a, section 23)."""
    at = 13 + gif_table(data[10])
    held = 0
    while data[at] != 0x3B:
        if data[at] == 0x21:
            if data[at + 1] == 0xF9:
                held = struct.unpack_from("<H", data, at + 4)[0] * 10
            at = gif_blocks(data, at + 2)
        elif data[at] == 0x2C:
            yield held
            held = 0
            at = gif_blocks(data, at + 10 + gif_table(data[at + 9]) + 1)
        else:
            return  # not a block


def gif_table(flags: int) -> int:
    """Bytes of a colour table."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def gif_blocks(data: bytes, at: int) -> int:
    """The position after a chain of sub-blocks."""
    while data[at]:
        at += data[at] + 1
    return at + 1


def _webp(data: bytes) -> Iterator[float]:
    """Milliseconds of each ANMF chunk: 24 bits after two offsets and two sizes of 24 bits."""
    at = 12
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        if name == b"ANMF":
            low, high = struct.unpack_from("<HB", data, at + 20)
            yield low + (high << 16)
        at += 8 + size + (size & 1)


def _png(data: bytes) -> Iterator[float]:
    """Milliseconds of each fcTL chunk: a fraction whose denominator 0 means 100. Ends where the
    chunks are not numbered one after the other, where decoders stop."""
    at, number = 8, 0
    while at + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        if name in (b"fcTL", b"fdAT"):
            if struct.unpack_from(">I", data, at + 8)[0] != number:
                return
            number += 1
        if name == b"fcTL":
            part, whole = struct.unpack_from(">HH", data, at + 28)
            yield 1000 * part / (whole or 100)
        at += 12 + size


def _avif(data: bytes) -> Iterator[float]:
    """Milliseconds of each sample of the first track: its `stts` box, in units of its `mdhd`."""
    media = _inside(_inside(_inside(data, b"moov"), b"trak"), b"mdia")
    header = _inside(media, b"mdhd")
    scale = struct.unpack_from(">I", header, 20 if header[0] else 12)[0]
    times = _inside(_inside(_inside(media, b"minf"), b"stbl"), b"stts")
    for n in range(struct.unpack_from(">I", times, 4)[0]):
        count, ticks = struct.unpack_from(">II", times, 8 + 8 * n)
        for _ in range(min(count, MAX_FRAMES)):
            yield 1000 * ticks / (scale or 1000)


def _inside(data: bytes, name: bytes) -> bytes:
    """The content of the first box of this type. Raises IndexError where there is none."""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if kind == name:
            return data[at + 8 : at + size if size else len(data)]
        at += max(size, 8)
    raise IndexError(name)
