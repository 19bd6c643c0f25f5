"""A deterministic encoder without weights: hashed words; images become colour words.

For tests of the whole engine, for machines without model weights, and to try the tools quickly. It
matches equal words, not meanings: "red" finds a red image, "crimson" does not.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from typing import Self

import numpy as np

from omni_core.encoders import colours
from omni_core.protocols import Encoder, Reranker
from omni_core.settings import Settings
from omni_core.types import (
    Channel,
    Content,
    EncoderInfo,
    ImageContent,
    Pixels,
    TextContent,
    Vector,
    VideoContent,
)

DIM = 384

_STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be by for from in is it of on or picture photo image that the this to "
        "was were with",
    )
)
_THIRDS = (("top", slice(0, 11)), ("middle", slice(11, 21)), ("bottom", slice(21, 32)))


class WordOverlapReranker(Reranker):
    """Scores a candidate by the share of the question's words that it contains, 0 to 1."""

    name = "hashing"

    def score(self, question: Content, candidates: Sequence[Content | str]) -> list[float | None]:
        """One score a candidate; None where it or the question has no words (audio, empty text)."""
        wanted = set(_words(question) or ())
        scores: list[float | None] = []
        for candidate in candidates:
            content = TextContent(candidate) if isinstance(candidate, str) else candidate
            words = set(_words(content) or ())
            scores.append(len(wanted & words) / len(wanted) if wanted and words else None)
        return scores


class HashingEncoder(Encoder):
    """Text and colour words as 384-d hashed bags of words."""

    def __init__(self, settings: Settings) -> None:
        self.info = self.describe(settings)

    @classmethod
    def describe(cls, settings: Settings) -> EncoderInfo:
        """The encoder's description, the same for all settings."""
        return EncoderInfo(
            name="hashing",
            revision="1",
            dim=DIM,
            channels=frozenset(Channel) - {Channel.SOUND},
            licence="Apache-2.0",
            settings="words blake2b, pictures as colour words",
        )

    @classmethod
    def load(cls, settings: Settings) -> Self:
        """The encoder; there is nothing to load."""
        return cls(settings)

    @classmethod
    def load_reranker(cls, settings: Settings) -> Reranker:
        """`WordOverlapReranker`."""
        return WordOverlapReranker()

    def encode(self, contents: Sequence[Content]) -> list[Vector | None]:
        """(384,) each; None for audio."""
        return [_vector(_words(content)) for content in contents]


def _words(content: Content) -> Counter[str] | None:
    if isinstance(content, TextContent):
        return Counter(w for w in re.findall(r"\w+", content.text.lower()) if w not in _STOP_WORDS)
    if isinstance(content, ImageContent):
        return _colour_words(content.pixels)
    if isinstance(content, VideoContent):
        words = _colour_words(content.keyframe)
        for frame in content.frames:
            words += _colour_words(frame)
        return words
    return None


def _colour_words(pixels: Pixels) -> Counter[str]:
    """Colour names, counted by tenths of the area, and `top-red` for the colour of each third."""
    tenths = np.round(10 * colours.shares(pixels)).astype(int)
    words = Counter(dict(zip(colours.NAMES, tenths.tolist(), strict=True)))
    names = colours.nearest_names(pixels)
    for place, rows in _THIRDS:
        most = int(np.bincount(names[rows].ravel()).argmax())
        words[f"{place}-{colours.NAMES[most]}"] += 1
    return +words


def _vector(words: Counter[str] | None) -> Vector | None:
    """The unit vector of the words' random directions, weighted by the root of their counts."""
    if words is None:
        return None
    total = np.zeros(DIM, np.float32)
    for word, count in words.items():
        total += _direction(word) * np.sqrt(count)
    length = np.linalg.norm(total)
    if length == 0:
        total, length = _direction(""), np.float32(np.sqrt(DIM))
    return (total / length).astype(np.float32)


def _direction(word: str) -> Vector:
    """(384,) of -1 and 1 from the bits of a hash; two words have a cosine of 0 +- 0.05."""
    digest = hashlib.blake2b(word.encode(), digest_size=DIM // 8).digest()
    return np.unpackbits(np.frombuffer(digest, np.uint8)).astype(np.float32) * 2 - 1
