"""The pictures that stand for a shot: sharp, well lit, spread over it, and one best of all.

Frames are offered as they are decoded; only the best of each half second is kept, and only until
the cut detector has passed it. Nothing is converted to RGB before its shot is known to hold it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from omni_core.media.av.luma import Look, change, sharpness
from omni_core.media.av.pixels import shrink, to_rgb
from omni_core.types import CutOptions, Pixels, Samples, VideoContent

PACE_S = 0.12
"""Frames closer than this are not compared: neighbours look the same."""
BIN_S = 0.5
EDGE_S = 0.25
"""The first moments of a shot are often still blending."""
STILLS = 8


@dataclass(slots=True)
class _Candidate:
    t: float
    quality: float
    look: Look
    frame: Any
    rotation: int


@dataclass(slots=True)
class _Slot:
    number: int
    best: _Candidate
    small: Pixels | None = None


class Gallery:
    """Collects candidates and hands out the pictures of one shot after the other."""

    def __init__(self, options: CutOptions, aspect: float = 1.0) -> None:
        self._options = options
        self._aspect = aspect
        self._waiting: list[_Candidate] = []
        self._slots: list[_Slot] = []
        self._start: float | None = None
        self._offered = -1e9

    def offer(self, t: float, frame: Any, rows: Any, look: Look) -> None:
        """Consider a frame; it is held only if it is the best of its half second."""
        if t - self._offered < PACE_S:
            return
        self._offered = t
        if self._start is None:
            self._start = t
        here = _Candidate(t, _quality(rows, look), look, frame, frame.rotation)
        last = self._waiting[-1] if self._waiting else None
        if last is None or int(last.t / BIN_S) != int(t / BIN_S):
            self._waiting.append(here)
        elif here.quality > last.quality:
            self._waiting[-1] = here

    def accept(self, until: float) -> None:
        """Everything before `until` belongs to the current shot: keep its best, drop the rest."""
        keep = []
        for c in self._waiting:
            if c.t >= until:
                keep.append(c)
            else:
                self._place(c)
        self._waiting = keep

    def film(self, end: float, sound: Samples | None = None) -> tuple[VideoContent, float] | None:
        """The shot that ends at `end` and the second of its key picture; None without a frame."""
        self.accept(end)
        slots = [s for s in self._slots if s.best.t < end]
        self._slots = [s for s in self._slots if s.best.t >= end]
        for s in self._slots:
            s.number = int((s.best.t - end) * self._options.video_fps)
        self._start = end
        if not slots:
            return None
        key = max((s for s in slots if s.best.frame is not None), key=self._scorer(slots))
        chosen = _spread(slots, self._options.video_max_frames)
        frames = np.stack([self._small(s) for s in chosen])
        times = tuple(round(s.best.t, 4) for s in chosen)
        best = key.best
        picture = to_rgb(
            best.frame, self._options.image_edge, rotation=best.rotation, aspect=self._aspect
        )
        return VideoContent(frames, times, self._options.video_fps, picture, sound), best.t

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
        self._thin()

    def _thin(self) -> None:
        """Hold few full pictures: the least of those already drawn small gives its own up."""
        full = [s for s in self._slots[:-1] if s.best.frame is not None]
        if len(full) >= STILLS:
            min(full, key=lambda s: s.best.quality).best.frame = None

    def _small(self, slot: _Slot) -> Pixels:
        if slot.small is None:
            b = slot.best
            slot.small = to_rgb(
                b.frame, self._options.video_edge, rotation=b.rotation, aspect=self._aspect
            )
        return slot.small

    @staticmethod
    def _scorer(slots: list[_Slot]) -> Any:
        thumbs = np.stack([s.best.look.thumb for s in slots])
        middle = Look(np.median(thumbs, axis=0).astype(np.uint8))
        return lambda s: s.best.quality / (1 + change(s.best.look, middle) / 20)


def _quality(rows: Any, look: Look) -> float:
    """Sharpness, made small for pictures that are nearly black, white or of one tone."""
    mean, spread = float(look.mean), float(look.thumb.std())
    lit = min(1.0, mean / 40, (256 - mean) / 16) * min(1.0, spread / 12)
    return (sharpness(rows) + 0.1) * (lit + 0.01)


def _spread(slots: list[_Slot], most: int) -> list[_Slot]:
    if len(slots) <= most:
        return slots
    return [slots[i] for i in np.linspace(0, len(slots) - 1, most).round().astype(int)]
