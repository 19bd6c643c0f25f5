"""Who speaks: a voice for every 0.8 s of speech, and at the end of a source the turns of each.

It runs beside speech recognition and adds no words: `voices` tells the speakers of a source apart.
Without the weights, which `omni-mcp setup --speakers` fetches, everything else works as before.

Measured on conversations cut together from the development set's voices (bench/speakers.py): see
docs/speakers.md. It costs .005 CPU seconds for a second of sound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import ClassVar, Self

import numpy as np

from omni_core import weights
from omni_core.errors import UnavailableError
from omni_core.protocols import Reader
from omni_core.readers import speaker_session
from omni_core.readers.sessions import Sessions
from omni_core.readers.speaker_model import ROLE, WINDOW_S, SpeakerModel
from omni_core.readers.speaker_session import SpeakerSession
from omni_core.readers.whisper import detect_speech
from omni_core.settings import Settings
from omni_core.types import (
    ASIDE,
    SAMPLE_RATE,
    AudioContent,
    Channel,
    ReaderInfo,
    Samples,
    Segment,
    Voices,
)

HOP_S = 0.8
"""From one window to the next. Half of it costs twice as much and tells no more speakers apart."""
LONGEST_S = 24.0
SETTLED_S = 0.5
"""Speech that ends so much before the end of the buffer is complete."""
GAP_S = 0.1
"""Windows of sound further apart than this are not joined."""


class SpeakerReader(Reader):
    """From sound and the spans of its words to the turns of its speakers."""

    name: ClassVar[str] = "speakers"
    rank: ClassVar[int] = 3

    @classmethod
    def describe(cls, settings: Settings) -> ReaderInfo:
        """Whether the weights are there."""
        if settings.speakers == "off":
            return ReaderInfo(cls.name, weights.payload(ROLE).name, "off", "speakers = off")
        try:
            weights.find(ROLE, settings)
        except UnavailableError as e:
            return ReaderInfo(cls.name, weights.payload(ROLE).name, "missing", str(e))
        return ReaderInfo(cls.name, weights.payload(ROLE).name, "present")

    @classmethod
    def load(cls, settings: Settings, loaded: Mapping[str, Reader]) -> Self | None:
        """The reader; None where it is off or, which is usual, its weights were not fetched."""
        if cls.describe(settings).state != "present":
            return None
        return cls(SpeakerModel.load(settings))

    @classmethod
    def select(cls, segments: Sequence[Segment]) -> list[Segment]:
        """Windows of sound, and what is said: where no words are, nobody speaks."""
        return [s for s in segments if s.channel in (Channel.SOUND, Channel.SPEECH)]

    def __init__(self, model: SpeakerModel) -> None:
        self._model = model
        self._sessions: Sessions[SpeakerSession] = Sessions()

    def read(self, segments: Sequence[Segment]) -> list[Segment]:
        """Hear the sound and note the words; adds no segments."""
        for segment in segments:
            state = self._sessions.get(segment.source_id)
            if segment.channel is Channel.SPEECH:
                if segment.span.axis == "second":
                    state = state or self._begin(segment.source_id, 0.0)
                    state.words.append((segment.span.start, segment.span.end))
            elif isinstance(segment.content, AudioContent) and segment.part != ASIDE:
                self._append(segment, segment.content, state)
        return []

    def voices(self, source_id: str) -> Voices | None:
        """The turns of the speakers; the buffer is empty afterwards."""
        state = self._sessions.end(source_id)
        if state is None:
            return None
        self._hear(state, final=True)
        return state.voices()

    def save(self, source_id: str) -> bytes:
        """The voices so far, the words, and the sound of unfinished speech."""
        state = self._sessions.get(source_id)
        return b"" if state is None else speaker_session.pack(state)

    def restore(self, source_id: str, state: bytes) -> None:
        """Go on with what `save` returned."""
        self._sessions.end(source_id)
        if state:
            self._sessions.put(source_id, speaker_session.unpack(state))

    def _begin(self, source_id: str, at: float) -> SpeakerSession:
        return self._sessions.put(source_id, SpeakerSession(at))

    def _append(self, segment: Segment, audio: AudioContent, state: SpeakerSession | None) -> None:
        start = segment.span.start
        if state is not None and state.spans and start < state.spans[-1][0]:
            state = None  # an earlier position: the previous ingest was abandoned
        if state is None:
            state = self._begin(segment.source_id, start)
        elif not len(state.samples) or abs(start - state.end) > GAP_S:
            self._hear(state, final=True)
            state.at = start
        state.append(audio, start)
        self._hear(state, final=False)

    def _hear(self, state: SpeakerSession, *, final: bool) -> None:
        """Voices of the speech in the buffer that later sound cannot change; the rest stays."""
        seconds = len(state.samples) / SAMPLE_RATE
        if not seconds:
            return
        rest = seconds if final else max(0.0, seconds - SETTLED_S)
        for start, end in detect_speech(state.samples, longest_s=LONGEST_S):
            unfinished = end > seconds - SETTLED_S and (start > 0 or seconds < LONGEST_S)
            if unfinished and not final:
                rest = min(rest, start)
                break
            first, last = round(start * SAMPLE_RATE), round(end * SAMPLE_RATE)
            self._hear_stretch(state, state.samples[first:last], state.at + start)
            rest = max(rest, min(end, seconds))
        state.cut(rest)

    def _hear_stretch(self, state: SpeakerSession, samples: Samples, at: float) -> None:
        starts = window_starts(len(samples))
        middles = [(start / SAMPLE_RATE) + WINDOW_S / 2 for start in starts]
        between = [(a + b) / 2 for a, b in pairwise(middles)]
        edges = [0.0, *between, len(samples) / SAMPLE_RATE]
        spans = [(at + a, at + b) for a, b in pairwise(edges)]
        state.hear(spans, self._model(samples, starts))


def window_starts(samples: int) -> list[int]:
    """Where the windows of a stretch of speech begin, evenly over its length."""
    spare = samples - round(WINDOW_S * SAMPLE_RATE)
    if spare <= 0:
        return [0]
    steps = int(np.ceil(spare / (HOP_S * SAMPLE_RATE)))
    return [round(spare * i / steps) for i in range(steps + 1)]
