"""Where a frame of AC-3, E-AC-3, DTS or MP3 is not followed by the next one: bytes were taken out.
FFmpeg goes on with the next frame without a word."""

from __future__ import annotations

import mmap

from omni_core.media.av import mpeg_audio, sync_frames
from omni_core.media.av.joined_tags import tag_end
from omni_core.media.av.part_file import Part

FORMS = ("ac3", "eac3", "dts", "mp3")
PADDING = 2
"""No more bytes than this between two frames are nothing that was taken out."""
_TEXT_SHARE, _LETTERS = 0.8, 12
"""Of a text so many bytes can be printed, and so many are different. LAME fills frames with U."""
MAX_BREAKS = 1000
_HEADER = 8
_OLD_TAG, _OLD_TAG_BYTES = b"TAG", 128
"""How ID3v1 begins, and its size; it lies behind the sound of each file that was joined."""
_EXTENSION = b"\x64\x58\x20\x25"
"""What DTS-HD puts between the frames that older players read (ETSI TS 102 114, 7)."""


def breaks(path: str, part: Part | None, largest: int) -> list[float]:
    """Of a file, or of one part of it: how far into it, from 0 to 1, breaks lie, of at most
    `largest` bytes. Empty of what does not begin with a frame, or a tag before one."""
    with open(path, "rb") as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as data:
        first, last = (part.first, part.last) if part is not None else (0, len(data))
        if data[first : first + 3] == b"ID3":
            first = max(first, tag_end(data, first, last))
        mark = _mark(data[first : first + _HEADER])
        found: list[float] = []
        at = first
        while mark and at < last and len(found) < MAX_BREAKS:
            if size := _frame_bytes(data[at : at + _HEADER]):
                at += size
                continue
            after = _next_frame(data, at, last, mark)
            if after < 0:
                break
            if after - at <= largest and is_of_a_frame(data[at:after]):
                found.append((at - first) / (last - first))
            at = after
    return found


def _mark(header: bytes) -> bytes:
    """The bytes with which every frame of the file begins; none of no frame."""
    if not _frame_bytes(header):
        return b""
    return header[:4] if header.startswith(sync_frames.DTS) else header[:2]


def _frame_bytes(header: bytes) -> int:
    return sync_frames.frame_bytes(header) or mpeg_audio.frame_bytes(header[:6])


def _next_frame(data: mmap.mmap, at: int, last: int, mark: bytes) -> int:
    """Where two frames follow each other; -1 where none do."""
    here = data.find(mark, at, last)
    while here >= 0:
        size = _frame_bytes(data[here : here + _HEADER])
        if size and data[here + size : here + size + len(mark)] == mark:
            return here
        here = data.find(mark, here + 1, last)
    return -1


def is_of_a_frame(rest: bytes) -> bool:
    """Whether bytes between two frames are what is left of one: no padding, no tag, no text, and
    not what belongs to the frame before."""
    if len(rest) <= PADDING or not any(rest) or min(rest) == 0xFF or rest.startswith(_EXTENSION):
        return False
    if rest.startswith(_OLD_TAG) or rest[-_OLD_TAG_BYTES:].startswith(_OLD_TAG):
        return False
    letters = [byte for byte in rest if 32 <= byte < 127]
    is_text = len(letters) > _TEXT_SHARE * len(rest) and len(set(letters)) >= _LETTERS
    return not is_text and tag_end(rest, 0, len(rest)) < 0
