"""Tracks of pictures of which each begins where the one before ends: a channel that changed its
numbers, a stream that was put together from two encoders."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

REORDERED_S = 1.0
"""Decoding times of a track begin so long before its pictures at most."""
LEAST_S = 1.0
"""Shorter tracks than this are left-overs."""


@dataclass(slots=True)
class _Track:
    """Its bytes and its decoding times, from the first packet to the last."""

    has_pictures: bool
    first: int
    last: int
    begin: float
    end: float


class TracksInTurn:
    """Notes the packets of pictures and sound of a file in their order."""

    def __init__(self) -> None:
        self._tracks: dict[int, _Track] = {}

    def passed(self, packet: Any, decoded: float) -> None:
        """A packet with its place and decoding time."""
        known = self._tracks.get(packet.stream_index)
        if known is None:
            seen, at = packet.stream.type == "video", packet.pos
            self._tracks[packet.stream_index] = _Track(seen, at, at, decoded, decoded)
        else:
            known.last, known.end = max(known.last, packet.pos), max(known.end, decoded)

    def borders(self) -> list[int]:
        """The bytes at which pictures go on in another track, with its sound; empty unless each
        begins after the one before has ended."""
        seen = sorted((t for t in self._tracks.values() if t.has_pictures), key=lambda t: t.first)
        pairs = list(itertools.pairwise(seen))
        are_apart = all(a.last < b.first and a.end - b.begin < REORDERED_S for a, b in pairs)
        if not are_apart or any(track.end - track.begin < LEAST_S for track in seen):
            return []
        firsts = [track.first for track in self._tracks.values()]
        return [min(at for at in firsts if at > before.last) for before, _ in pairs]
