"""Speech recognition: transcript with times and language, and its translation into English.

Audio comes window by window, cut without regard to speech: speech that reaches the end of a window
is buffered until the next one, so that no word is cut in two or transcribed twice. `flush`
transcribes what is buffered.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from omni_core import weights
from omni_core.errors import UnavailableError
from omni_core.protocols import Reader, Transcriber
from omni_core.readers import phrases, speech_session
from omni_core.readers.phrases import LanguageTracker
from omni_core.readers.sessions import Sessions
from omni_core.readers.speech_session import SpeechSession, SpeechWindow, batches
from omni_core.readers.whisper import (
    Encoding,
    Phrase,
    Transcription,
    Whisper,
)
from omni_core.settings import Settings
from omni_core.types import (
    ASIDE,
    PIECES,
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

ROLES = {
    "base": "speech-base",
    "tiny": "speech-tiny",
    "turbo": "speech-turbo",
    "large": "speech-large",
}
MAX_WINDOW_S = 24.0
"""Longest model window; with 2 s of padding it stays below Whisper's 30 s."""
BEAM_SIZE = 5
"""Against greedy decoding: a quarter to a third more work; the same character error rate on clear
voices (5.2 % over 13 minutes of five languages), a fifth fewer errors on hard ones (word error rate
of two minutes of synthetic English: 15.2 % against 19.0 %)."""
BESIDE = "\0beside"
GAP_S = 0.1
"""Windows further apart than this are not joined."""


