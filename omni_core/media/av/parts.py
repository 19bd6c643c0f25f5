"""Files in which the clock starts again, as parts with a clock each.

Joined recordings, dash cams and spliced broadcasts are several streams in one file. Transport and
program streams FFmpeg reads through, with time stamps that run back; of others (`joined`) it reads
the first one. Each part is opened by its bytes, and its seconds follow those of the parts before.
Broadcasts of which the pictures go on in another track are in parts too.
"""

from __future__ import annotations

import itertools
import logging
import os
from dataclasses import replace
from functools import lru_cache

import av

from omni_core.media.av.clock import Clock
from omni_core.media.av.container import JOINED, container, of_one_programme, packets
from omni_core.media.av.joined import borders
from omni_core.media.av.length import length
from omni_core.media.av.part_file import Part
from omni_core.media.av.programs import packet_layout
from omni_core.media.av.tracks_in_turn import TracksInTurn
from omni_core.types import Limits

BACKWARD_S = 1.0
"""A decoding time this far before the latest one of its stream is a new clock."""
FORWARD_S = 60.0
"""And one this far after it: a recorder that paused, and clocks that run back by more than a
minute, which FFmpeg takes for a wrap after 26 hours."""
STALE_S = 10.0
"""Packets of the other streams that come late, and lie this near to their old clock and nearer to
it than to the new one, are none of the new part."""
log = logging.getLogger(__name__)
Parts = tuple[Part, ...]
_PACK, _SYSTEM = b"\0\0\1\xba", b"\0\0\1\xbb"
MAX_WALK_BYTES = 1 << 30
"""Larger files are not looked through."""
MAX_PARTS = 1000
PACKET = 188
HEADER_PACKETS = 8
"""Packets before a part's first picture in which its table of programs is looked for."""


def parts_of(path: str, limits: Limits | None = None) -> tuple[Part, ...]:
    """The parts of a file in order; none for a file with one clock, which nearly all have."""
    stat = os.stat(path)
    return _parts(path, stat.st_size, stat.st_mtime_ns, limits or Limits())


@lru_cache(maxsize=64)
def _parts(path: str, size: int, modified: int, limits: Limits) -> Parts:
    if size > MAX_WALK_BYTES:
        return ()
    with open(path, "rb") as f:
        head = f.read(4096)
    if len(joined := borders(path, MAX_PARTS)) > 1:
        return _chained(path, (*joined, size), limits)
    if not (head.startswith(b"\0\0\1\xba") or is_transport_stream(head)):
        return ()
    found: list[Part] = []
    first, start = 0, 0.0
    latest: dict[int, float] = {}
    before: dict[int, float] = {}
    low, high = float("inf"), float("-inf")
    tracks = TracksInTurn()
    with container(path, limits) as c:
        if c.format.name not in JOINED:
            return ()
        foreign = {s.index for s in c.streams} - {s.index for s in of_one_programme(c)}
        for packet in packets(c):
            if packet.dts is None or packet.stream.type not in ("video", "audio"):
                continue
            if packet.stream_index in foreign:
                continue
            decoded = float(packet.dts * packet.time_base)
            index = packet.stream_index
            if packet.pos:
                tracks.passed(packet, decoded)
            if index in before and index not in latest:
                if abs(decoded - before[index]) < min(STALE_S, abs(decoded - high)):
                    continue
                del before[index]
                if packet.pos and packet.pos < first:  # its first picture began before the border
                    first = _with_header(path, packet.pos)
                    found[-1] = replace(found[-1], last=first)
            step = decoded - latest.get(index, decoded)
            if not -BACKWARD_S <= step <= FORWARD_S and packet.pos:
                if len(found) == MAX_PARTS:
                    break
                border = _with_header(path, packet.pos)
                found.append(Part(first, border, start, high - low))
                first, start = border, start + high - low
                before, latest = latest, {}
                low, high = float("inf"), float("-inf")
            latest[index] = max(decoded, latest.get(index, decoded))
            stamp = packet.pts if packet.pts is not None else packet.dts
            shown = float(stamp * packet.time_base)
            low = min(low, shown)
            high = max(high, shown + float((packet.duration or 0) * packet.time_base))
    if not found and (later := tracks.borders()):
        return _in_turn(path, [0, *(_with_header(path, at) for at in later), size], limits)
    return (*found, Part(first, size, start, max(0.0, high - low))) if found else ()


def _in_turn(path: str, borders: list[int], limits: Limits) -> Parts:
    """Of a file on one clock in which other tracks of pictures follow the first ones; none where
    one of them cannot be opened by itself."""
    begins, end = list[float](), 0.0
    for first, last in itertools.pairwise(borders):
        try:
            with container(path, limits, Part(first, last, 0.0, 0.0)) as c:
                begins.append(Clock(c).zero)
                end = begins[-1] + (length(path, c) or 0.0)
        except av.FFmpegError as e:
            log.debug("no part begins at byte %d: %r", first, e)
            return ()
    return tuple(
        Part(first, last, begin - begins[0], max(0.0, until - begin))
        for (first, last), (begin, until) in zip(
            itertools.pairwise(borders), itertools.pairwise([*begins, end]), strict=True
        )
    )


def _chained(path: str, ends: tuple[int, ...], limits: Limits) -> tuple[Part, ...]:
    """The files between these bytes; what is none belongs to the one before. None where only one
    is left."""
    found: list[Part] = []
    start = 0.0
    for first, last in itertools.pairwise(ends):
        link = Part(first, last, start, 0.0)
        try:
            with container(path, limits, link) as c:
                seconds = length(path, c) or 0.0
        except av.FFmpegError as e:
            log.debug("no file begins at byte %d: %r", first, e)
            if not found:
                return ()
            found[-1] = replace(found[-1], last=last)
            continue
        found.append(replace(link, seconds=seconds))
        start += seconds
    return tuple(found) if len(found) > 1 else ()


def is_transport_stream(head: bytes) -> bool:
    """Sync bytes 188 apart, or 192 (Blu-ray) or 204 (with error correction); a recording may begin
    in the middle of a packet."""
    return packet_layout(head) != (0, 0)


def _with_header(path: str, at: int) -> int:
    """The position of the program table just before byte `at` of a transport stream, or of the
    headers of the pack in a program stream; else `at`."""
    first = max(0, at - HEADER_PACKETS * PACKET)
    with open(path, "rb") as f:
        f.seek(first)
        before = f.read(at - first)
    if (pack := before.rfind(_PACK)) >= 0 and pack + _headers_bytes(before[pack:]) == len(before):
        return first + pack
    for back in range(PACKET, len(before) + 1, PACKET):
        packet = before[len(before) - back :]
        if packet[:1] != b"G":
            break
        if (packet[1] & 0x1F, packet[2]) in ((0, 0), (0, 0x11)):  # PAT, or SDT before it
            at_table = at - back
            further = before[: len(before) - back][-PACKET:]
            if further[:1] == b"G" and (further[1] & 0x1F, further[2]) == (0, 0x11):
                at_table -= PACKET
            return at_table
    return at


def _headers_bytes(data: bytes) -> int:
    """The length of the header of a pack, with the one of the system where that follows it."""
    size = 12 if data[4:5] < b"\x40" else 14 + (int.from_bytes(data[13:14], "big") & 7)
    if data[size : size + 4] == _SYSTEM:
        size += 6 + int.from_bytes(data[size + 4 : size + 6], "big")
    return size
