"""Whisper on CTranslate2: audio windows to phrases with times. The only file that imports it.

Windows are padded by 2 s of silence, not to the 30 s that Whisper was trained on. Measured on 100
short prompts in five languages (8 minutes, human voices) this costs a quarter and the character
error rate is 5.5 % against 5.8 %, provided that timestamps are decoded. With 1 s of padding the
decoder begins to loop (19 %), and without timestamps even with 2 s (38 %). Windows that fail a
threshold are decoded again at 30 s.
"""

from __future__ import annotations

import itertools
import json
import logging
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from omni_core.errors import UnavailableError
from omni_core.types import SAMPLE_RATE, Beats, Samples

log = logging.getLogger(__name__)

Task = Literal["transcribe", "translate"]

WINDOW_S = 30.0
PAD_S = 2.0
MAX_BATCH = 8
MAX_BATCH_S = 60.0
"""Windows of a batch, and seconds with their padding: 2.6 MB of memory a second."""
MIN_LOGPROB = -1.1
MAX_COMPRESSION = 2.4
MAX_NO_SPEECH = 0.7
TOKENS_PER_SECOND = 14
"""Limit of decoded tokens; fast Japanese needs about ten, a loop would run to 448."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words between two timestamps, in seconds from the start of the window."""

    start: float
    end: float
    text: str
    language: str = ""
    beats: Beats = field(default=(), compare=False)
    """Where phrases that were joined to this one begin, after the first."""


@dataclass(frozen=True, slots=True)
class Transcription:
    """The decoded phrases of one window, and the scores that show whether to trust them."""

    phrases: tuple[Phrase, ...]
    logprob: float
    """Mean log probability of the tokens."""
    no_speech: float
    """Probability of the no-speech token."""
    compression: float
    """Ratio of the text's bytes to its zlib bytes; repetition gives more than 2.4."""

    @property
    def text(self) -> str:
        """The text of all phrases, in one line."""
        return "".join(p.text for p in self.phrases).strip()

    @property
    def credible(self) -> bool:
        """Whether it passes thresholds like Whisper's own against silence and loops."""
        return (
            self.logprob > MIN_LOGPROB
            and self.compression < MAX_COMPRESSION
            and self.no_speech < MAX_NO_SPEECH
        )


