"""The speech reader's buffer of one source, and the model windows that are cut from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field

import numpy as np

from omni_core.readers import phrases, state
from omni_core.readers.phrases import TimeSpan
from omni_core.readers.whisper import MAX_BATCH, MAX_BATCH_S, PAD_S, Phrase
from omni_core.types import SAMPLE_RATE, AudioContent, Modality, Samples


@dataclass(slots=True)
class SpeechSession:
    """An unfinished source: audio not yet transcribed, passages not yet complete."""

    modality: Modality
    at: float = 0.0
    """Second of the source at which `samples` begin."""
    samples: Samples = field(default_factory=lambda: np.zeros(0, np.float32))
    spoken: list[Phrase] = field(default_factory=list)
    translated: list[Phrase] = field(default_factory=list)

    @property
    def end(self) -> float:
        """Second of the source at which the buffered audio ends."""
        return self.at + len(self.samples) / SAMPLE_RATE

    def append(self, audio: AudioContent, start: float) -> None:
        """Append a window that begins at second `start`, without what is buffered already."""
        known = round((self.end - start + audio.overlap_s) * SAMPLE_RATE)
        self.samples = np.concatenate([self.samples, audio.samples[max(0, known) :]])

    def take_windows(
        self, source_id: str, speech: Sequence[TimeSpan], *, longest_s: float, final: bool
    ) -> list[SpeechWindow]:
        """Remove from the buffer and return the windows that later audio cannot change.

        `speech`: voice activity in the buffer, in seconds. With `final` every window is returned.
        """
        spans = phrases.speech_windows(speech, longest_s)
        seconds = len(self.samples) / SAMPLE_RATE
        padded = phrases.with_margins(spans, seconds)
        rest = seconds
        if not final:
            if spans and seconds - spans[-1][1] < phrases.SILENCE_S:
                spans.pop()
                rest = padded.pop()[0]
            rest = max(0.0, min(rest, seconds - phrases.SILENCE_S))
        found = [
            SpeechWindow(
                source_id,
                self.at + first,
                self.samples[round(first * SAMPLE_RATE) : round(last * SAMPLE_RATE)],
                tuple((a - first, b - first) for a, b in speech if a >= start and b <= end),
            )
            for (start, end), (first, last) in zip(spans, padded, strict=True)
        ]
        kept = round(rest * SAMPLE_RATE)
        self.at += kept / SAMPLE_RATE
        self.samples = self.samples[kept:].copy()
        return found


@dataclass(frozen=True, slots=True, eq=False)
class SpeechWindow:
    """A model window: audio of one source between two pauses."""

    source: str
    at: float
    samples: Samples
    speech: tuple[TimeSpan, ...]
    """Detected speech, relative to `at`."""

    @property
    def seconds(self) -> float:
        """Length of the window."""
        return len(self.samples) / SAMPLE_RATE


def pack(session: SpeechSession | None, scores: Mapping[str, float]) -> bytes:
    """A session and the scores of its languages as bytes."""
    if session is None:
        return state.pack({"scores": scores})
    values = {
        "scores": scores,
        "modality": session.modality,
        "at": session.at,
        "spoken": [astuple(p) for p in session.spoken],
        "translated": [astuple(p) for p in session.translated],
    }
    return state.pack(values, {"samples": session.samples})


def unpack(packed: bytes) -> tuple[SpeechSession | None, dict[str, float]]:
    """The inverse of `pack`."""
    values, arrays = state.unpack(packed)
    if "at" not in values:
        return None, values["scores"]
    session = SpeechSession(
        Modality(values["modality"]),
        values["at"],
        arrays["samples"],
        [Phrase(*p) for p in values["spoken"]],
        [Phrase(*p) for p in values["translated"]],
    )
    return session, values["scores"]


def join(saved: Sequence[bytes]) -> bytes:
    """What was packed of several, where more than the first has something."""
    if not any(saved[1:]):
        return saved[0]
    named = {str(n): np.frombuffer(one, np.uint8) for n, one in enumerate(saved)}
    return state.pack({"joined": len(saved)}, named)


def split(joined: bytes, count: int) -> list[bytes]:
    """The inverse of `join`, of so many."""
    if joined:
        values, arrays = state.unpack(joined)
        if "joined" in values:
            return [arrays[str(n)].tobytes() for n in range(count)]
    return [joined, *[b""] * (count - 1)]


def batches(order: Sequence[int], ready: Sequence[SpeechWindow]) -> list[list[int]]:
    """Split `order`, sorted by length, into batches; each is padded to its last, the longest."""
    grouped: list[list[int]] = []
    for i in order:
        size = len(grouped[-1]) + 1 if grouped else 0
        if not grouped or size > MAX_BATCH or size * (ready[i].seconds + PAD_S) > MAX_BATCH_S:
            grouped.append([])
        grouped[-1].append(i)
    return grouped
