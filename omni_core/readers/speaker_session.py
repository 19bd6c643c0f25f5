"""What the reader of speakers keeps of one source, and the turns that come of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from omni_core.readers import state
from omni_core.readers.speaker_clusters import NOBODY, Labels, cluster
from omni_core.readers.speaker_model import DIM
from omni_core.types import SAMPLE_RATE, AudioContent, Samples, Turn, Voices

SCALE = 500.0
"""Voices are kept as bytes, value times this: 12 hours take 14 MB. The cosine of two changes by
less than .001."""
MIN_SHARE = 0.5
"""A window counts where so much of it lies in what was transcribed: music and noise are nobody."""
JOINED_S = 2.0
"""A pause up to this long, in which no one else speaks, does not end a turn."""
UNSURE_S = 2.0
"""Up to so much speech of nobody between two stretches of one speaker belongs to that one."""


@dataclass(slots=True)
class SpeakerSession:
    """An unfinished source: sound whose voices are not known yet, and the voices so far."""

    at: float = 0.0
    """Second of the source at which `samples` begin."""
    samples: Samples = field(default_factory=lambda: np.zeros(0, np.float32))
    spans: list[tuple[float, float]] = field(default_factory=list)
    """Of each window the seconds that it stands for, in order of time."""
    breaks: list[bool] = field(default_factory=list)
    """Whether a pause is before it."""
    vectors: list[NDArray[np.uint8]] = field(default_factory=list)
    words: list[tuple[float, float]] = field(default_factory=list)
    """Seconds in which words were transcribed or stand in subtitles."""

    @property
    def end(self) -> float:
        """Second of the source at which the buffered sound ends."""
        return self.at + len(self.samples) / SAMPLE_RATE

    def append(self, audio: AudioContent, start: float) -> None:
        """Append a window that begins at second `start`, without what is buffered already."""
        known = round((self.end - start + audio.overlap_s) * SAMPLE_RATE)
        self.samples = np.concatenate([self.samples, audio.samples[max(0, known) :]])

    def cut(self, second: float) -> None:
        """Forget the sound before this second of the buffer."""
        kept = round(second * SAMPLE_RATE)
        self.at += kept / SAMPLE_RATE
        self.samples = self.samples[kept:].copy()

    def hear(self, spans: Sequence[tuple[float, float]], vectors: NDArray[np.float32]) -> None:
        """Add the windows of one stretch of speech."""
        self.spans += spans
        self.breaks += [True, *[False] * (len(spans) - 1)]
        self.vectors += list(np.minimum(255, np.round(vectors * SCALE)).astype(np.uint8))

    def voices(self) -> Voices | None:
        """The turns of the whole source; None where nobody speaks."""
        spoken = _in_words(self.spans, self.words)
        if not spoken.any():
            return None
        spans = np.array(self.spans, np.float64)[spoken]
        vectors = _unit(np.stack(self.vectors)[spoken].astype(np.float32))
        breaks = np.array(self.breaks)[spoken]
        labels = cluster(vectors, (spans[:, 1] - spans[:, 0]).astype(np.float32), breaks)
        means = [vectors[labels == n].mean(0) for n in range(labels.max(initial=NOBODY) + 1)]
        turns = turns_of(spans, labels)
        return Voices(turns, tuple(_unit(m[None])[0] for m in means)) if turns else None


def turns_of(spans: NDArray[np.float64], labels: Labels) -> tuple[Turn, ...]:
    """Consecutive windows of one speaker as turns; short stretches of nobody inside join them."""
    found: list[Turn] = []
    unsure = 0.0
    for (start, end), label in zip(spans.tolist(), labels.tolist(), strict=True):
        if label == NOBODY:
            unsure += end - start
            continue
        last = found[-1] if found else None
        near = last is not None and start - last.end - unsure <= JOINED_S and unsure <= UNSURE_S
        if last is not None and near and last.speaker == label:
            found[-1] = Turn(last.start, round(end, 3), label)
        else:
            found.append(Turn(round(start, 3), round(end, 3), label))
        unsure = 0.0
    return tuple(found)


def _in_words(
    spans: Sequence[tuple[float, float]], words: Sequence[tuple[float, float]]
) -> NDArray[np.bool_]:
    """Which windows lie in what was said."""
    if not spans or not words:
        return np.zeros(len(spans), bool)
    said: list[tuple[float, float]] = []
    for start, end in sorted(words):
        if said and start <= said[-1][1]:
            said[-1] = (said[-1][0], max(said[-1][1], end))
        else:
            said.append((start, end))
    starts, ends = np.array(said).T
    lengths = np.r_[0.0, np.cumsum(ends - starts)]

    def before(at: NDArray[np.float64]) -> NDArray[np.float64]:
        """Seconds of words before each of these."""
        n = np.searchsorted(starts, at)
        inside = np.where(n > 0, np.clip(at - starts[n - 1], 0, (ends - starts)[n - 1]), 0.0)
        return np.where(n > 0, lengths[n - 1] + inside, 0.0)

    first, last = np.array(spans, np.float64).T
    shared: NDArray[np.bool_] = before(last) - before(first) >= MIN_SHARE * (last - first)
    return shared


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = vectors / np.maximum(
        1e-6, np.linalg.norm(vectors, axis=1, keepdims=True)
    )
    return unit


def pack(session: SpeakerSession) -> bytes:
    """A session as bytes."""
    vectors = np.stack(session.vectors) if session.vectors else np.zeros((0, DIM), np.uint8)
    return state.pack(
        {"at": session.at},
        {
            "samples": session.samples,
            "spans": np.array(session.spans, np.float64).reshape(-1, 2),
            "breaks": np.array(session.breaks, bool),
            "vectors": vectors,
            "words": np.array(session.words, np.float64).reshape(-1, 2),
        },
    )


def unpack(packed: bytes) -> SpeakerSession:
    """The inverse of `pack`."""
    values, arrays = state.unpack(packed)
    return SpeakerSession(
        values["at"],
        arrays["samples"],
        [(a, b) for a, b in arrays["spans"].tolist()],
        arrays["breaks"].tolist(),
        list(arrays["vectors"]),
        [(a, b) for a, b in arrays["words"].tolist()],
    )
