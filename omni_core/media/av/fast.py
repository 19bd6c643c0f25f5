"""Fast mode: I-frames are decoded, and between two of them only what may hold a cut.

Where the pictures of two I-frames are unlike, the sizes of the packets between them say where the
change lies or up to where the group has to be decoded to find it (`packets`).
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from omni_core.media.av.clock import Clock
from omni_core.media.av.gradual import alike
from omni_core.media.av.luma import FrameFeatures, difference, features_of, luma, sampled, tones
from omni_core.media.av.packets import GroupJudge
from omni_core.media.av.panning import alike_when_moved
from omni_core.media.av.shots import Shot, ShotCutter

log = logging.getLogger(__name__)

MAX_ALIKE = 0.8
"""Correlation of two I-frames above which they show the same scene, in whatever light. Below it,
half the difference of their tones is taken off: a camera that moves keeps them."""
MIN_MOVED = 0.64
"""Their correlation once the camera's movement is taken off, less half the difference of their
tones, above which they show the same scene too; not where the later one has come early, as
encoders place it in the middle of a dissolve."""
MAX_TONES = 1.5
"""Difference of their tones (2 at most) above which they may show two scenes however alike their
layouts are: light in one scene seldom changes so much."""
MAX_SAME = 0.4
"""Likeness below which they may show two scenes ..."""
MAX_GUESSED = 0.0
"""... and below which that is believed without decoding what is between them. Two that show the
same scene ..."""
MIN_CHANGE = 2.0
"""... are two pictures all the same if nothing moves and they differ by this, as slides do ..."""
MAX_STILL_SIZE, EMPTY = 0.002, 24
"""... nothing moving where the frames between take less than this share of an I-frame each, or
these bytes: a slow zoom over a picture takes 0.01."""
MIN_GROUP_S = 1.0
"""I-frames closer than this to the one before are part of its group: a dissolve takes longer."""
MAX_SHARE, FREE_S = 0.7, 4.0
"""Share of the video that is decoded whole, at most, and seconds before that counts; after that,
cuts lie where the sizes of packets make them likely."""
MAX_GROUP_S, MAX_GROUP_BYTES = 60.0, 64 << 20
"""A longer group is decoded as it comes."""


@dataclass(slots=True)
class _Group:
    t: float
    frame: Any
    seen: FrameFeatures
    key: Any
    packets: list[Any] = field(default_factory=list)
    """Those after the I-frame, in file order."""
    bytes: int = 0


class FastCutter:
    """Packets of one video stream to shots."""

    def __init__(
        self, shots: ShotCutter, stream: Any, clock: Clock, decode: Callable[[Any], list[Any]]
    ) -> None:
        """`decode`: frames of a packet, none when it is damaged."""
        self._shots, self._clock, self._decode = shots, clock, decode
        self._codec, self._time_base = stream.codec_context, stream.time_base
        self.decoded = False
        """Whether any picture could be read."""
        self._judge = GroupJudge()
        self._group: _Group | None = None
        self._read_s = 0.0  # seconds that were decoded whole
        self._through = False  # the group is too long to hold, and is decoded as it comes

    def push(self, packet: Any) -> Iterator[Shot]:
        """The shots that this packet completes."""
        if not packet.size:
            return
        if packet.is_keyframe and self._through:
            yield from self._push(self._drain())
        if self._ends_group(packet) and (key := self._picture(packet)) is not None:
            yield from self._close(key)
            self._group, self._through = key, False
        elif self._through:
            yield from self._push(self._decode(packet))
        elif self._group is not None:
            group = self._group
            group.packets.append(packet)
            group.bytes += packet.size
            t = self._clock.packet(packet)
            if group.bytes > MAX_GROUP_BYTES or (t or 0.0) - group.t > MAX_GROUP_S:
                yield from self._read(group, None, drain=False)
                group.packets.clear()
                self._through = True

    def flush(self) -> Iterator[Shot]:
        """The shots that the end of the video completes, but the last."""
        if self._through:
            yield from self._push(self._drain())
        elif self._group is not None:
            yield from self._close(None)
        yield from self._shots.flush()

    def _ends_group(self, packet: Any) -> bool:
        if not packet.is_keyframe:
            return False
        t = self._clock.packet(packet)
        return self._group is None or self._through or (t or 0.0) - self._group.t >= MIN_GROUP_S

    def _picture(self, packet: Any) -> _Group | None:
        """The group that begins with this packet; None where the packet gives no frame."""
        frames = [*self._decode(packet), *self._drain()]
        for frame in frames[:1]:
            t = self._clock.frame(frame)
            if t is not None:
                self.decoded = True
                (seen,) = features_of((sampled(luma(frame)),))
                return _Group(t, frame, seen, packet)
        return None

    def _close(self, after: _Group | None) -> Iterator[Shot]:
        """Everything from the group's first frame to the one before the next group's."""
        group = self._group
        if group is None or self._through:
            if after is not None:
                yield from self._shots.push(after.t, after.frame)
            return
        timed = [(t, p) for p in group.packets if (t := self._clock.packet(p)) is not None]
        inner = [t for t, p in timed if p.is_keyframe]
        sizes = [(t, p.size) for t, p in timed]
        in_order = all(a <= b for (a, _), (b, _) in itertools.pairwise(sizes))
        sizes = sorted(s for s in sizes if s[0] > group.t)
        plan = None
        if after is None or self._changed(group, after, sizes, inner):
            end = (after.t, after.key.size) if after is not None else None
            plan = self._judge.plan(
                sizes, (group.t, group.key.size), end, reordered=not in_order, inner=inner
            )
        keys = [group.t, *inner, *([after.t] if after is not None else [])]
        for a, b in itertools.pairwise(keys):
            self._judge.note(b - a)
        whole = False
        cuts = plan.cuts if plan is not None else ()
        if plan is not None and plan.until is not None:
            cost = plan.until - group.t
            if self._read_s + cost <= FREE_S + MAX_SHARE * plan.until:
                self._read_s += cost
                whole = after is not None and plan.until >= after.t
                yield from self._read(group, plan.until)
            elif after is None or _same(group.seen, after.seen, moved=True) < MAX_GUESSED:
                cuts = plan.guess
        if after is None:
            return
        if whole:
            yield from self._shots.push(after.t, after.frame)
        else:
            yield from self._shots.skip_to(after.t, after.frame, cuts)

    def _changed(
        self, group: _Group, after: _Group, sizes: list[tuple[float, int]], inner: list[float]
    ) -> bool:
        last = inner[-1] if inner else group.t
        if _same(group.seen, after.seen, moved=self._judge.due(after.t - last)) < MAX_SAME:
            return True
        middle = sorted(n for _, n in sizes)[len(sizes) // 2] if sizes else 0
        still = middle < max(MAX_STILL_SIZE * group.key.size, EMPTY)
        return still and difference(group.seen, after.seen) >= MIN_CHANGE

    def _read(self, group: _Group, until: float | None, *, drain: bool = True) -> Iterator[Shot]:
        """Decode the group's frames up to second `until`."""
        self._decode(group.key)
        for packet in group.packets:
            t = self._clock.packet(packet)
            if until is not None and t is not None and t > until:
                break
            yield from self._push(self._decode(packet))
        if drain:
            yield from self._push(self._drain())

    def _push(self, frames: list[Any]) -> Iterator[Shot]:
        for frame in frames:
            t = self._clock.frame(frame)
            if t is not None:
                yield from self._shots.push(t, frame)

    def _drain(self) -> list[Any]:
        """The frames that the decoder holds back; it then begins anew with an I-frame."""
        try:
            frames: list[Any] = self._codec.decode(None)
        except Exception as e:  # the damage has been counted with its packet
            log.debug("nothing left to decode: %r", e)
            frames = []
        for frame in frames:  # no packet gave it to them
            frame.time_base = self._time_base
        self._codec.flush_buffers()
        return frames


def _same(a: FrameFeatures, b: FrameFeatures, *, moved: bool) -> float:
    """How surely two I-frames show one scene, -2 to 1; moved: also where the camera has moved."""
    likeness, differ = alike(a, b), tones(a, b)
    if differ > MAX_TONES:
        return likeness - differ / 2
    if likeness > MAX_ALIKE:
        return likeness
    differ /= 2
    if moved and (most := alike_when_moved(a, b) - differ) > MIN_MOVED:
        return most
    return likeness - differ
