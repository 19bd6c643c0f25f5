"""Sound as windows of mono 16 kHz on the film's own clock, cut where it is quiet.

Windows stream: at most one window and a little is held. A gap in the time stamps becomes silence
(or a fresh start when long), an overlap is dropped, so that a late track stays late.
"""

from __future__ import annotations

import itertools
import logging
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import av.error
import av.filter
import numpy as np

from omni_core.media.av.clock import Clock
from omni_core.types import SAMPLE_RATE, AudioContent, CutOptions, Samples

log = logging.getLogger(__name__)

JITTER_S = 0.05
"""Time stamps wander by a frame of sound in most containers; that is no gap."""
BRIDGE_S = 5.0
LOOK_S = 2.0
"""How much more than a window is gathered before cutting, so that no crumb is left behind."""
STEP = SAMPLE_RATE // 50
SILENT = 1e-4
"""-80 dBFS: digital silence and dither; nothing can be heard in it."""


GATHER_S = 0.5

Piece = tuple[float | None, Samples]
"""Samples and the second of the first; None: right after the piece before."""


@dataclass(slots=True)
class Window:
    """New sound of [start, end) seconds; its samples begin `sound.overlap_s` earlier."""

    start: float
    end: float
    sound: AudioContent


class Resampler:
    """Frames of any rate, layout and format to mono float at 16 kHz, with the time of each.

    Frames are gathered to about half a second first: a filter call for each thousand samples of
    an AAC frame costs as much as the resampling.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._reset()

    def _reset(self) -> None:
        self._to: Any = None
        self._fifo = av.AudioFifo()
        self._shape: tuple[int, str, int] | None = None
        self._start: float | None = None  # second of the first gathered sample
        self._next: float | None = None  # second that the next frame should have
        self._gathered = 0

    def push(self, frame: Any) -> list[Piece]:
        """What is ready; mostly nothing, then a second at once."""
        t = self._clock.frame(frame)
        rate = frame.sample_rate
        done: list[Piece] = []
        if t is not None and self._next is not None and abs(t - self._next) > JITTER_S:
            done = self._drain()
        shape = (rate, frame.format.name, frame.layout.nb_channels)
        if shape != self._shape:  # AC-3, TS and damaged AAC may change on the way; PyAV's FIFO
            done += self.flush()  # does not notice other channels and writes past its end
            self._shape = shape
        frame.pts = None
        self._fifo.write(frame)
        if self._gathered == 0:
            self._start = t
        self._gathered += frame.samples
        if t is not None:
            self._next = t + frame.samples / rate
        return done + self._drain() if self._gathered >= rate * GATHER_S else done

    def flush(self) -> list[Piece]:
        """What is gathered and what the filter still holds."""
        done = self._drain()
        if self._to is not None:
            done += [(None, out.to_ndarray()[0]) for out in self._to.resample(None)]
        self._reset()
        return done

    def _drain(self) -> list[Piece]:
        if not self._gathered:
            return []
        start, self._gathered = self._start, 0
        frame = self._fifo.read()
        if self._to is None:
            self._to = _downsampler(frame)
        out = [o.to_ndarray()[0] for o in self._to.resample(frame)]
        return [(start if n == 0 else None, samples) for n, samples in enumerate(out)]


def _downsampler(frame: Any) -> Any:
    """Something with `resample` to mono 16 kHz float for frames like this one."""
    try:
        return MonoFirst(frame)
    except Exception as e:  # layouts without a name and the like
        log.debug("no filter graph: %r", e)
        return av.AudioResampler("flt", "mono", SAMPLE_RATE)


class MonoFirst:
    """A filter graph that mixes before it resamples: a fifth cheaper than PyAV's resampler."""

    def __init__(self, frame: Any) -> None:
        self._graph = graph = av.filter.Graph()
        self._source = graph.add_abuffer(
            sample_rate=frame.sample_rate,
            format=frame.format.name,
            layout=frame.layout.name,
            time_base=Fraction(1, frame.sample_rate),
        )
        steps = [
            graph.add("aformat", "channel_layouts=mono"),
            graph.add("aresample", str(SAMPLE_RATE)),
            graph.add("aformat", "sample_fmts=flt"),
            graph.add("abuffersink"),
        ]
        for one, other in itertools.pairwise((self._source, *steps)):
            one.link_to(other)
        graph.configure()
        self._sink = steps[-1]

    def resample(self, frame: Any) -> Iterator[Any]:
        """What comes out for a frame; None asks for the rest."""
        self._source.push(frame)
        while True:
            try:
                out = self._sink.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            yield out


