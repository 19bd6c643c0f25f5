"""Decoded audio frames of any rate, layout and format to chunks of mono 16 kHz, with times."""

from __future__ import annotations

import itertools
import logging
from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import av.error
import av.filter
import numpy as np
from av.audio.frame import format_dtypes

from omni_core.media.av.apart import BLOCKS_AHEAD, Side, Sides
from omni_core.media.av.clock import Clock
from omni_core.types import SAMPLE_RATE, Samples

log = logging.getLogger(__name__)

JITTER_S = 0.05
"""Tolerance between timestamps; most containers are off by up to a frame of audio."""
BLOCK_S = 0.5
OPPOSED = 0.01
"""Energy of left + right, as a share of that of left - right, below which the channels of a stereo
signal are opposed; in recordings it is 0.1 and more."""
EACH = 16
"""Of so many samples one is looked at: two thousand in a block tell the phase."""

Chunk = tuple[float | None, Samples]
"""The second of the first sample (None: right after the chunk before), and the samples."""


class Resampler:
    """Frames of any rate, layout and format to mono float at 16 kHz, with the time of each chunk.

    Frames are gathered to about half a second first: a filter call for each thousand samples of
    an AAC frame costs as much as the resampling.
    """

    def __init__(self, clock: Clock, *, apart: bool = False) -> None:
        """apart: where both channels of a stereo track say something, each its own, the left one is
        the sound, and the right one is put `aside`. It takes `BLOCKS_AHEAD` blocks to know."""
        self._clock = clock
        self._sides = Sides() if apart else None
        self._held: deque[tuple[float | None, Any]] = deque()  # blocks that are not judged yet
        self.aside: list[Chunk] = []
        """The right channel, where it is heard by itself, since this was emptied last."""
        self._reset()

    def _reset(self) -> None:
        self._to: Any = None
        self._to_aside: Any = None
        self._fifo = av.AudioFifo()
        self._shape: tuple[int, str, int] | None = None
        self._start: float | None = None  # second of the first gathered sample
        self._next: float | None = None  # second that the next frame should have
        self._gathered = 0

    def push(self, frame: Any) -> list[Chunk]:
        """Chunks that are ready; usually none until `BLOCK_S` is buffered."""
        t, rate, count = self._clock.frame(frame), frame.sample_rate, frame.samples
        done: list[Chunk] = []
        if t is not None and self._next is not None and abs(t - self._next) > JITTER_S:
            done = self._drain()
        shape = (rate, frame.format.name, frame.layout.nb_channels)
        if shape != self._shape:  # AC-3, TS and damaged AAC may change mid-stream; PyAV's FIFO
            done += self.flush()  # does not check the channel count and writes past its end
            self._shape = shape
        frame.pts = None
        self._fifo.write(frame)
        if self._gathered == 0:
            self._start = t
        self._gathered += count
        if t is not None:
            self._next = t + count / rate
        return done + self._drain() if self._gathered >= rate * BLOCK_S else done

    def flush(self) -> list[Chunk]:
        """What is buffered here and in the filter."""
        done = self._drain() + self._judged(len(self._held))
        if self._to is not None:
            done += _chunks(self._to, None, None)
        self._end_aside()
        self._reset()
        return done

    def _drain(self) -> list[Chunk]:
        if not self._gathered:
            return []
        start, self._gathered = self._start, 0
        frame = self._fifo.read()
        if frame.layout.nb_channels != 2:
            return self._mixed(start, frame)
        left, right, scale = _some(frame)
        shared = float(np.dot(left, right))
        if shared < 0 and _are_opposed(left, right, shared):
            frame = _one_side(frame, 0, silent=True)
        if self._sides is None:
            return self._mixed(start, frame)
        self._sides.push(left, right, scale, frame.sample_rate / EACH, shared)
        self._held.append((start, frame))
        return self._judged(len(self._held) - BLOCKS_AHEAD)

    def _judged(self, count: int) -> list[Chunk]:
        """The first blocks that are held, so many of them, as they are heard."""
        done: list[Chunk] = []
        are_apart = count > 0 and self._sides is not None and self._sides.are_apart()
        for _ in range(count):
            start, frame = self._held.popleft()
            if are_apart:
                other = _one_side(frame, 1)
                self._to_aside = self._to_aside or _downsampler(other)
                self.aside += _chunks(self._to_aside, other, start)
                frame = _one_side(frame, 0)
            else:
                self._end_aside()
            done += self._mixed(start, frame)
        return done

    def _end_aside(self) -> None:
        """What is left in the filter of the right channel comes before anything else is heard."""
        if self._to_aside is not None:
            self.aside += _chunks(self._to_aside, None, None)
            self._to_aside = None

    def _mixed(self, start: float | None, frame: Any) -> list[Chunk]:
        self._to = self._to or _downsampler(frame)
        return _chunks(self._to, frame, start)


def _chunks(to: Any, frame: Any, start: float | None) -> list[Chunk]:
    """What comes out for this frame, the first of it at `start`; frame None: what is left."""
    out = [o.to_ndarray()[0] for o in to.resample(frame)]
    return [(start if n == 0 else None, samples) for n, samples in enumerate(out)]


def _one_side(frame: Any, side: int, *, silent: bool = False) -> Any:
    """The stereo frame with one of its channels as both, or beside silence."""
    samples = frame.to_ndarray()
    pair = samples if frame.format.is_planar else samples.reshape(-1, 2).T
    made = np.stack([pair[side], pair[side]])
    if silent:
        made[1] = 128 if samples.dtype == np.uint8 else 0
    made = made if frame.format.is_planar else np.ascontiguousarray(made.T).reshape(1, -1)
    alone = av.AudioFrame.from_ndarray(made, format=frame.format.name, layout=frame.layout.name)
    alone.sample_rate = frame.sample_rate
    return alone


def _some(frame: Any) -> tuple[Side, Side, float]:
    """Every 16th sample of both channels, and what of them is full scale."""
    kind = np.dtype(format_dtypes[frame.format.name])
    if frame.format.is_planar:
        planes = (np.frombuffer(plane, kind)[: frame.samples : EACH] for plane in frame.planes)
        left, right = (plane.astype(np.float32) for plane in planes)
    else:
        packed = np.frombuffer(frame.planes[0], kind)[: 2 * frame.samples]
        some = packed.reshape(-1, 2)[::EACH].astype(np.float32)
        left, right = some[:, 0], some[:, 1]
    if kind == np.uint8:
        left, right = left - 128, right - 128
    return left, right, 1.0 if kind.kind == "f" else 2.0 ** (8 * kind.itemsize - 1)


def _are_opposed(left: Side, right: Side, shared: float) -> bool:
    """Whether left + right has little energy beside left - right: a cable wired the wrong way round
    gives left = -right, and the mean of both is silence. shared: the product of both."""
    energy = float(np.dot(left, left) + np.dot(right, right))
    return energy + 2 * shared <= OPPOSED * (energy - 2 * shared)


def _downsampler(frame: Any) -> Any:
    """An object whose `resample` gives mono 16 kHz float, for frames of this one's format."""
    try:
        return DownmixGraph(frame)
    except Exception as e:  # layouts without a name and the like
        log.debug("no filter graph: %r", e)
        return av.AudioResampler("flt", "mono", SAMPLE_RATE)


class DownmixGraph:
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
        """Resampled frames for one input frame; None flushes the graph."""
        self._source.push(frame)
        while True:
            try:
                out = self._sink.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            yield out
