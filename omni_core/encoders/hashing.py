"""A weightless, deterministic encoder: words are hashed, images become words about colour.

For tests of the whole engine, for machines without any weights, and to try the tools in a
second. It finds equal words, not equal meanings: "red" finds a red image, "crimson" does not.
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
    """Scores a candidate by the share of the question's words that it holds, 0 to 1."""

    name = "hashing"

    def score(self, question: Content, candidates: Sequence[Content | str]) -> list[float | None]:
        """None where either side has no words: audio, or nothing."""
        wanted = set(_words(question) or ())
        scores: list[float | None] = []
        for candidate in candidates:
            content = TextContent(candidate) if isinstance(candidate, str) else candidate
            words = set(_words(content) or ())
            scores.append(len(wanted & words) / len(wanted) if wanted and words else None)
        return scores


class HashingEncoder(Encoder):
    """Hashed words and colour words as 384 numbers; needs no weights."""

    def __init__(self, settings: Settings) -> None:
        self.info = self.describe(settings)

    @classmethod
    def describe(cls, settings: Settings) -> EncoderInfo:
        """The encoder's facts; settings change none of them."""
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
        """The encoder, at once."""
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
    """Colours by tenths of the area, and `top-red` for where they are."""
    tenths = np.round(10 * colours.shares(pixels)).astype(int)
    words = Counter(dict(zip(colours.NAMES, tenths.tolist(), strict=True)))
    names = colours.nearest_names(pixels)
    for place, rows in _THIRDS:
        most = int(np.bincount(names[rows].ravel()).argmax())
        words[f"{place}-{colours.NAMES[most]}"] += 1
    return +words


def _vector(words: Counter[str] | None) -> Vector | None:
    """The sum of each word's own direction, weighted by the root of its count."""
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
    """384 signs from 384 bits of a hash: two words are nearly orthogonal (cosine 0 +- 0.05)."""
    digest = hashlib.blake2b(word.encode(), digest_size=DIM // 8).digest()
    return np.unpackbits(np.frombuffer(digest, np.uint8)).astype(np.float32) * 2 - 1
