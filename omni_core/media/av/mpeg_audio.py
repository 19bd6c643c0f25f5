"""Recognises MPEG audio (MP3, MP2, ADTS) by its frames, also behind bytes that are none."""

from __future__ import annotations

SUFFIXES = (".mp3", ".aac", ".mp2", ".mp1", ".mpga", ".adts")
_BIT_RATES = (
    (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),  # version 1, layer I
    (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),  # version 1, layer II
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),  # version 1, layer III
    (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),  # version 2, layer I
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),  # version 2, layers II, III
)
"""kbit/s by index."""
SHORTEST = 24
"""Bytes of the shortest frame."""
_RATES = (44100, 48000, 32000)


def is_mpeg_audio(head: bytes, suffix: str) -> bool:
    """Whether it begins with a frame and a second one like it.

    With a suffix of MPEG audio one frame at the start is enough, or two that follow each other
    anywhere, or nothing but zeros: cut recordings begin in the middle of a frame, and some programs
    leave room for tags.
    """
    named = suffix in SUFFIXES
    if len(head) >= 4 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        if named:
            return True
        if any(head[i] == 0xFF and head[i + 1] == head[1] for i in range(24, len(head) - 1)):
            return True
    return named and (not any(head) or _has_two_frames(head))


def _has_two_frames(data: bytes) -> bool:
    at = data.find(b"\xff")
    while at >= 0:
        size = frame_bytes(data[at : at + 6])
        following = data[at + size : at + size + 2]
        if size >= SHORTEST and len(following) == 2 and following == data[at : at + 2]:
            return True
        at = data.find(b"\xff", at + 1)
    return False


def frame_bytes(header: bytes) -> int:
    """The length of the frame with this header; 0 for bytes that are no header."""
    if len(header) < 6 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return 0
    if header[1] & 0xF6 == 0xF0:  # ADTS
        return (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    bits, rate_index, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if version == 1 or layer == 4 or bits in (0, 15) or rate_index == 3:
        return 0
    row = layer - 1 if version == 3 else 3 if layer == 1 else 4
    rate = _RATES[rate_index] >> {3: 0, 2: 1, 0: 2}[version]
    kilobits = _BIT_RATES[row][bits]
    if layer == 1:
        return (12_000 * kilobits // rate + padding) * 4
    samples = 72_000 if layer == 3 and version != 3 else 144_000
    return samples * kilobits // rate + padding
