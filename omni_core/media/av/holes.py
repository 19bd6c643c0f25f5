"""Sound that is missing in the middle of a file, and stretches of which nothing was stored.

A clock with a gap may be a pause. It is a hole where the format knows no pauses, where bytes that
nothing can read lie in the gap or pages are missing there, or, in a broadcast, where pictures and
sound are missing together, or pictures without sound and packets of the stream.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from omni_core.media.av import adts, lost_sync, ogg_pages
from omni_core.media.av.clock import Clock
from omni_core.media.av.container import JOINED
from omni_core.media.av.joined_tags import tag_end
from omni_core.media.av.part_file import Part

GAP_S = 1.0
"""Seconds without a packet, or of packets that cannot be decoded, that are a hole."""
NAMED = 5
"""Holes that a warning names."""
USUAL = 20
"""Pictures to each gap between them, in a film without sound, for the gap to be a hole."""
SKIPPED = 4096
"""Bytes between two packets that are no heads of packets."""
_SOUND_ONLY = ("ogg", "flac")
"""Formats whose gaps are looked for in the sound alone."""
_PAGED = "ogg"
"""A recorder may leave silence out of it: pages are missing where there is a hole."""
_WITH_PLACES = ("matroska,webm", "flv", "avi")
"""Formats in which packets follow each other with little between them."""
_LARGEST_FRAME = {"mp3": 1729, "ac3": 3840, "eac3": 2 * 4096, "dts": 1 << 16}
"""Formats without a clock, and bytes of their largest frame. FFmpeg adds bytes that are no frame to
the frame after them (MP3) or before them."""
_MPEG, _AAC = "mp3", "aac"
_SYNC = 0xFF
"""The first byte of a frame of MPEG."""
Gap = tuple[float, float]


class Holes:
    """Looks at the packets of one open container in their order in the file."""

    def __init__(
        self,
        form: str,
        clock: Clock,
        path: str,
        part: Part | None,
        *,
        pictures: bool,
        sound: bool,
    ) -> None:
        """path: of the file of which the container holds all, or one part."""
        self._form, self._clock, self._path, self._part = form, clock, path, part
        self._pictures, self._sound = pictures, sound
        self._largest, self._has_places = _LARGEST_FRAME.get(form, 0), form in _WITH_PLACES
        self._ticks: dict[bool, float] = {}  # time bases of pictures and of sound
        self._has_clock = form in (*_SOUND_ONLY, *_WITH_PLACES, *JOINED)
        self._ends: dict[bool, float] = {}  # of pictures and of sound
        self._gaps: dict[bool, list[Gap]] = {True: [], False: []}
        self._after: int | None = None  # the byte after the last packet
        self._skipped: set[bool] = set()  # of which no packet came since bytes were skipped
        self._corrupt = -math.inf  # the second of the last picture of which packets are missing
        self._undecoded: list[Gap] = []
        self._decoded = -1  # frames before the last packet that could not be decoded
        self._frames = self._bytes = self._seen = 0
        self._damaged: list[Gap] = []
        self._last_damaged: list[Gap] = []  # of which no frame came after
        self._cuts: list[float] = []  # seconds at which a frame is not followed by the next one
        self._lost_sync = False  # whether a frame of MPEG begins with something else
        self._tag = 0  # bytes that are left of a tag

    def passed(self, packet: Any, *, is_picture: bool) -> None:
        """A packet of the pictures, or of the first track that is heard."""
        if not self._has_clock:
            if self._largest:
                self._frame(packet)
            return
        if self._has_places and packet.pos:
            if self._after is not None and packet.pos - self._after > SKIPPED:
                self._skipped = {True, False}
            self._after = packet.pos + packet.size
        stamp = packet.pts
        if stamp is None or not packet.size:
            return
        tick = self._ticks.get(is_picture)
        if tick is None:
            tick = self._ticks[is_picture] = self._clock.tick(packet)
        second = stamp * tick - self._clock.zero
        if is_picture and packet.is_corrupt:
            self._corrupt = second
        end = self._ends.get(is_picture)
        if end is not None and second - end > GAP_S and self._is_hole(packet, end, is_picture):
            self._gaps[is_picture].append((end, second))
        if self._skipped:
            self._skipped.discard(is_picture)
        self._seen += is_picture
        until = second + (packet.duration or 0) * tick
        if until > (end or 0.0):
            self._ends[is_picture] = until
        elif end is None:
            self._ends[is_picture] = 0.0

    def _is_hole(self, packet: Any, end: float, is_picture: bool) -> bool:
        """Whether a gap of the clock, which ends with this packet, may be a hole."""
        if self._form == _PAGED:
            place = packet.pos
            return place is not None and ogg_pages.is_missing(self._path, self._part, place)
        if self._form in JOINED:
            return self._sound or end - self._corrupt < GAP_S
        return self._form in _SOUND_ONLY or is_picture in self._skipped

    def undecoded(self, packet: Any, decoded: int) -> None:
        """A packet of sound that cannot be decoded; decoded: frames that were, before it. Where
        packets state no length, those without a frame between them follow each other."""
        second = self._clock.packet(packet)
        length = float((packet.duration or 0) * packet.time_base)
        if second is None:
            return
        begin, last = second, self._undecoded[-1][1] if self._undecoded else -math.inf
        if second - last < length or (not length and decoded == self._decoded and last <= second):
            begin = self._undecoded.pop()[0]
        self._undecoded.append((begin, second + length))
        self._decoded = decoded

    def _frame(self, packet: Any) -> None:
        """A frame, or bytes that are none."""
        size = packet.size
        if self._tag > 0:
            self._tag -= size
            return
        if size > self._largest or (size and self._last_damaged):
            data = bytes(packet)
            is_junk = data[:1] != b"\xff" if self._form == _MPEG else size > self._largest
            second = self._clock.packet(packet) if is_junk else None
            self._junk(packet, second, data)
        elif size:
            self._frames += 1
            self._bytes += size
            if self._form == _MPEG and memoryview(packet)[0] != _SYNC:
                self._lost_sync = True

    def _junk(self, packet: Any, second: float | None, data: bytes) -> None:
        size = len(data)
        if second is None:
            self._frames += 1
            self._bytes += size
            self._damaged += self._last_damaged
            self._last_damaged = []
            return
        end = tag_end(data, 0, size)
        if end >= 0:
            self._tag = end - size
        elif self._frames:
            frames = size * self._frames / self._bytes
            lost = frames * float((packet.duration or 0) * packet.time_base)
            self._last_damaged.append((second, second + lost))

    def warnings(self, read: float) -> Iterator[str]:
        """What is missing, each kind in one line; read: the seconds that were read."""
        if found := [gap for gap in self._undecoded if gap[1] - gap[0] > GAP_S]:
            yield f"sound that cannot be decoded, and is not heard: seconds {_named(found)}"
        if found := [*self._holes()]:
            yield f"the file has holes, with {self._kinds}: seconds {_named(found)}"
        if self._form == _AAC:
            found = adts.gaps(self._path, self._part)
            self._damaged = [(at, at + lost) for at, lost in found if lost]
            self._cuts = [at for at, lost in found if not lost]
        elif self._form in lost_sync.FORMS and (self._form != _MPEG or self._lost_sync):
            parts = lost_sync.breaks(self._path, self._part, self._largest)
            self._cuts = [part * read for part in parts]
        if self._cuts:
            at = list(dict.fromkeys(f"{second:.0f}" for second in self._cuts))
            yield (
                f"the sound is cut within a frame at seconds {_some(at)}: what is missing there is "
                "not known, and what follows comes that much earlier"
            )
        lost = sum(end - start for start, end in self._damaged)
        if lost > GAP_S:
            at = list(dict.fromkeys(f"{start:.0f}" for start, _ in self._damaged))
            yield (
                f"the sound has holes: about {lost:.1f} s are damaged at seconds {_some(at)}, and "
                "what follows comes that much earlier"
            )

    @property
    def _kinds(self) -> str:
        if not self._sound:
            return "no pictures"
        by_sound = not self._pictures or self._form in _SOUND_ONLY
        return "no sound" if by_sound else "neither pictures nor sound"

    def _holes(self) -> Iterator[Gap]:
        if not self._sound:
            if len(self._gaps[True]) * USUAL < self._seen:  # else pictures are rare
                yield from self._gaps[True]
            return
        if not self._pictures or self._form in _SOUND_ONLY:
            yield from self._gaps[False]
            return
        for start, end in self._gaps[False]:
            for first, last in self._gaps[True]:
                low, high = max(start, first), min(end, last)
                if high - low > GAP_S:
                    yield low, high


def _some(seconds: list[str]) -> str:
    more = f" and {len(seconds) - NAMED} more" if len(seconds) > NAMED else ""
    return ", ".join(seconds[:NAMED]) + more


def _named(gaps: Iterable[Gap]) -> str:
    spans = [f"{max(0.0, start):.0f} to {end:.0f}" for start, end in gaps]
    more = len(spans) - NAMED
    return ", ".join(spans[:NAMED]) + (f" and {more} more times" if more > 0 else "")