class SoundCutter:
    """Samples in, windows out."""

    def __init__(self, options: CutOptions) -> None:
        self._window = int(options.audio_window_s * SAMPLE_RATE)
        self._overlap = int(min(options.audio_overlap_s, options.audio_window_s / 3) * SAMPLE_RATE)
        self._chunks: list[Samples] = []
        self._held = 0
        self._start = 0.0  # second of the first held sample, the head included
        self._head = 0  # samples of it that repeat the window before
        self._empty = True

    @property
    def now(self) -> float:
        """The second up to which sound has come."""
        return self._start + self._held / SAMPLE_RATE

    def push(self, t: float | None, samples: Samples) -> Iterator[Window]:
        """Add samples that begin at second `t`; None: right after the ones before."""
        if self._empty:
            self._start, self._empty = (t or 0.0), False
        elif t is not None:
            gap = t - self.now
            if gap > BRIDGE_S:
                yield from self.flush()
                self._start, self._empty = t, False
            elif gap > JITTER_S:
                self._add(np.zeros(int(gap * SAMPLE_RATE), np.float32))
            elif gap < -JITTER_S:
                samples = samples[int(-gap * SAMPLE_RATE) :]
        self._add(samples)
        while self._held >= self._window + LOOK_S * SAMPLE_RATE:
            yield from self._cut(self._quiet(int(self._window * 0.6), self._window))

    def flush(self) -> Iterator[Window]:
        """The rest, in windows of fair size."""
        while self._held > self._window:
            half = max(self._held // 2, self._held - self._window)
            yield from self._cut(self._quiet(min(half, self._window - 1), self._window))
        if self._held > self._head:
            yield from self._emit(self._joined(), self._held)
        self._chunks, self._held, self._head, self._empty = [], 0, 0, True

    def _add(self, samples: Samples) -> None:
        if samples.size:
            self._chunks.append(samples)
            self._held += samples.size

    def _joined(self) -> Samples:
        self._chunks = [np.concatenate(self._chunks)] if self._chunks else []
        return self._chunks[0] if self._chunks else np.zeros(0, np.float32)

    def _quiet(self, low: int, high: int) -> int:
        """The sample between `low` and `high` in the middle of the quietest 0.3 s; late wins."""
        part = self._joined()[max(low, self._head + STEP) : high]
        steps = part.size // STEP
        if steps < 20:
            return high
        power = np.square(part[: steps * STEP]).reshape(steps, STEP).mean(axis=1)
        calm = np.convolve(power, np.ones(15) / 15, mode="valid")
        best = np.flatnonzero(calm <= calm.min() * 1.5 + 1e-9)[-1]
        return int(max(low, self._head + STEP) + (best + 7) * STEP)

    def _cut(self, at: int) -> Iterator[Window]:
        samples = self._joined()
        yield from self._emit(samples[:at], at)
        keep = max(0, at - self._overlap)
        rest = samples[keep:].copy()
        self._start += keep / SAMPLE_RATE
        self._head = at - keep
        self._chunks, self._held = [rest], rest.size

    def _emit(self, samples: Samples, end: int) -> Iterator[Window]:
        if samples.size == 0 or loudest(samples[self._head :]) < SILENT:
            return
        head = self._head / SAMPLE_RATE
        sound = AudioContent(samples if loudest(samples) <= 1 else np.clip(samples, -1, 1), head)
        yield Window(self._start + head, self._start + end / SAMPLE_RATE, sound)


def loudest(samples: Samples) -> float:
    """The largest amplitude."""
    return max(float(samples.max()), -float(samples.min())) if samples.size else 0.0


class Tail:
    """The last stretch of sound, for shots that carry their own."""

    def __init__(self) -> None:
        self._chunks: deque[tuple[float, Samples]] = deque()
        self.now = 0.0

    def push(self, t: float | None, samples: Samples) -> None:
        """Add samples that begin at `t`; None: right after the ones before."""
        start = self.now if t is None else t
        self._chunks.append((start, samples))
        self.now = start + samples.size / SAMPLE_RATE

    def take(self, start: float, end: float) -> Samples | None:
        """Sound of [start, end), None where there is none; what is older is dropped."""
        out = np.zeros(max(0, round((end - start) * SAMPLE_RATE)), np.float32)
        for t, samples in self._chunks:
            at = round((t - start) * SAMPLE_RATE)
            low, high = max(at, 0), min(at + samples.size, out.size)
            if high > low:
                out[low:high] = samples[low - at : high - at]
        while self._chunks and self._chunks[0][0] + self._chunks[0][1].size / SAMPLE_RATE <= end:
            self._chunks.popleft()
        return np.clip(out, -1, 1) if out.size and loudest(out) >= SILENT else None
