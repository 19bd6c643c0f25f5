"""Zero-shot audio tagging with a speech model: experimental, and often wrong.

No model of the default install was trained on sound events. But Whisper was trained on subtitles,
which describe sounds in brackets, so its decoder knows something of them: after "This is a sound
of" and after an opening bracket, words that fit the audio become likelier. A tag's score is the
mean log probability of its words minus that for content-free audio.

Measured on 66 sounds of games, desktops and instruments, not selected file by file, one text query
each, with speech among the candidates: R@1 11 %, R@5 27 %, mean reciprocal rank .20 (at random
1.5 %, 7.6 %, .07). A quarter of a second of CPU each, and 4 s once for the calibration.

Tried on 102 labelled sounds of animals, tools, instruments and desktops (mean reciprocal rank .135)
and left out, since none gains: calibration of each label on other sounds (.118 to .139 by kind),
musicnn's tags beside these (.110 to .119 in place of .127; it has no tag for "no music"), the words
predicted from aisfx's sound-effect embedding by a regression over the other sounds (.088; between
sounds it does find the alike: a lion beside a gorilla and a tiger).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Self

import numpy as np
from numpy.typing import NDArray

from omni_core.protocols import Reader
from omni_core.readers import content_free
from omni_core.readers.sessions import Sessions
from omni_core.readers.speech import SpeechReader
from omni_core.readers.state import pack, segment_of, segment_values, unpack
from omni_core.readers.whisper import Whisper
from omni_core.settings import Settings
from omni_core.types import (
    ASIDE,
    SAMPLE_RATE,
    AudioContent,
    Channel,
    EncoderInfo,
    Modality,
    ReaderInfo,
    Samples,
    Segment,
    TextContent,
)

PROMPTS = (" This is a sound of", " [")
TAGGED_S = 6.0
"""Length of the loudest part of a window, which is tagged."""
MAX_TAGS = 5
"""Tags kept for a window; with one to three the right one is found less often."""
MAX_SPEECH_SHARE = 0.5
"""Share of detected speech above which a window is not tagged."""
MAX_SPEECH_S = 24.0
MIN_AUDIO_S = 0.05
SETTLED_S = 120.0
"""Audio this long before the newest window is transcribed: its tags can be returned."""


@dataclass(slots=True)
class _Session:
    """An unfinished source: its tag segments, and the speech that may overrule them."""

    guesses: list[Segment] = field(default_factory=list)
    words: list[Segment] = field(default_factory=list)

    def settle(self, before: float) -> list[Segment]:
        """Remove and return the guesses that end before this second, without those during speech;
        earlier words are forgotten."""
        settled = [g for g in self.guesses if g.span.end < before]
        kept = [g for g in settled if not any(g.span.overlaps(w.span) for w in self.words)]
        self.guesses = [g for g in self.guesses if g.span.end >= before]
        begin = min((g.span.start for g in self.guesses), default=before)
        self.words = [w for w in self.words if w.span.end > begin]
        return kept


class SoundTagReader(Reader):
    """From audio windows to tag segments, two minutes later or at `flush`; windows with transcribed
    speech get none.

    The tags are content for a text encoder, and in `extra["heard"]` for display; `text` is empty,
    so that full-text search does not find them as if said or written.
    """

    name = "sound_tags"
    rank = 2

    @classmethod
    def describe(cls, settings: Settings) -> ReaderInfo:
        """The state of the speech reader, whose model it shares."""
        shared = SpeechReader.describe(settings)
        if settings.sound_tags == "off":
            return ReaderInfo(cls.name, shared.model, "off", "sound_tags = off")
        why = f"it shares the speech model: {shared.why}" if shared.why else ""
        return ReaderInfo(cls.name, shared.model, shared.state, why)

    @classmethod
    def load(cls, settings: Settings, loaded: Mapping[str, Reader]) -> Self | None:
        """The reader; None when it is off or the speech reader is not loaded."""
        speech = loaded.get(SpeechReader.name)
        if settings.sound_tags == "off" or not isinstance(speech, SpeechReader):
            return None
        return cls(speech.model, videos=settings.sound_tags == "always")

    @classmethod
    def useful_with(cls, info: EncoderInfo) -> bool:
        """Only beside an encoder that takes no audio itself."""
        return Channel.SOUND not in info.channels

    @classmethod
    def select(cls, segments: Sequence[Segment]) -> list[Segment]:
        """Audio windows, and speech segments, which exclude windows from tagging."""
        return [s for s in segments if s.channel in (Channel.SOUND, Channel.SPEECH)]

    def __init__(self, model: Whisper, *, videos: bool = False) -> None:
        """Share the speech reader's model; with `videos` their audio is tagged as well."""
        self._model = model
        self._videos = videos
        self._labels = labels()
        self._prior: list[NDArray[np.float32]] | None = None
        self._sessions: Sessions[_Session] = Sessions()

    def read(self, segments: Sequence[Segment]) -> list[Segment]:
        """Tag audio windows and note speech; returns the tags of earlier windows."""
        found: list[Segment] = []
        for segment in segments:
            source_id = segment.source_id
            state = self._sessions.get(source_id) or self._sessions.put(source_id, _Session())
            if segment.channel is Channel.SPEECH:
                state.words.append(segment)
            elif isinstance(segment.content, AudioContent) and self._wanted(segment):
                new = segment.content.samples[round(segment.content.overlap_s * SAMPLE_RATE) :]
                if (guess := self._guess(segment, new)) is not None:
                    state.guesses.append(guess)
                found += state.settle(segment.span.end - SETTLED_S)
        return found

    def flush(self, source_id: str) -> list[Segment]:
        """The tag segments of windows without speech; the source may go on afterwards."""
        state = self._sessions.end(source_id) or _Session()
        return state.settle(math.inf)

    def save(self, source_id: str) -> bytes:
        """The guesses that speech may still overrule, and the latest speech."""
        state = self._sessions.get(source_id)
        if state is None:
            return b""
        return pack(
            {
                "guesses": [segment_values(s) for s in state.guesses],
                "words": [segment_values(s) for s in state.words],
            }
        )

    def restore(self, source_id: str, state: bytes) -> None:
        """Go on with what `save` returned."""
        self._sessions.end(source_id)
        if state:
            values, _ = unpack(state)
            guesses, words = (
                [segment_of(s) for s in values[name]] for name in ("guesses", "words")
            )
            self._sessions.put(source_id, _Session(guesses, words))

    def names(self, samples: Samples) -> list[str]:
        """All labels, likeliest first."""
        gains = self._score([content_free.loudest_stretch(samples, TAGGED_S)])[:, 0]
        return [self._labels[i][0] for i in gains.mean(0).argsort()[::-1]]

    def _wanted(self, segment: Segment) -> bool:
        return segment.part != ASIDE and (self._videos or segment.modality is Modality.AUDIO)

    def _guess(self, segment: Segment, samples: Samples) -> Segment | None:
        if len(samples) < MIN_AUDIO_S * SAMPLE_RATE or not samples.any():
            return None
        voices = self._model.detect_speech(samples, longest_s=MAX_SPEECH_S)
        if (
            sum(end - start for start, end in voices)
            > MAX_SPEECH_SHARE * len(samples) / SAMPLE_RATE
        ):
            return None
        heard = ", ".join(self.names(samples)[:MAX_TAGS])
        return Segment(
            segment.source_id, segment.modality, Channel.SOUND, segment.span,
            TextContent(f"a sound of {heard}"), "", "sound tags (experimental)", 1,
            {"heard": heard},
        )  # fmt: skip

    def _score(self, sounds: Sequence[Samples]) -> NDArray[np.float32]:
        """(prompts, sounds, labels): log probability minus that for content-free audio."""
        if self._prior is None:
            blank = self._log_probabilities(content_free.sounds())
            self._prior = [scores.mean(0) for scores in blank]
        scores = self._log_probabilities(sounds)
        return np.stack([s - prior for s, prior in zip(scores, self._prior, strict=True)])

    def _log_probabilities(self, sounds: Sequence[Samples]) -> list[NDArray[np.float32]]:
        """For each prompt (sounds, labels): mean log probability of a label's first tokens."""
        encoded = self._model.encode(sounds)
        found = []
        for prompt in PROMPTS:
            # no space follows an opening bracket
            space = "" if prompt.endswith("[") else " "
            cues = [
                self._model.first_tokens([space + w for w in words]) for _, words in self._labels
            ]
            logp = self._model.continuations(encoded, prompt)
            found.append(np.stack([logp[:, tokens].mean(1) for tokens in cues], axis=1))
        return found


def labels() -> list[tuple[str, tuple[str, ...]]]:
    """(label, words whose probability scores it), from sound_labels.tsv."""
    table = files("omni_core.readers").joinpath("sound_labels.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in table.splitlines() if line and not line.startswith("#")]
    return [(name, tuple(words.split())) for name, words in rows]
