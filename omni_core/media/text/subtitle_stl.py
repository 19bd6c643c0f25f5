"""Cues of EBU STL (EBU Tech 3264), the binary exchange format of broadcasters."""

from __future__ import annotations

import unicodedata

from omni_core.media.text.cues import clean
from omni_core.media.text.subtitle_reading import Reading

_HEADER, _BLOCK = 1024, 128
_RATES = {b"STL25.01": 25.0, b"STL30.01": 30.0, b"STL24.01": 24.0}
_CODE_PAGES = {b"01": "iso8859-5", b"02": "iso8859-6", b"03": "iso8859-7", b"04": "iso8859-8"}
_LAST_PART, _COMMENT = 0xFF, 1
_NEW_LINE, _UNUSED = 0x8A, 0x8F
_ACCENTS = {0xC1: 0x300, 0xC2: 0x301, 0xC3: 0x302, 0xC4: 0x303, 0xC5: 0x304, 0xC6: 0x306,
            0xC7: 0x307, 0xC8: 0x308, 0xCA: 0x30A, 0xCB: 0x327, 0xCD: 0x30B, 0xCE: 0x328,
            0xCF: 0x30C}  # fmt: skip
"""ISO 6937: an accent stands before its letter."""
_LETTERS = dict(zip(
    (0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA7, 0xA9, 0xAA, 0xAB, 0xB0, 0xB9, 0xBA, 0xBB, 0xBF, 0xD0, 0xD5,
     0xE1, 0xE2, 0xE8, 0xE9, 0xEA, 0xEC, 0xF1, 0xF2, 0xF3, 0xF5, 0xF8, 0xF9, 0xFA, 0xFB, 0xFC),
    "¡¢£$¥§‘“«°’”»¿―♪ÆĐŁØŒÞæđðıłøœßþ", strict=True,
))  # fmt: skip


def is_stl(head: bytes) -> bool:
    """By the format that the header names."""
    return head[3:11] in _RATES and head[:3].isdigit()


def read_stl(data: bytes) -> Reading:
    """The subtitles, in seconds from the programme's first timecode; comments are left out."""
    reading = Reading()
    rate = _RATES[data[3:11]]
    page = _CODE_PAGES.get(data[12:14])
    rows: list[tuple[float, float, str]] = []
    words = b""
    for at in range(_HEADER, len(data) - _BLOCK + 1, _BLOCK):
        block = data[at : at + _BLOCK]
        if block[15] == _COMMENT or (_LAST_PART > block[3] >= 0xF0):  # reserved, user data
            continue
        words += block[16:].split(bytes([_UNUSED]))[0] + bytes([0x20])
        if block[3] == _LAST_PART:
            text = clean(_decode(words, page))
            rows.append((_seconds(block[5:9], rate), _seconds(block[9:13], rate), text))
            words = b""
    first = _programme_start(data[256:264], rate)
    if any(start < first for start, _, _ in rows):
        first = 0.0
    for start, end, text in rows:
        reading.add(round(start - first, 3), round(end - first, 3), text)
    if (len(data) - _HEADER) % _BLOCK or words:
        reading.notes.append("the file breaks off in the middle of a subtitle")
    return reading


def _seconds(timecode: bytes, rate: float) -> float:
    hours, minutes, seconds, frames = timecode
    return hours * 3600 + minutes * 60 + seconds + frames / rate


def _programme_start(said: bytes, rate: float) -> float:
    if len(said) != 8 or not said.isdigit():
        return 0.0
    return _seconds(bytes(int(said[n : n + 2]) for n in range(0, 8, 2)), rate)


def _decode(data: bytes, page: str | None) -> str:
    out: list[str] = []
    accent = ""
    for byte in data:
        if byte == _NEW_LINE:
            out.append("\n")
        elif byte < 0x20 or 0x80 <= byte < 0xA0:
            out.append(" " if byte < 0x20 else "")
        elif byte < 0x80:
            out.append(chr(byte) + accent)
            accent = ""
        elif page is not None:
            out.append(bytes([byte]).decode(page, "replace"))
        elif byte in _ACCENTS:
            accent = chr(_ACCENTS[byte])
        else:
            out.append(_LETTERS.get(byte, chr(byte)))
    return unicodedata.normalize("NFC", "".join(out))
