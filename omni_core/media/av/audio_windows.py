"""Audio as windows of mono 16 kHz on the container's clock, cut where it is quiet.

Streaming: at most one window and `LOOKAHEAD_S` are buffered. A gap in the timestamps is filled with
silence (a long one ends the window), overlapping samples are dropped, so that a track that starts
late keeps its offset.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from omni_core.media.av.resample import JITTER_S
from omni_core.types import SAMPLE_RATE, AudioContent, CutOptions, Samples

MAX_BRIDGED_S = 5.0
"""A gap up to this long is filled with silence."""
LOOKAHEAD_S = 2.0
"""Buffered beyond a window before it is cut, so that no very short window is left at the end."""
LOUDNESS_STEP = SAMPLE_RATE // 50
"""Samples of one loudness measurement: 20 ms."""
SILENCE_PEAK = 1e-4
"""Peak of a window, -80 dBFS, below which it is digital silence or dither and is dropped."""


@dataclass(slots=True)
class AudioWindow:
    """New audio of [start, end) seconds; its samples begin `audio.overlap_s` before `start`."""

    start: float
    end: float
    audio: AudioContent


class AudioWindower:
    """Cuts samples, pushed in order of time, into windows of about `audio_window_s` seconds."""

    def __init__(self, options: CutOptions) -> None:
        self._window = int(options.audio_window_s * SAMPLE_RATE)
        self._overlap = int(min(options.audio_overlap_s, options.audio_window_s / 3) * SAMPLE_RATE)
        self._chunks: list[Samples] = []
        self._held = 0
        self._start = 0.0  # second of the first held sample, the overlap included
        self._overlapping = 0  # samples of it that repeat the window before
        self._empty = True

    @property
    def now(self) -> float:
        """The end of the buffered audio, in seconds."""
        return self._start + self._held / SAMPLE_RATE

    def push(self, t: float | None, samples: Samples) -> Iterator[AudioWindow]:
        """Add samples that begin at second `t`; None: right after the ones before."""
        if t is not None and t < 0:  # what a codec needs to begin with, and edit lists
            samples, t = samples[int(-t * SAMPLE_RATE) if t < -JITTER_S else 0 :], 0.0
        if self._empty:
            self._start, self._empty = (t or 0.0), False
        elif t is not None:
            gap = t - self.now
            if gap > MAX_BRIDGED_S:
                yield from self.flush()
                self._start, self._empty = t, False
            elif gap > JITTER_S:
                self._add(np.zeros(int(gap * SAMPLE_RATE), np.float32))
            elif gap < -JITTER_S:
                samples = samples[int(-gap * SAMPLE_RATE) :]
        self._add(samples)
        while self._held >= self._window + LOOKAHEAD_S * SAMPLE_RATE:
            yield from self._cut(self._quietest(int(self._window * 0.6), self._window))

    def flush(self) -> Iterator[AudioWindow]:
        """What is buffered, as windows of about equal length."""
        while self._held > self._window:
            half = max(self._held // 2, self._held - self._window)
            yield from self._cut(self._quietest(min(half, self._window - 1), self._window))
        if self._held > self._overlapping:
            yield from self._emit(self._joined(), self._held)
        self._chunks, self._held, self._overlapping, self._empty = [], 0, 0, True

    def _add(self, samples: Samples) -> None:
        if samples.size:
            self._chunks.append(samples)
            self._held += samples.size

    def _joined(self) -> Samples:
        self._chunks = [np.concatenate(self._chunks)] if self._chunks else []
        return self._chunks[0] if self._chunks else np.zeros(0, np.float32)

    def _quietest(self, low: int, high: int) -> int:
        """The sample in [low, high) in the middle of the quietest 0.3 s, the last of several."""
        part = self._joined()[max(low, self._overlapping + LOUDNESS_STEP) : high]
        steps = part.size // LOUDNESS_STEP
        if steps < 20:
            return high
        power = np.square(part[: steps * LOUDNESS_STEP]).reshape(steps, LOUDNESS_STEP).mean(axis=1)
        calm = np.convolve(power, np.ones(15) / 15, mode="valid")
        best = np.flatnonzero(calm <= calm.min() * 1.5 + 1e-9)[-1]
        return int(max(low, self._overlapping + LOUDNESS_STEP) + (best + 7) * LOUDNESS_STEP)

    def _cut(self, at: int) -> Iterator[AudioWindow]:
        samples = self._joined()
        yield from self._emit(samples[:at], at)
        keep = max(0, at - self._overlap)
        rest = samples[keep:].copy()
        self._start += keep / SAMPLE_RATE
        self._overlapping = at - keep
        self._chunks, self._held = [rest], rest.size

    def _emit(self, samples: Samples, end: int) -> Iterator[AudioWindow]:
        if samples.size == 0 or peak(samples[self._overlapping :]) < SILENCE_PEAK:
            return
        overlap_s = self._overlapping / SAMPLE_RATE
        audio = AudioContent(samples if peak(samples) <= 1 else np.clip(samples, -1, 1), overlap_s)
        yield AudioWindow(self._start + overlap_s, self._start + end / SAMPLE_RATE, audio)


def peak(samples: Samples) -> float:
    """The largest absolute amplitude; full scale is 1, and some decoders exceed it."""
    return max(float(samples.max()), -float(samples.min())) if samples.size else 0.0


class RecentAudio:
    """A buffer of recent audio, from which each shot takes its own."""

    def __init__(self) -> None:
        self._chunks: deque[tuple[float, Samples]] = deque()
        self.now = 0.0

    def push(self, t: float | None, samples: Samples) -> None:
        """Add samples that begin at `t`; None: right after the ones before."""
        start = self.now if t is None else t
        self._chunks.append((start, samples))
        self.now = start + samples.size / SAMPLE_RATE

    def take(self, start: float, end: float) -> Samples | None:
        """Audio of [start, end) seconds, None where it is silent; drops what ends by `end`."""
        out = np.zeros(max(0, round((end - start) * SAMPLE_RATE)), np.float32)
        for t, samples in self._chunks:
            at = round((t - start) * SAMPLE_RATE)
            low, high = max(at, 0), min(at + samples.size, out.size)
            if high > low:
                out[low:high] = samples[low - at : high - at]
        while self._chunks and self._chunks[0][0] + self._chunks[0][1].size / SAMPLE_RATE <= end:
            self._chunks.popleft()
        return np.clip(out, -1, 1) if out.size and peak(out) >= SILENCE_PEAK else None
