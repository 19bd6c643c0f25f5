"""Sound to words: what is said, when, in which language, and in English.

Sound comes window by window and speakers do not care where we cut: what is unfinished at the end
of a window waits for the next one, so no word is cut in two and none is heard twice. `flush` says
what still waits.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from omni_core import weights
from omni_core.errors import UnavailableError
from omni_core.protocols import Reader, Transcriber
from omni_core.readers import phrases
from omni_core.readers.phrases import Language, Stretch
from omni_core.readers.whisper import BATCH, BATCH_S, PAD_S, Encoding, Heard, Phrase, Whisper
from omni_core.settings import Settings
from omni_core.types import (
    SAMPLE_RATE,
    AudioContent,
    Channel,
    Modality,
    ReaderInfo,
    Samples,
    Segment,
    Span,
    TextContent,
)

ROLES = {"base": "speech-base", "tiny": "speech-tiny"}
LONGEST_S = 24.0
"""A model window; with its two seconds of silence it stays below Whisper's 30."""
BEAM = 5
"""A quarter to a third more work than one. Nothing gained on clear voices (5.2 % of characters
wrong in 13 minutes of five languages, either way), a fifth of the errors on hard ones (words
wrong in two minutes of synthetic English: 15.2 % against 19.0 %)."""
GAP_S = 0.1
"""Windows further apart than this do not belong together."""
SOURCES = 32
"""Unfinished sources remembered; an ingest that was abandoned never flushes."""


@dataclass(slots=True)
class _Listening:
    """One source on its way: sound not yet heard, words not yet said to the end."""

    modality: Modality
    at: float = 0.0
    """Second of the source at which `samples` begin."""
    samples: Samples = field(default_factory=lambda: np.zeros(0, np.float32))
    said: list[Phrase] = field(default_factory=list)
    translated: list[Phrase] = field(default_factory=list)

    @property
    def end(self) -> float:
        return self.at + len(self.samples) / SAMPLE_RATE


@dataclass(frozen=True, slots=True, eq=False)
class _Window:
    """A stretch of one source for the model."""

    source: str
    at: float
    samples: Samples
    speech: tuple[Stretch, ...]
    """Relative to `at`."""

    @property
    def seconds(self) -> float:
        return len(self.samples) / SAMPLE_RATE


