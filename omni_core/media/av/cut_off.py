"""Whether a file ends in the middle of something: a page, a box, a block, a packet, a frame.

Headers that state no length, or one that is only rounded, say nothing of what is missing. The last
element of a file, which by its own length reaches behind the end, does.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable

from omni_core.media.av import sync_frames
from omni_core.media.av.movie_boxes import boxes
from omni_core.media.av.mpeg_audio import SHORTEST, frame_bytes
from omni_core.media.av.ogg_pages import lengths, page_end
from omni_core.media.av.part_file import Part

TAIL = 256 << 10
"""Bytes at the end in which the last element begins: a page of Ogg has 65,307 at most."""
MAX_ELEMENTS = 4_000_000
_ENDING_WRITERS = (b"Lavf",)
"""Programs that mark the end of every Ogg stream they finish. Others, as those of phones, leave
the mark out of whole recordings."""
_EBML = b"\x1a\x45\xdf\xa3"
_HOLDERS = (0x18538067, 0x1F43B675)
"""Segments and clusters, whose lengths may be unknown."""
_SECTOR = 2048
_PACK, _PROGRAM_END = b"\0\0\1\xba", b"\0\0\1\xb9"
_MPEG1 = 2
"""Upper bits of the clock in a pack of MPEG-1."""
_SAMPLES = (b"mdat", b"moof")


def ends_within(path: str, part: Part | None) -> bool:
    """Whether a file, or one part of it, ends in the middle of an element."""
    with open(path, "rb") as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as data:
        first, last = (part.first, part.last) if part is not None else (0, len(data))
        finder = _finder(data[first : first + 5 * 204])
        return finder is not None and finder(data, first, last)


def _finder(head: bytes) -> Callable[[mmap.mmap, int, int], bool] | None:
    if head.startswith(b"OggS"):
        return _ogg
    if head.startswith(_EBML):
        return _matroska
    if head[4:8] in (b"ftyp", b"moov", b"wide", b"free", b"skip"):
        return _movie
    if head.startswith(b"FLV"):
        return _flv
    if head.startswith(b"caff"):
        return _caf
    if head.startswith(_PACK):
        return _program_stream
    if head.startswith(sync_frames.VOC):
        return sync_frames.ends_within_block
    if sync_frames.frame_bytes(head[:8]):
        return sync_frames.ends_within_frame
    if _packet_size(head)[0]:
        return _transport_stream
    return _frames if head[:3] == b"ID3" or frame_bytes(head[:6]) else None


def _ogg(data: mmap.mmap, first: int, last: int) -> bool:
    """The last page is not whole, or its last packet goes on in a page that is not there."""
    at = data.rfind(b"OggS\0", max(first, last - TAIL), last)
    if at < 0:
        return False
    if at + 27 > last:
        return True
    if page_end(data, at) > last or lengths(data, at)[-1:] == b"\xff":
        return True
    is_marked = data[at + 5] & 4
    writer = data[first : min(last, first + 4096)]
    return not is_marked and any(name in writer for name in _ENDING_WRITERS)


def lacks_index(path: str) -> bool:
    """Whether an MP4 or MOV holds samples and not the index without which they are no film: it is
    written last, and a recorder that lost its power did not come to it."""
    if not os.path.getsize(path):
        return False
    has_samples = False
    with open(path, "rb") as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for kind, _, _ in boxes(data, 0, len(data), MAX_ELEMENTS):
            if kind == b"moov":
                return False
            has_samples = has_samples or kind == b"mdat"
    return has_samples


def _movie(data: mmap.mmap, first: int, last: int) -> bool:
    """MP4 and MOV: a box of samples, or of their index, reaches behind the end."""
    return any(
        size >= 8 and at + size > last and kind in _SAMPLES
        for kind, at, size in boxes(data, first, last, MAX_ELEMENTS)
    )


def _matroska(data: mmap.mmap, first: int, last: int) -> bool:
    """A segment, a cluster or a block reaches behind the end. Lengths of segments and clusters that
    were written as they came are not known: then what they hold is looked at."""
    at = first
    for _ in range(MAX_ELEMENTS):
        head = data[at : min(at + 12, last)]
        if not head or not head[0]:  # the end, or padding
            return False
        end = number_bytes(head)
        size_end = end + number_bytes(head[end:])
        if end == 0 or size_end > len(head) or size_end == end:
            return True
        known = int.from_bytes(head[end:size_end], "big") & ((1 << 7 * (size_end - end)) - 1)
        is_unknown = known == (1 << 7 * (size_end - end)) - 1
        if is_unknown and int.from_bytes(head[:end], "big") not in _HOLDERS:
            return False
        at += size_end + (0 if is_unknown else known)
        if at > last:
            return True
    return False


def number_bytes(number: bytes) -> int:
    """Bytes of the number of EBML that begins here; 0 of none."""
    return 9 - number[0].bit_length() if number and number[0] else 0


def _flv(data: mmap.mmap, first: int, last: int) -> bool:
    """The file does not end with the length of the tag before; some count it without its head."""
    size = int.from_bytes(data[last - 4 : last], "big")
    tags = (last - 4 - size, last - 15 - size)
    held = (int.from_bytes(data[at + 1 : at + 4], "big") for at in tags if at >= first + 9)
    return size > 0 and not any(n in (size - 11, size) for n in held)


def _caf(data: mmap.mmap, first: int, last: int) -> bool:
    at = first + 8
    for _ in range(MAX_ELEMENTS):
        if at + 12 > last:
            return False
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 12], "big", signed=True)
        if size < 0 or at + 12 + size > last:
            return kind == b"data" and size >= 0
        at += 12 + size
    return False


def _program_stream(data: mmap.mmap, first: int, last: int) -> bool:
    """Of packs of 2,048 bytes, as on discs, the last one is not whole; of others one of its packets
    reaches behind the end."""
    marks = (first + n * _SECTOR for n in range(4))
    is_regular = all(data[at : at + 4] == _PACK for at in marks)
    rest = (last - first) % _SECTOR
    end = data[last - rest : last]
    if _is_never_written(data, first, last):
        return True
    if is_regular:
        return any(end) and _PROGRAM_END not in end
    at = data.rfind(_PACK, max(first, last - TAIL), last)
    while 0 <= at < last:
        head = data[at : min(at + 14, last)]
        if len(head) == 14 and head[:4] == _PACK:
            at += 12 if head[4] >> 4 == _MPEG1 else 14 + (head[13] & 7)
        elif head[:3] != _PACK[:3] or head[:4] == _PROGRAM_END:
            return False
        else:
            at += 6 + int.from_bytes(head[4:6], "big")
    return at > last


def _transport_stream(data: mmap.mmap, first: int, last: int) -> bool:
    size, offset = _packet_size(data[first : first + 5 * 204])
    rest = (last - first) % size
    marks = (last - rest - n * size + offset for n in range(5))
    if _is_never_written(data, first, last):
        return True
    return rest > offset and all(data[at] == 0x47 for at in marks if at + 1 < last)


def _is_never_written(data: mmap.mmap, first: int, last: int) -> bool:
    """Whether there are only zeros at the end: room that a download made and did not fill."""
    return last - first > TAIL and not data[last - TAIL : last].strip(b"\0")


def _packet_size(head: bytes) -> tuple[int, int]:
    """Bytes of a packet of a transport stream and of what precedes its mark; 0 for others."""
    for size, offset in ((188, 0), (192, 4), (204, 0)):
        marks = head[offset::size][:4]
        if len(marks) == 4 and set(marks) == {0x47}:
            return size, offset
    return 0, 0


def _frames(data: mmap.mmap, first: int, last: int) -> bool:
    """MP3 and ADTS: frames follow each other, and the last one reaches behind the end."""
    tail = data[max(first, last - TAIL // 16) : last]
    at = tail.find(b"\xff")
    while at >= 0:
        here, count = at, 0
        while (size := frame_bytes(tail[here : here + 6])) >= SHORTEST:
            here, count = here + size, count + 1
        if count > 3:
            return here > len(tail)
        at = tail.find(b"\xff", at + 1)
    return False
