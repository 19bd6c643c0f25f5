"""Shots that wait for their sound, where the encoder takes both as one input."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

from omni_core.media.av.audio_windows import RecentAudio
from omni_core.media.av.resample import Chunk
from omni_core.media.av.shots import Shot

MAX_WAITING = 4
"""Shots held back until their audio is decoded, at most, in badly interleaved files."""


class WaitingShots:
    """Gives shots with their sound, in order; at once where they need none."""

    def __init__(self, *, with_audio: bool) -> None:
        self._recent = RecentAudio() if with_audio else None
        self._shots: deque[Shot] = deque()

    def heard(self, chunk: Chunk) -> None:
        """Sound was decoded."""
        if self._recent is not None:
            self._recent.push(*chunk)

    def add(self, shots: Iterable[Shot]) -> Iterator[Shot]:
        """Shots were cut; yields those whose sound is known."""
        for shot in shots:
            self._shots.append(shot)
        yield from self.ready()

    def ready(self, *, everything: bool = False) -> Iterator[Shot]:
        """The shots whose audio is decoded, with `everything` all of them."""
        while self._shots:
            late = self._recent is not None and self._recent.now < self._shots[0].end
            if late and not everything and len(self._shots) <= MAX_WAITING:
                return
            yield self.with_audio(self._shots.popleft())

    def with_audio(self, shot: Shot) -> Shot:
        """The shot with its sound."""
        if self._recent is None:
            return shot
        return replace(
            shot, video=replace(shot.video, audio=self._recent.take(shot.start, shot.end))
        )
