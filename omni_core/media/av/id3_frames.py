"""Frames of an ID3v2 tag: at the start of a file, or in a chunk of a WAV or an AIFF.

ID3v2.4 Main Structure, 3 and 4.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Literal

MAX_TAG_BYTES = 64 << 20
MAX_CHUNKS = 1000
_CHUNKS = (b"id3 ", b"ID3 ")
_UNSYNCHRONISED, _EXTENDED = 0x80, 0x40
_SEALED = {2: 0, 3: 0xC0, 4: 0x0C}
"""Flags of a frame that is compressed or encrypted, by version."""


def frames(path: str) -> Iterator[tuple[bytes, bytes]]:
    """(name, contents) of each frame; none where there is no tag, or it is damaged."""
    with open(path, "rb") as f:
        f.seek(chunk(f, *_CHUNKS)[0])
        head = f.read(10)
        if len(head) < 10 or head[:3] != b"ID3" or head[3] not in (2, 3, 4):
            return
        tag = f.read(min(seven_bits(head[6:10]), MAX_TAG_BYTES))
    version, flags = head[3], head[5]
    if flags & _UNSYNCHRONISED and version < 4:
        tag = tag.replace(b"\xff\0", b"\xff")
    at = 0
    if flags & _EXTENDED and version > 2:
        size = tag[:4]
        at = seven_bits(size) if version == 4 else 4 + int.from_bytes(size, "big")
    yield from _frames(tag, at, version)


def chunk(f: BinaryIO, *wanted: bytes) -> tuple[int, int]:
    """Where the contents of a chunk of a WAV or an AIFF begin, and how many bytes they have; (0, 0)
    where there is none."""
    head = f.read(12)
    if head[:4] not in (b"RIFF", b"RF64", b"FORM") or head[8:12] not in (b"WAVE", b"AIFF", b"AIFC"):
        return 0, 0
    order: Literal["big", "little"] = "big" if head[:4] == b"FORM" else "little"
    at = 12
    for _ in range(MAX_CHUNKS):
        f.seek(at)
        head = f.read(8)
        if len(head) < 8:
            break
        size = int.from_bytes(head[4:], order)
        if head[:4] in wanted:
            return at + 8, size
        at += 8 + size + (size & 1)
    return 0, 0


def _frames(tag: bytes, at: int, version: int) -> Iterator[tuple[bytes, bytes]]:
    name_size, head_size = (3, 6) if version == 2 else (4, 10)
    while at + head_size <= len(tag) and tag[at] != 0:
        name = tag[at : at + name_size]
        size = tag[at + name_size : at + 2 * name_size]
        length = seven_bits(size) if version == 4 else int.from_bytes(size, "big")
        body = tag[at + head_size : at + head_size + length]
        flags = tag[at + head_size - 1] if version > 2 else 0
        at += head_size + length
        if flags & _SEALED[version]:
            continue
        if version == 4:
            body = body[4:] if flags & 1 else body  # after its length
            body = body.replace(b"\xff\0", b"\xff") if flags & 2 else body
        yield name, body


def zero_bytes(encoding: int) -> int:
    """Bytes of a zero that ends a text."""
    return 2 if encoding in (1, 2) else 1


def end_of_text(data: bytes, start: int, encoding: int) -> int:
    """Where a text from `start` ends: at its zero, or with the data."""
    end = data.find(bytes(zero_bytes(encoding)), start)
    while end >= 0 and (end - start) % zero_bytes(encoding):  # half of two characters
        end = data.find(bytes(zero_bytes(encoding)), end + 1)
    return end if end >= 0 else len(data)


def utf16(raw: bytes, encoding: int) -> str:
    """The text of a frame in one of the two encodings with two bytes a character."""
    if encoding == 2:
        return raw.decode("utf-16-be", "replace")
    page = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-16-le"
    return raw.decode(page, "replace")


def seven_bits(data: bytes) -> int:
    """A number of which each byte holds seven bits."""
    number = 0
    for byte in data:
        number = number << 7 | byte & 0x7F
    return number