class SpeechReader(Transcriber):
    """Sound segments in, speech segments out: moments of whole sentences, 8 to 20 s each.

    Where the language is not English a second segment (part 1) of the same span holds the words
    in English. Several sources may be read in turns.
    """

    name = "speech"
    rank = 0
    loss = "no words are read from sound (speech)"

    @classmethod
    def describe(cls, settings: Settings) -> ReaderInfo:
        """The model of `settings.speech`, and whether it is here."""
        model = settings.speech
        if model == "off":
            return ReaderInfo(cls.name, model, "off", "speech = off")
        if importlib.util.find_spec("faster_whisper") is None:
            return ReaderInfo(cls.name, model, "missing", "pip install faster-whisper")
        try:
            if model in ROLES:
                weights.find(ROLES[model], settings)
                model = weights.payload(ROLES[model]).name
            elif not Path(model).expanduser().joinpath("model.bin").is_file():
                why = "not base, tiny, off or a Whisper folder"
                return ReaderInfo(cls.name, model, "missing", why)
        except UnavailableError as e:
            return ReaderInfo(cls.name, model, "missing", str(e))
        return ReaderInfo(cls.name, model, "present")

    @classmethod
    def load(cls, settings: Settings, loaded: Mapping[str, Reader]) -> Self | None:
        """The reader of `settings.speech`; None when that is `off`.

        Raises UnavailableError when the weights are missing or not the pinned ones.
        """
        if settings.speech == "off":
            return None
        if settings.speech in ROLES:
            folder = weights.find(ROLES[settings.speech], settings)
            name = weights.payload(ROLES[settings.speech]).name
        else:
            folder = Path(settings.speech).expanduser()
            name = folder.name
        return cls(Whisper(folder, settings.threads), name)

    @classmethod
    def select(cls, segments: Sequence[Segment]) -> list[Segment]:
        """Windows of sound."""
        return [s for s in segments if s.channel is Channel.SOUND]

    def __init__(self, model: Whisper, origin: str) -> None:
        """`origin` names the model in each segment."""
        self._model = model
        self.origin = origin
        self._listening: dict[str, _Listening] = {}
        self._languages: dict[str, Language] = {}

    @property
    def model(self) -> Whisper:
        """The loaded model, for others that listen."""
        return self._model

    def read(self, segments: Sequence[Segment]) -> list[Segment]:
        """The moments of speech that are complete by now; others than sound are skipped."""
        found: list[Segment] = []
        ids: dict[str, None] = {}
        for segment in segments:
            if isinstance(segment.content, AudioContent):
                found += self._take(segment, segment.content)
                ids[segment.source_id] = None
        self._hear(list(ids), final=False)
        for source_id in ids:
            found += self._say(source_id, final=False)
        return found

    def flush(self, source_id: str) -> list[Segment]:
        """Everything heard so far, said to the end: at the end of a source, or on the way.

        A source may go on after it; only its language is remembered.
        """
        if source_id not in self._listening:
            return []
        self._hear([source_id], final=True)
        found = self._say(source_id, final=True)
        del self._listening[source_id]
        return found

    def transcribe(self, samples: Samples) -> str:
        """A spoken question in its own words, then in English where that differs; may be empty."""
        question = Segment(
            "question", Modality.AUDIO, Channel.SOUND,
            Span("second", 0.0, len(samples) / SAMPLE_RATE), AudioContent(samples),
        )  # fmt: skip
        said = self.read([question]) + self.flush("question")
        self._languages.pop("question", None)
        return "\n".join(
            line for part in (0, 1) if (line := " ".join(s.text for s in said if s.part == part))
        )

    def _take(self, segment: Segment, sound: AudioContent) -> list[Segment]:
        """Append a window to its source, without its head: that was heard with the one before."""
        found: list[Segment] = []
        source_id, start = segment.source_id, segment.span.start
        state = self._listening.get(source_id)
        if state is not None and start < state.end - GAP_S:
            # read again from an earlier place: the run before was given up
            del self._listening[source_id]
            state = None
        if state is not None and start > state.end + GAP_S:
            found = self.flush(source_id)
            state = None
        if state is None:
            _make_room(self._listening)
            state = self._listening[source_id] = _Listening(segment.modality, start)
        known = round((state.end - start + sound.overlap_s) * SAMPLE_RATE)
        state.samples = np.concatenate([state.samples, sound.samples[max(0, known) :]])
        return found

    def _hear(self, sources: Sequence[str], *, final: bool) -> None:
        """Transcribe what is complete: all sources together, in batches of similar length."""
        ready = [w for source in sources for w in self._cut(source, final=final)]
        order = sorted(range(len(ready)), key=lambda i: ready[i].seconds)
        batches = _batches(order, ready)
        encoded = [self._model.encode([ready[i].samples for i in batch]) for batch in batches]
        guesses: dict[int, dict[str, float]] = {}
        for batch, states in zip(batches, encoded, strict=True):
            guesses |= zip(batch, self._model.languages(states), strict=True)
        languages = [
            self._language(w.source).hear(guesses[i], w.seconds) for i, w in enumerate(ready)
        ]
        heard: dict[int, tuple[Heard, Heard | None]] = {}
        for batch, states in zip(batches, encoded, strict=True):
            spoken = [languages[i] for i in batch]
            words = self._understand([ready[i] for i in batch], states, spoken)
            heard |= zip(batch, words, strict=True)
        for i, window in enumerate(ready):
            self._keep(window, *heard[i], languages[i])

    def _cut(self, source_id: str, *, final: bool) -> list[_Window]:
        """Windows of the buffered sound that nothing to come can change; the rest stays."""
        state = self._listening[source_id]
        speech = self._model.speech(state.samples, longest_s=LONGEST_S)
        spans = phrases.windows(speech, LONGEST_S)
        seconds = len(state.samples) / SAMPLE_RATE
        heard = phrases.with_margins(spans, seconds)
        rest = seconds
        if not final:
            if spans and seconds - spans[-1][1] < phrases.SILENCE_S:
                spans.pop()
                rest = heard.pop()[0]
            rest = max(0.0, min(rest, seconds - phrases.SILENCE_S))
        found = [
            _Window(
                source_id,
                state.at + first,
                state.samples[round(first * SAMPLE_RATE) : round(last * SAMPLE_RATE)],
                tuple((a - first, b - first) for a, b in speech if a >= start and b <= end),
            )
            for (start, end), (first, last) in zip(spans, heard, strict=True)
        ]
        kept = round(rest * SAMPLE_RATE)
        state.at += kept / SAMPLE_RATE
        state.samples = state.samples[kept:].copy()
        return found

    def _language(self, source_id: str) -> Language:
        if source_id not in self._languages:
            _make_room(self._languages)
            self._languages[source_id] = Language()
        return self._languages[source_id]

    def _understand(
        self, batch: Sequence[_Window], encoded: Encoding, languages: Sequence[str]
    ) -> list[tuple[Heard, Heard | None]]:
        """The words, and those in English where the language is another."""
        heard = self._model.decode(encoded, languages, beam=BEAM)
        for i, window in enumerate(batch):
            if not heard[i].credible:
                # repetition and doubt are often the short context's: hear it again at full length
                again = self._model.encode([window.samples], whole=True)
                heard[i] = self._model.decode(again, [languages[i]], beam=BEAM)[0]
        english: list[Heard | None] = [None] * len(batch)
        foreign = any(code != "en" for code in languages)
        if foreign and self._model.multilingual:
            for i, words in enumerate(self._model.decode(encoded, languages, "translate")):
                english[i] = words if languages[i] != "en" and words.credible else None
        return list(zip(heard, english, strict=True))

    def _keep(self, window: _Window, heard: Heard, english: Heard | None, language: str) -> None:
        state = self._listening[window.source]
        for words, store in ((heard, state.said), (english, state.translated)):
            if words is None or not words.credible:
                continue
            if phrases.invented(words.text, words.logprob, words.no_speech, window.seconds):
                continue
            store += [
                Phrase(window.at + p.start, window.at + p.end, p.text, language)
                for p in phrases.snap(words.phrases, window.speech)
            ]

    def _say(self, source_id: str, *, final: bool) -> list[Segment]:
        """Segments for the moments that are complete."""
        state = self._listening[source_id]
        done, state.said = phrases.moments(state.said, final=final)
        found = []
        for moment in done:
            span = Span("second", round(moment.start, 3), round(moment.end, 3))
            extra = {"language": moment.language}
            found.append(_segment(source_id, state, span, moment.text, self.origin, 0, extra))
            words = [p for p in state.translated if p.start < moment.end - 0.1]
            if words:
                text = phrases.join(words).text
                origin = f"{self.origin} translation"
                extra = {"language": "en", "translated_from": moment.language}
                found.append(_segment(source_id, state, span, text, origin, 1, extra))
            state.translated = state.translated[len(words) :]
        return found


def _segment(
    source_id: str, state: _Listening, span: Span, text: str, origin: str, part: int,
    extra: dict[str, str],
) -> Segment:  # fmt: skip
    return Segment(
        source_id,
        state.modality,
        Channel.SPEECH,
        span,
        TextContent(text),
        text,
        origin,
        part,
        extra,
    )


def _batches(order: Sequence[int], ready: Sequence[_Window]) -> list[list[int]]:
    """Neighbours of an order by length; each batch is padded to its longest, its last."""
    batches: list[list[int]] = []
    for i in order:
        size = len(batches[-1]) + 1 if batches else 0
        if not batches or size > BATCH or size * (ready[i].seconds + PAD_S) > BATCH_S:
            batches.append([])
        batches[-1].append(i)
    return batches


def _make_room(states: dict[str, Any]) -> None:
    while len(states) >= SOURCES:
        states.pop(next(iter(states)))
