"""Lyrics with times in ID3v2 (frames SYLT and SLT), of which FFmpeg gives nothing.

ID3v2.4 Main Structure, 3 and 4; Native Frames, 4.9.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from omni_core.media.text.cues import Cue, clean
from omni_core.media.text.subtitle_reading import LINE_S, next_starts
from omni_core.text.charset import decode

MAX_TAG_BYTES = 64 << 20
_FRAMES = (b"SYLT", b"SLT")
_WORDS = (0, 1, 2, 7)
"""Kinds of content that are words: other, lyrics, transcript, trivia."""
_MILLISECONDS = 2
_UNSYNCHRONISED, _EXTENDED = 0x80, 0x40
_SEALED = {2: 0, 3: 0xC0, 4: 0x0C}
"""Flags of a frame that is compressed or encrypted, by version."""


@dataclass(frozen=True, slots=True)
class Lyrics:
    """The lines of one frame. counted: whether its times are numbers of MPEG frames, so that the
    lines have none in seconds."""

    cues: list[Cue]
    counted: bool = False


def read(path: str) -> list[Lyrics]:
    """Of the tag at the start of a file; none where it has none, or its frames are damaged."""
    with open(path, "rb") as f:
        head = f.read(10)
        if len(head) < 10 or head[:3] != b"ID3" or head[3] not in (2, 3, 4):
            return []
        tag = f.read(min(_seven_bits(head[6:10]), MAX_TAG_BYTES))
    version, flags = head[3], head[5]
    if flags & _UNSYNCHRONISED and version < 4:
        tag = tag.replace(b"\xff\0", b"\xff")
    at = 0
    if flags & _EXTENDED and version > 2:
        size = tag[:4]
        at = _seven_bits(size) if version == 4 else 4 + int.from_bytes(size, "big")
    return [lyrics for body in _bodies(tag, at, version) if (lyrics := _lyrics(body)) is not None]


def _bodies(tag: bytes, at: int, version: int) -> Iterator[bytes]:
    """The contents of the frames with lyrics."""
    name_size, head_size = (3, 6) if version == 2 else (4, 10)
    while at + head_size <= len(tag) and tag[at] != 0:
        name = tag[at : at + name_size]
        size = tag[at + name_size : at + 2 * name_size]
        length = _seven_bits(size) if version == 4 else int.from_bytes(size, "big")
        body = tag[at + head_size : at + head_size + length]
        at += head_size + length
        if name not in _FRAMES:
            continue
        flags = tag[at - length - 1] if version > 2 else 0
        if flags & _SEALED[version]:
            continue
        if version == 4:
            body = body[4:] if flags & 1 else body  # after its length
            body = body.replace(b"\xff\0", b"\xff") if flags & 2 else body
        yield body


def _lyrics(body: bytes) -> Lyrics | None:
    if len(body) < 6 or body[5] not in _WORDS:
        return None
    encoding, milliseconds = body[0], body[4] == _MILLISECONDS
    at = _end(body, 6, encoding) + _wide(encoding)  # after the description
    pieces: list[tuple[float, str]] = []
    while len(body) - at > _wide(encoding):
        end = _end(body, at, encoding)
        words = _text(body[at:end], encoding)
        at = end + _wide(encoding)
        pieces.append((int.from_bytes(body[at : at + 4], "big") / 1000, words))
        at += 4
    lines = sorted(_lines(pieces), key=lambda line: line[0])
    after = next_starts([at for at, _ in lines])
    cues = [
        Cue(at, min(following, at + LINE_S), words)
        for (at, words), following in zip(lines, after, strict=True)
        if words
    ]
    return Lyrics(cues, counted=not milliseconds) if cues else None


def _lines(pieces: list[tuple[float, str]]) -> list[tuple[float, str]]:
    """Each with its time: pieces are lines, or syllables where some begin with a line end."""
    if not any("\n" in text or "\r" in text for _, text in pieces):
        return [(at, clean(text)) for at, text in pieces]
    lines: list[tuple[float, list[str]]] = []
    fresh = True
    for at, text in pieces:
        if fresh or text[:1] in ("\n", "\r"):
            lines.append((at, []))
        lines[-1][1].append(text)
        fresh = text[-1:] in ("\n", "\r")
    return [(at, clean("".join(texts))) for at, texts in lines]


def _wide(encoding: int) -> int:
    """Bytes of a zero that ends a text."""
    return 2 if encoding in (1, 2) else 1


def _end(data: bytes, start: int, encoding: int) -> int:
    """Where a text from `start` ends: at its zero, or with the data."""
    end = data.find(bytes(_wide(encoding)), start)
    while end >= 0 and (end - start) % _wide(encoding):  # half of two characters
        end = data.find(bytes(_wide(encoding)), end + 1)
    return end if end >= 0 else len(data)


def _text(raw: bytes, encoding: int) -> str:
    if encoding == 1:
        page = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-16-le"
        return raw.decode(page, "replace")
    return raw.decode("utf-16-be", "replace") if encoding == 2 else decode(raw)


def _seven_bits(data: bytes) -> int:
    """A number of which each byte holds seven bits."""
    number = 0
    for byte in data:
        number = number << 7 | byte & 0x7F
    return number
