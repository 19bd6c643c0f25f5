"""Keyframe selection: sharp, well lit frames spread over a shot, and the best one of them.

"Keyframe" in the sense of retrieval, a representative frame; the codec's is called an I-frame.
Frames are offered as they are decoded; the best of each half second is kept until shot detection
has passed it. A frame is converted to RGB only once it is known to belong to the shot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from omni_core.media.av.luma import (
    FrameFeatures,
    Luma,
    difference,
    features_of_thumbnails,
    sharpness,
)
from omni_core.media.av.pixels import shrink, to_rgb
from omni_core.types import CutOptions, Pixels, VideoContent

MIN_OFFER_GAP_S = 0.12
"""A frame closer than this to the one offered before is skipped."""
BIN_S = 0.5
"""Length of a bin; the best frame of each is a candidate."""
EDGE_S = 0.25
"""After a cut frames are often still a blend; within this time their quality is halved."""
MAX_FULL_FRAMES = 8
"""Frames of one shot that are held at full size as candidates for the keyframe."""


@dataclass(frozen=True, slots=True)
class _Offer:
    t: float
    sharpness: float
    frame: Any
    stays: bool
    """It follows another closely, and stays on screen."""


@dataclass(slots=True)
class _Candidate:
    t: float
    quality: float
    features: FrameFeatures
    frame: Any
    rotation: int


@dataclass(slots=True)
class _Slot:
    number: int
    best: _Candidate
    small: Pixels | None = None


class KeyframeSelector:
    """Collects candidate frames and selects those of each shot, in order."""

    def __init__(self, options: CutOptions, aspect: float = 1.0) -> None:
        self._options = options
        self._aspect = aspect
        self._waiting: list[_Candidate] = []
        self._slots: list[_Slot] = []
        self._start: float | None = None
        self._offered = -1e9
        self._new: list[_Offer] = []
        self._last: tuple[float, FrameFeatures] | None = None
        """The last frame that was judged."""
        self._skipped: tuple[float, Any, Luma] | None = None
        """The last frame, when it followed another too closely to be offered."""

    def offer(self, t: float, frame: Any, rows: Luma) -> None:
        """Consider a frame; `judge` then keeps it if it is the best of its bin."""
        self._offer_skipped(t)
        if t - self._offered < MIN_OFFER_GAP_S:
            self._skipped = t, frame, rows
            return
        self._offered = t
        if self._start is None:
            self._start = t
        self._new.append(_Offer(t, sharpness(rows), frame, stays=False))

    def _offer_skipped(self, now: float) -> None:
        """Offer the skipped frame after all when it stays on screen: it is the one that is seen,
        not the one before it."""
        skipped, self._skipped = self._skipped, None
        if skipped is None or now - skipped[0] < BIN_S:
            return
        t, frame, rows = skipped
        self._new.append(_Offer(t, sharpness(rows), frame, stays=True))

    def judge(self, seen: Sequence[tuple[float, FrameFeatures]]) -> None:
        """Judge what was offered; `seen`: the features of all frames since the last call."""
        known = dict(seen if self._last is None else (self._last, *seen))
        self._last = seen[-1]
        self._judge(known)

    def _judge(self, known: Mapping[float, FrameFeatures]) -> None:
        for offer in self._new:
            t, features, frame = offer.t, known[offer.t], offer.frame
            quality = _quality(offer.sharpness, features)
            here = _Candidate(t, quality, features, frame, frame.rotation)
            last = self._waiting[-1] if self._waiting else None
            if offer.stays:
                if last is not None and t - last.t < MIN_OFFER_GAP_S:
                    self._waiting.pop()
                self._waiting.append(here)
            elif last is None or int(last.t / BIN_S) != int(t / BIN_S):
                self._waiting.append(here)
            elif quality > last.quality:
                self._waiting[-1] = here
        self._new.clear()

    def accept(self, until: float) -> None:
        """Assign the candidates before second `until` to the current shot."""
        if not self._waiting or self._waiting[0].t >= until:
            return
        keep = []
        for c in self._waiting:
            if c.t >= until:
                keep.append(c)
            else:
                self._place(c)
        self._waiting = keep

    def take(self, end: float) -> tuple[VideoContent, float] | None:
        """Content of the shot that ends at `end`, and its keyframe's time; None without a frame."""
        if self._skipped is not None and self._skipped[0] < end and self._last is not None:
            self._offer_skipped(end)
            self._judge(dict((self._last,)))
        self.accept(end)
        slots = [s for s in self._slots if s.best.t < end]
        self._slots = [s for s in self._slots if s.best.t >= end]
        for s in self._slots:
            s.number = int((s.best.t - end) * self._options.video_fps)
        self._start = end
        if not slots:
            return None
        best = max((s for s in slots if s.best.frame is not None), key=self._scorer(slots)).best
        chosen = _evenly_spaced(slots, self._options.video_max_frames)
        frames = np.stack([self._small(s) for s in chosen])
        times = tuple(round(s.best.t, 4) for s in chosen)
        keyframe = to_rgb(
            best.frame, self._options.image_edge, rotation=best.rotation, aspect=self._aspect
        )
        return VideoContent(frames, times, self._options.video_fps, keyframe), best.t

    def _place(self, c: _Candidate) -> None:
        start = self._start if self._start is not None else c.t
        if c.t - start < EDGE_S:
            c.quality *= 0.5
        number = int((c.t - start) * self._options.video_fps)
        slot = self._slots[-1] if self._slots else None
        if slot is not None and slot.number >= number:
            if c.quality <= slot.best.quality:
                return
            slot.best = c
        else:
            if slot is not None:
                slot.small = self._small(slot)
            self._slots.append(_Slot(number, c))
        c.frame = shrink(c.frame, self._options.image_edge)
        self._limit_full_frames()

    def _limit_full_frames(self) -> None:
        """Drop the full-size frame of the worst slot when `MAX_FULL_FRAMES` are held."""
        full = [s for s in self._slots[:-1] if s.best.frame is not None]
        if len(full) >= MAX_FULL_FRAMES:
            min(full, key=lambda s: s.best.quality).best.frame = None

    def _small(self, slot: _Slot) -> Pixels:
        if slot.small is None:
            b = slot.best
            slot.small = to_rgb(
                b.frame, self._options.video_edge, rotation=b.rotation, aspect=self._aspect
            )
        return slot.small

    @staticmethod
    def _scorer(slots: list[_Slot]) -> Callable[[_Slot], float]:
        """Keyframe score of a slot: quality, lowered by the distance from the median frame."""
        thumbs = np.stack([s.best.features.thumbnail for s in slots])
        middle = features_of_thumbnails(np.median(thumbs, axis=0)[None].astype(np.uint8))[0]
        return lambda s: s.best.quality / (1 + difference(s.best.features, middle) / 20)


def _quality(sharp: float, features: FrameFeatures) -> float:
    """Sharpness, scaled down for frames that are nearly black, white or uniform."""
    mean = float(features.mean)
    lit = min(1.0, mean / 40, (256 - mean) / 16) * min(1.0, features.contrast / 12)
    return (sharp + 0.1) * (lit + 0.01)


def _evenly_spaced(slots: list[_Slot], most: int) -> list[_Slot]:
    if len(slots) <= most:
        return slots
    return [slots[i] for i in np.linspace(0, len(slots) - 1, most).round().astype(int)]
