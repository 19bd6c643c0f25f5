"""The programmes of a broadcast: a transport stream may hold several, each with a clock of its own.

FFmpeg gives all their tracks as those of one film. By the tables of ISO/IEC 13818-1 (2.4.4) and the
names of EN 300 468 (5.2.3) they are told apart.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

ENOUGH = 3
"""Tracks with which a broadcast may hold a second programme beside its pictures and sound."""
LOOKED_AT = 4 << 20
"""Bytes in which the tables stand, which come several times a second."""
SIZES = (188, 192, 204)
"""Bytes of a packet: as broadcast, on Blu-ray and AVCHD, and with error correction."""
_MARK, _PACKET = 0x47, 188
_PAT, _SDT = 0, 0x11
_PAT_TABLE, _PMT_TABLE, _SDT_TABLE = 0, 2, 0x42
_SERVICE = 0x48
_FILLER = 0xFF
_NAME_CHARACTERS = 80


@dataclass
class Programme:
    """Its number, its name, the PIDs of its tracks, and whether packets of any of them were found:
    a recorder that saves one programme often keeps the tables of all."""

    number: int
    name: str = ""
    tracks: frozenset[int] = frozenset()
    is_there: bool = False


def packet_layout(head: bytes) -> tuple[int, int]:
    """The first mark of a packet and the bytes from one to the next; (0, 0) where there are none. A
    recording may begin in the middle of a packet."""
    for size in SIZES:
        for first in range(min(size, len(head))):
            marks = head[first::size]
            if marks[0] == _MARK and len(marks) >= 5 and marks.count(_MARK) == len(marks):
                return first, size
    return 0, 0


def own(c: Any, streams: Iterable[Any], seen: Any | None) -> list[Any]:
    """The streams of the programme to which the stream `seen` belongs; all of them where that is
    not known, as in files of any other kind."""
    found = [*streams]
    if seen is None:
        return found
    mine = next((p.tracks for p in programmes(c) if seen.id in p.tracks), None)
    return [s for s in found if s.id in mine] if mine is not None else found


def there(c: Any, streams: Iterable[Any]) -> list[Any]:
    """The streams without those of programmes of which no packet was found; all of them where none
    was found of any."""
    found = [*streams]
    left_out: set[int] = set()
    kept: set[int] = set()
    for programme in programmes(c):
        (kept if programme.is_there else left_out).update(programme.tracks)
    return [s for s in found if s.id not in left_out - kept] if kept else found


def others(c: Any, seen: Any | None) -> str:
    """The names, or numbers, of the programmes to which the stream `seen` does not belong; "" where
    there are none."""
    if seen is None or not any(seen.id in p.tracks for p in programmes(c)):
        return ""
    further = (p for p in programmes(c) if p.is_there and seen.id not in p.tracks)
    return ", ".join(p.name or f"number {p.number}" for p in further)


def programmes(c: Any) -> tuple[Programme, ...]:
    """The programmes of an open transport stream, by the tables at its start; none of a file of any
    other kind, and of one that has too few tracks for two."""
    if c.format.name != "mpegts" or len(c.streams) < ENOUGH:
        return ()
    path = c.name.removeprefix("file:")
    stat = os.stat(path)
    return _programmes(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=16)
def _programmes(path: str, size: int, modified: int) -> tuple[Programme, ...]:
    with open(path, "rb") as f:
        data = f.read(LOOKED_AT)
    first, step = packet_layout(data[:4096])
    if not step:
        return ()
    found: dict[int, Programme] = {}
    maps: set[int] = set()  # PIDs of the tables of tracks
    read: set[int] = set()
    tables = _Tables(data[first:], step, {_PAT, _SDT})
    for kind, number, body in tables:
        if kind == _PAT_TABLE and not found:
            for at in range(0, len(body) - 3, 4):
                service, pid = _number(body, at), _number(body, at + 2) & 0x1FFF
                if service:
                    found[service] = Programme(service)
                    maps.add(pid)
            if len(found) < 2:
                return tuple(found.values())
            tables.wanted |= maps
        elif kind == _PMT_TABLE and number in found:
            found[number].tracks = frozenset(_tracks(body))
            read.add(number)
        elif kind == _SDT_TABLE and found:
            for service, name in _services(body):
                if service in found:
                    found[service].name = name
        if found and len(read) == len(found) and all(p.name for p in found.values()):
            break
    packets = range(first, len(data) - _PACKET, step)
    pids = {_number(data, at + 1) & 0x1FFF for at in packets}
    for programme in found.values():
        programme.is_there = not pids.isdisjoint(programme.tracks)
    return tuple(found.values())


@dataclass
class _Tables:
    """(table, number, body) of the sections in packets, of the PIDs that are wanted."""

    data: bytes
    step: int
    wanted: set[int]
    begun: dict[int, bytes] = field(default_factory=dict)

    def __iter__(self) -> Iterator[tuple[int, int, bytes]]:
        data = self.data
        for at in range(0, len(data) - _PACKET + 1, self.step):
            pid = _number(data, at + 1) & 0x1FFF
            if pid not in self.wanted or data[at] != _MARK or not data[at + 3] & 0x10:
                continue
            begin = at + 4 + (1 + data[at + 4] if data[at + 3] & 0x20 else 0)
            packet = data[begin : at + _PACKET]
            if data[at + 1] & 0x40 and packet:  # a section begins in it, behind the end of another
                first = 1 + packet[0]
                if pid in self.begun:
                    yield from self._whole(pid, self.begun[pid] + packet[1:first])
                yield from self._whole(pid, packet[first:])
            elif pid in self.begun:
                yield from self._whole(pid, self.begun[pid] + packet)

    def _whole(self, pid: int, data: bytes) -> Iterator[tuple[int, int, bytes]]:
        """The sections that are whole; what has begun behind them waits for the next packet."""
        self.begun.pop(pid, None)
        while data and data[0] != _FILLER:
            end = 3 + (_number(data, 1) & 0xFFF)
            if len(data) < max(8, end):
                self.begun[pid] = data
                return
            yield data[0], _number(data, 3), data[8 : max(8, end - 4)]
            data = data[end:]


def _tracks(body: bytes) -> Iterator[int]:
    at = 4 + (_number(body, 2) & 0xFFF)
    while at + 5 <= len(body):
        yield _number(body, at + 1) & 0x1FFF
        at += 5 + (_number(body, at + 3) & 0xFFF)


def _services(body: bytes) -> Iterator[tuple[int, str]]:
    at = 3
    while at + 5 <= len(body):
        end = at + 5 + (_number(body, at + 3) & 0xFFF)
        here = at + 5
        while here + 2 < min(end, len(body)):
            if body[here] == _SERVICE:
                held = body[here + 3 : here + 2 + body[here + 1]]
                yield _number(body, at), _name(held[2 + held[0] :] if held else b"")
            here += 2 + body[here + 1]
        at = end


def _name(raw: Sequence[int]) -> str:
    """A name in its alphabet, of which the first byte tells (EN 300 468, annex A)."""
    data = bytes(raw)
    page = "latin-1"
    if data[:1] == b"\x10":
        page, data = f"iso8859-{max(1, min(16, data[2] if len(data) > 2 else 1))}", data[3:]
    elif data[:1] == b"\x15":
        page, data = "utf-8", data[1:]
    elif data[:1] and data[0] < 0x10:
        page, data = f"iso8859-{data[0] + 4}", data[1:]
    try:
        name = data.decode(page, "replace")
    except LookupError:
        name = data.decode("latin-1")
    return "".join(c for c in name if c.isprintable()).strip()[:_NAME_CHARACTERS]


def _number(data: Sequence[int], at: int) -> int:
    return data[at] << 8 | data[at + 1] if at + 2 <= len(data) else 0