def detect_speech(samples: Samples, *, longest_s: float) -> list[tuple[float, float]]:
    """Voice activity as (start, end) in seconds, each at most `longest_s` long."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    options = VadOptions(
        min_speech_duration_ms=200,
        min_silence_duration_ms=250,
        speech_pad_ms=160,
        max_speech_duration_s=longest_s,
    )
    found = get_speech_timestamps(samples, options)
    return [(s["start"] / SAMPLE_RATE, s["end"] / SAMPLE_RATE) for s in found]


class Whisper:
    """A Whisper model from a local folder. Not thread-safe in Python; the callers share a lock."""

    def __init__(self, folder: Path, threads: int = 0) -> None:
        """Load from a CTranslate2 folder; `threads` 0: all cores.

        Raises UnavailableError when a file is missing, RuntimeError when one is broken.
        """
        for name in ("model.bin", "config.json", "tokenizer.json"):
            # without its tokenizer faster-whisper would ask the hub for one
            if not (folder / name).is_file():
                raise UnavailableError(
                    f"the speech model's folder has no {name}; give a CTranslate2 Whisper folder "
                    "with model.bin, config.json and tokenizer.json"
                )
        from faster_whisper import WhisperModel

        self._model: Any = WhisperModel(
            str(folder),
            device="cpu",
            compute_type="int8",
            cpu_threads=threads,
            local_files_only=True,
        )
        self.multilingual = bool(self._model.model.is_multilingual)
        self.translates = self.multilingual and not _is_turbo(folder, self._model.model.n_mels)
        """Whether it was trained to write English for speech in another language."""
        self._tokenizers: dict[tuple[str, Task], Any] = {}

    def detect_speech(self, samples: Samples, *, longest_s: float) -> list[tuple[float, float]]:
        """See `detect_speech`."""
        return detect_speech(samples, longest_s=longest_s)

    def languages(self, encoded: Encoding) -> list[dict[str, float]]:
        """For each window the probability of each language code."""
        if not self.multilingual:
            return [{"en": 1.0}] * len(encoded.seconds)
        found = self._model.model.detect_language(encoded.states)
        return [{token[2:-2]: p for token, p in row} for row in found]

    def encode(self, windows: Sequence[Samples], *, whole: bool = False) -> Encoding:
        """Encode windows of at most 30 s as one batch, padded by 2 s, or to 30 s if `whole`."""
        seconds = tuple(len(w) / SAMPLE_RATE for w in windows)
        padded_s = WINDOW_S if whole else min(WINDOW_S, max(seconds) + PAD_S)
        size = round(padded_s * SAMPLE_RATE)
        mel = [
            self._model.feature_extractor(np.pad(w[:size], (0, max(0, size - len(w)))), padding=0)
            for w in windows
        ]
        frames = round(padded_s * self._model.frames_per_second)
        return Encoding(self._model.encode(np.stack([m[:, :frames] for m in mel])), seconds)

    def decode(
        self, encoded: Encoding, languages: Sequence[str], task: Task = "transcribe", beam: int = 1
    ) -> list[Transcription]:
        """The transcription of each window, in its language or (`translate`) in English."""
        from faster_whisper.transcribe import get_suppressed_tokens

        tokenizers = [self._tokenizer(language, task) for language in languages]
        prompts = [self._model.get_prompt(t, [], without_timestamps=False) for t in tokenizers]
        results = self._model.model.generate(
            encoded.states,
            prompts,
            beam_size=beam,
            max_length=min(448, round(24 + TOKENS_PER_SECOND * max(encoded.seconds))),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=list(get_suppressed_tokens(tokenizers[0], [-1])),
        )
        return [
            self._transcription(result, tokenizer, seconds)
            for result, tokenizer, seconds in zip(results, tokenizers, encoded.seconds, strict=True)
        ]

    def continuations(self, encoded: Encoding, prompt: str) -> NDArray[np.float32]:
        """(windows, tokens): log probability of each token right after `prompt`, in English."""
        tokenizer = self._tokenizer("en", "transcribe")
        prefix = self._model.hf_tokenizer.encode(prompt, add_special_tokens=False).ids
        start = [*tokenizer.sot_sequence, tokenizer.no_timestamps]
        results = self._model.model.generate(
            encoded.states,
            [start + prefix] * len(encoded.seconds),
            beam_size=1,
            # CTranslate2 decodes at most half as many tokens, the prompt's included
            max_length=2 * len(prefix) + 8,
            return_logits_vocab=True,
            suppress_blank=False,
            suppress_tokens=[tokenizer.eot],
        )
        # the forced tokens of the prompt have logits too; the next token's come after them
        rows = [np.asarray(r.logits[0][len(prefix)], np.float32).ravel() for r in results]
        logits = np.stack(rows)
        logits -= logits.max(1, keepdims=True)
        return np.asarray(logits - np.log(np.exp(logits).sum(1, keepdims=True)), np.float32)

    def first_tokens(self, words: Sequence[str]) -> list[int]:
        """The distinct first tokens of the words, sorted."""
        encode = self._model.hf_tokenizer.encode
        return sorted({encode(word, add_special_tokens=False).ids[0] for word in words})

    def _tokenizer(self, language: str, task: Task) -> Any:
        from faster_whisper.tokenizer import Tokenizer

        key = (language, task)
        if key not in self._tokenizers:
            self._tokenizers[key] = Tokenizer(
                self._model.hf_tokenizer, self.multilingual, task=task, language=language
            )
        return self._tokenizers[key]

    def _transcription(self, result: Any, tokenizer: Any, seconds: float) -> Transcription:
        tokens = result.sequences_ids[0]
        phrases = _phrases(tokens, tokenizer, seconds)
        text = "".join(p.text for p in phrases).encode()
        return Transcription(
            phrases,
            # the score is normalised by length, as in openai-whisper the end token is counted too
            logprob=result.scores[0] * len(tokens) / (len(tokens) + 1),
            no_speech=float(result.no_speech_prob),
            compression=len(text) / len(zlib.compress(text)) if text else 0.0,
        )


def _is_turbo(folder: Path, mels: int) -> bool:
    """Whether these are the weights of large-v3-turbo, which were not trained to translate.

    They are the only multilingual ones with 128 mel bands and four decoder layers; the layers show
    in the attention heads that the configuration names for alignment.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    layers = [layer for layer, _ in config.get("alignment_heads") or ()]
    return mels == 128 and bool(layers) and max(layers) < 4


@dataclass(frozen=True, slots=True, eq=False)
class Encoding:
    """The encoder's states of a batch of windows (a CTranslate2 StorageView), and their lengths."""

    states: Any
    seconds: tuple[float, ...]


def _phrases(tokens: Sequence[int], tokenizer: Any, seconds: float) -> tuple[Phrase, ...]:
    """`<|0.00|> words <|2.40|><|2.40|> words <|5.00|>` to phrases, clipped to the window.

    Phrases that begin in the padding after the window are dropped.
    """
    found: list[Phrase] = []
    start = 0.0
    groups = itertools.groupby(tokens, key=lambda t: t >= tokenizer.timestamp_begin)
    for is_time, group in groups:
        part = list(group)
        if is_time:
            first, last = (
                min(seconds, (t - tokenizer.timestamp_begin) * 0.02) for t in (part[0], part[-1])
            )
            if found and found[-1].end < 0:
                found[-1] = replace(found[-1], end=max(found[-1].start, first))
            start = last
        else:
            text = tokenizer.decode([t for t in part if t < tokenizer.eot])
            if text.strip():
                found.append(Phrase(start, -1.0, text))
    if found and found[-1].end < 0:
        found[-1] = replace(found[-1], end=seconds)
    return tuple(p for p in found if p.start < seconds - 0.1)