class SpeechReader(Transcriber):
    """From audio windows to segments of channel `speech`: whole sentences of 8 to 20 s.

    For other languages than English a second segment (part 1) of the same span holds the English
    translation. Several sources may be read in turns.
    """

    name = "speech"
    rank = 0
    loss = "no words are read from audio (speech)"

    @classmethod
    def describe(cls, settings: Settings) -> ReaderInfo:
        """The model of `settings.speech`, and whether it is installed."""
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
                why = f"not {', '.join(ROLES)}, off or a Whisper folder"
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
        """Windows of audio, also those whose words are known: they end a passage before them."""
        return [s for s in segments if s.channel is Channel.SOUND]

    def __init__(self, model: Whisper, origin: str) -> None:
        """`origin` names the model in each segment."""
        self._model = model
        self.origin = origin
        self._sessions: Sessions[SpeechSession] = Sessions()
        self._languages: Sessions[LanguageTracker] = Sessions()

    @property
    def model(self) -> Whisper:
        """The loaded model, for other readers of audio."""
        return self._model

    def read(self, segments: Sequence[Segment]) -> list[Segment]:
        """The passages that are complete by now; segments without audio are skipped."""
        found: list[Segment] = []
        lanes: dict[str, None] = {}
        for segment in segments:
            if isinstance(segment.content, AudioContent):
                lane = segment.source_id + (BESIDE if segment.part == ASIDE else "")
                found += self._append(lane, segment, segment.content)
                lanes[lane] = None
        self._transcribe(list(lanes), final=False)
        for lane in lanes:
            found += self._complete_passages(lane, final=False)
        return found

    def flush(self, source_id: str) -> list[Segment]:
        """Everything transcribed so far, complete or not: at the end of a source, or on the way.

        A source may go on after it; only its language is remembered.
        """
        return [segment for lane in _lanes(source_id) for segment in self._flush(lane)]

    def _flush(self, lane: str) -> list[Segment]:
        if self._sessions.get(lane) is None:
            return []
        self._transcribe([lane], final=True)
        found = self._complete_passages(lane, final=True)
        self._sessions.end(lane)
        return found

    def save(self, source_id: str) -> bytes:
        """The audio not transcribed yet, the phrases of unfinished passages, the language."""
        return speech_session.join([self._saved(lane) for lane in _lanes(source_id)])

    def _saved(self, lane: str) -> bytes:
        state, language = self._sessions.get(lane), self._languages.get(lane)
        if state is None and language is None:
            return b""
        scores = language.scores if language else {}
        return speech_session.pack(state, scores)

    def restore(self, source_id: str, state: bytes) -> None:
        """Go on with what `save` returned: the same passages follow as without a break."""
        lanes = _lanes(source_id)
        for lane, saved in zip(lanes, speech_session.split(state, len(lanes)), strict=True):
            self._sessions.end(lane)
            self._languages.end(lane)
            if saved:
                session, scores = speech_session.unpack(saved)
                self._languages.put(lane, LanguageTracker(scores))
                if session is not None:
                    self._sessions.put(lane, session)

    def pending_from(self, source_id: str) -> float | None:
        """The start of the unfinished passage, or of the audio not transcribed yet."""
        states = [s for lane in _lanes(source_id) if (s := self._sessions.get(lane)) is not None]
        begins = [min(s.at, *(p.start for p in s.spoken), s.end) for s in states]
        return min(begins, default=None)

    def transcribe(self, samples: Samples) -> str:
        """The transcript of a spoken question; on a second line its translation, if any."""
        question = Segment(
            "question", Modality.AUDIO, Channel.SOUND,
            Span("second", 0.0, len(samples) / SAMPLE_RATE), AudioContent(samples),
        )  # fmt: skip
        said = self.read([question]) + self.flush("question")
        self._languages.end("question")
        return "\n".join(
            line for part in (0, 1) if (line := " ".join(s.text for s in said if s.part == part))
        )

    def _append(self, lane: str, segment: Segment, audio: AudioContent) -> list[Segment]:
        """Append a window to its lane's buffer, without the overlap with the previous window.

        After a gap the buffered audio is flushed first; returns its segments.
        """
        found: list[Segment] = []
        start = segment.span.start
        state = self._sessions.get(lane)
        if state is not None and start < state.end - GAP_S:
            # an earlier position: the previous ingest was abandoned
            self._sessions.end(lane)
            state = None
        if state is not None and start > state.end + GAP_S:
            found = self._flush(lane)
            state = None
        if state is None:
            state = self._sessions.put(lane, SpeechSession(segment.modality, start))
        state.append(replace(audio, samples=_unknown(audio)), start)
        return found

    def _transcribe(self, sources: Sequence[str], *, final: bool) -> None:
        """Transcribe the complete windows of all sources, in batches of similar length."""
        ready = [w for source in sources for w in self._complete_windows(source, final=final)]
        order = sorted(range(len(ready)), key=lambda i: ready[i].seconds)
        grouped = batches(order, ready)
        encoded = [self._model.encode([ready[i].samples for i in batch]) for batch in grouped]
        guesses: dict[int, dict[str, float]] = {}
        for batch, states in zip(grouped, encoded, strict=True):
            guesses |= zip(batch, self._model.languages(states), strict=True)
        languages = [
            self._language(w.source).update(guesses[i], w.seconds) for i, w in enumerate(ready)
        ]
        done: dict[int, tuple[Transcription, Transcription | None]] = {}
        for batch, states in zip(grouped, encoded, strict=True):
            spoken = [languages[i] for i in batch]
            words = self._decode([ready[i] for i in batch], states, spoken)
            done |= zip(batch, words, strict=True)
        for i, window in enumerate(ready):
            self._store_phrases(window, *done[i], languages[i])

    def _complete_windows(self, source_id: str, *, final: bool) -> list[SpeechWindow]:
        """Take the windows of the buffer that later audio cannot change; the rest stays."""
        state = self._session(source_id)
        speech = self._model.detect_speech(state.samples, longest_s=MAX_WINDOW_S)
        return state.take_windows(source_id, speech, longest_s=MAX_WINDOW_S, final=final)

    def _session(self, source_id: str) -> SpeechSession:
        state = self._sessions.get(source_id)
        assert state is not None  # noqa: S101 - asked only for sources that were appended to
        return state

    def _language(self, source_id: str) -> LanguageTracker:
        known = self._languages.get(source_id)
        return known or self._languages.put(source_id, LanguageTracker())

    def _decode(
        self, batch: Sequence[SpeechWindow], encoded: Encoding, languages: Sequence[str]
    ) -> list[tuple[Transcription, Transcription | None]]:
        """(transcription, its translation into English or None) of each window."""
        heard = self._model.decode(encoded, languages, beam=BEAM_SIZE)
        for i, window in enumerate(batch):
            if not heard[i].credible:
                # often an effect of the short padding: decode again, padded to 30 s
                again = self._model.encode([window.samples], whole=True)
                heard[i] = self._model.decode(again, [languages[i]], beam=BEAM_SIZE)[0]
        english: list[Transcription | None] = [None] * len(batch)
        foreign = any(code != "en" for code in languages)
        if foreign and self._model.translates:
            for i, words in enumerate(self._model.decode(encoded, languages, "translate")):
                english[i] = words if languages[i] != "en" and words.credible else None
        return list(zip(heard, english, strict=True))

    def _store_phrases(
        self,
        window: SpeechWindow,
        heard: Transcription,
        english: Transcription | None,
        language: str,
    ) -> None:
        state = self._session(window.source)
        for words, store in ((heard, state.spoken), (english, state.translated)):
            if words is None or not words.credible:
                continue
            if phrases.is_hallucination(words.text, words.logprob, words.no_speech, window.seconds):
                continue
            store += [
                Phrase(window.at + p.start, window.at + p.end, p.text, language)
                for p in phrases.align_to_speech(words.phrases, window.speech)
            ]

    def _complete_passages(self, lane: str, *, final: bool) -> list[Segment]:
        """Segments for the passages that are complete."""
        state, source_id = self._session(lane), lane.removesuffix(BESIDE)
        part = PIECES if lane.endswith(BESIDE) else 0  # both may say something at the same span
        done, state.spoken = phrases.passages(state.spoken, final=final)
        found = []
        for passage in done:
            span = Span("second", round(passage.start, 3), round(passage.end, 3))
            extra: dict[str, Any] = {"language": passage.language}
            if passage.beats:
                extra["beats"] = [list(beat) for beat in passage.beats]
            found.append(_segment(source_id, state, span, passage.text, self.origin, part, extra))
            words = [p for p in state.translated if p.start < passage.end - 0.1]
            if words:
                text = phrases.join(words).text
                origin = f"{self.origin} translation"
                extra = {"language": "en", "translated_from": passage.language}
                found.append(_segment(source_id, state, span, text, origin, part + 1, extra))
            state.translated = state.translated[len(words) :]
        return found


def _lanes(source_id: str) -> tuple[str, str]:
    """What a source's buffers are kept under: that of its sound, and that of the other channel
    where each says something of its own."""
    return source_id, source_id + BESIDE


def _unknown(audio: AudioContent) -> Samples:
    """The samples, silent where subtitles hold the words."""
    if not audio.covered:
        return audio.samples
    samples = audio.samples.copy()
    for start, end in audio.covered:
        first, last = (round((audio.overlap_s + t) * SAMPLE_RATE) for t in (start, end))
        samples[max(0, first) : max(0, last)] = 0
    return samples


def _segment(
    source_id: str, state: SpeechSession, span: Span, text: str, origin: str, part: int,
    extra: dict[str, Any],
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
