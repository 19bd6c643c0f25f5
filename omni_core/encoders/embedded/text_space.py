"""The text space of the default encoder: an English and a multilingual model in one vector.

A vector has two parts, each L2-normalised and then weighted, so that the cosine of two vectors is
a weighted mean of two cosines:

* English, 384-d: all-MiniLM-L6-v2 where it understands the text. Where it does not, because the
  text is in another language, the multilingual vector is mapped into its space, so that scores of
  all languages are on one scale.
* multilingual, 512-d: the Universal Sentence Encoder.

Whether MiniLM understands a text shows without detecting its language: its vector agrees with the
mapped one (cosine .62 in the median over English questions, .45 in the lowest twentieth) or does
not (.11 to .27 over the same questions in Spanish, German, Chinese and Russian). The map is an
affine ridge regression over English sentences (`scripts/make_text_map.py`). It is used without its
constant part, which all mapped texts share and which would raise the cosine of unrelated ones.

Development set, file names hidden, R@5: English .95, Spanish .92, German .94, Chinese .94, Russian
.94; with MiniLM alone .95, .44, .36, .22 and .25.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from omni_core.encoders.embedded import minilm, use
from omni_core.errors import UnavailableError
from omni_core.settings import Settings

Model = TypeVar("Model")

DIM = minilm.DIM + use.DIM
MULTILINGUAL_WEIGHT = 0.8
"""Of the multilingual cosine against the English one, in texts of every language. English questions
gain from it as well (MRR .81 without it, .83 to .85 with 0.5 to 1)."""
NOT_UNDERSTOOD, UNDERSTOOD = 0.3, 0.5
"""Agreement up to which MiniLM's vector is not used, and from which on it is used alone."""

_MAP = Path(__file__).with_name("data") / "text_map.npz"

Matrix = NDArray[np.float32]


def revision(settings: Settings) -> str:
    """Identifies both models and the map; loads no model."""
    mapping = hashlib.sha256(_MAP.read_bytes()).hexdigest()[:8]
    return f"{minilm.revision(settings)}-{use.revision()}-{mapping}"


class TextSpace:
    """The loaded models."""

    def __init__(self, settings: Settings) -> None:
        """Load both; where one is missing the other serves (`lost`). UnavailableError where both
        are."""
        self.lost: tuple[str, ...] = ()
        """Why a model is missing."""
        self.english = self._try(minilm.MiniLM, settings)
        self.multilingual = self._try(use.UniversalSentenceEncoder, settings)
        if self.english is None and self.multilingual is None:
            raise UnavailableError("; ".join(self.lost))
        with np.load(_MAP, allow_pickle=False) as held:
            self._map = held["map"].astype(np.float32)
            self._from, self._to = held["from_mean"], held["to_mean"]
        self.revision = revision(settings)

    def __call__(self, texts: Sequence[str], *, known_english: bool = False) -> Matrix:
        """(texts, 896), L2-normalised; texts that are `known_english` are not examined for it.

        A lone surrogate is read as a question mark.
        """
        readable = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        if self.english is None or self.multilingual is None:
            return self._by_one(readable)
        english, multilingual = self.english(readable), self.multilingual(readable)
        if not known_english:
            mapped = (multilingual - self._from) @ self._map
            agreement = (english * _unit(mapped + self._to)).sum(1, keepdims=True)
            share = np.clip((agreement - NOT_UNDERSTOOD) / (UNDERSTOOD - NOT_UNDERSTOOD), 0, 1)
            english = share * english + (1 - share) * _unit(mapped)
        return unit(np.concatenate([english, multilingual], axis=1))

    def _by_one(self, texts: Sequence[str]) -> Matrix:
        """Vectors by the one model that is there: the English part can be had from the
        multilingual model, the multilingual part stays zero without it."""
        if self.multilingual is not None:
            multilingual = self.multilingual(texts)
            english = (multilingual - self._from) @ self._map
        elif self.english is not None:
            nothing = np.zeros((len(texts), use.DIM), np.float32)
            return np.concatenate([self.english(texts), nothing], axis=1)
        else:
            raise UnavailableError("; ".join(self.lost))
        return unit(np.concatenate([english, multilingual], axis=1))

    def _try(self, kind: Callable[[Settings], Model], settings: Settings) -> Model | None:
        try:
            return kind(settings)
        except UnavailableError as e:
            self.lost += (str(e),)
            return None


def unit(rows: NDArray[Any]) -> Matrix:
    """Vectors of the text space from sums of such vectors: each part L2-normalised, then weighted;
    a part of zeros stays."""
    english, multilingual = rows[..., : minilm.DIM], rows[..., minilm.DIM :]
    total = 1 + MULTILINGUAL_WEIGHT
    return np.concatenate(
        [
            np.sqrt(1 / total) * _unit(english),
            np.sqrt(MULTILINGUAL_WEIGHT / total) * _unit(multilingual),
        ],
        axis=-1,
    ).astype(np.float32)


def _unit(rows: NDArray[Any]) -> Matrix:
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    out: Matrix = (rows / np.maximum(length, 1e-12)).astype(np.float32)
    return out
