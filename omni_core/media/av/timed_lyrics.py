"""Lyrics with times in ID3v2 (frames SYLT and SLT), of which FFmpeg gives nothing.

ID3v2.4 Native Frames, 4.9.
"""

from __future__ import annotations

from dataclasses import dataclass

from omni_core.media.av.id3_frames import end_of_text, frames, utf16, zero_bytes
from omni_core.media.text.cues import Cue, clean
from omni_core.media.text.subtitle_reading import LINE_S, next_starts
from omni_core.text.charset import decode

_FRAMES = (b"SYLT", b"SLT")
_WORDS = (0, 1, 2, 7)
"""Kinds of content that are words: other, lyrics, transcript, trivia."""
_MILLISECONDS = 2


@dataclass(frozen=True, slots=True)
class Lyrics:
    """The lines of one frame. counted: whether its times are numbers of MPEG frames, so that the
    lines have none in seconds."""

    cues: list[Cue]
    counted: bool = False


def read(path: str) -> list[Lyrics]:
    """Of the tag of a file; none where it has none, or its frames are damaged."""
    bodies = (body for name, body in frames(path) if name in _FRAMES)
    return [lyrics for body in bodies if (lyrics := _lyrics(body)) is not None]


def _lyrics(body: bytes) -> Lyrics | None:
    if len(body) < 6 or body[5] not in _WORDS:
        return None
    encoding, milliseconds = body[0], body[4] == _MILLISECONDS
    at = end_of_text(body, 6, encoding) + zero_bytes(encoding)  # after the description
    pieces: list[tuple[float, str]] = []
    while len(body) - at > zero_bytes(encoding):
        end = end_of_text(body, at, encoding)
        words = _text(body[at:end], encoding)
        at = end + zero_bytes(encoding)
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


def _text(raw: bytes, encoding: int) -> str:
    return utf16(raw, encoding) if encoding in (1, 2) else decode(raw)
