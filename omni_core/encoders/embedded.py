"""The default encoder: a text model and a picture classifier, both from wheels, on the CPU.

Everything lands in the text space of all-MiniLM-L6-v2 (384-d, English). Words are embedded as
they are; a picture becomes what a classifier thinks it shows (`_labels`), a film the mean of
what its frames show. Nothing here hears: sound has words only where a reader finds speech.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from omni_core import weights
from omni_core.encoders import _labels, _minilm
from omni_core.encoders._efficientnet import EfficientNet, views
from omni_core.settings import Settings
from omni_core.types import Channel, Content, EncoderInfo, Film, Picture, Pixels, Text, Vector


def describe(settings: Settings) -> EncoderInfo:
    """The encoder's facts, without loading it."""
    pictures = weights.payload("pictures").files[0].sha256[:8]
    return EncoderInfo(
        name="embedded",
        revision=f"{_minilm.revision(settings)}-{pictures}",
        dim=_minilm.DIM,
        channels=frozenset(Channel) - {Channel.SOUND},
        licence="Apache-2.0",
        settings=f"text mean {_minilm.MAX_TOKENS}, pictures recipe {_labels.RECIPE}",
    )


def load(settings: Settings) -> Embedded:
    """The encoder, ready; UnavailableError names the package that is missing."""
    return Embedded(settings)


class Embedded:
    """See the module."""

    def __init__(self, settings: Settings) -> None:
        self.info = describe(settings)
        self._text = _minilm.MiniLM(settings)
        self._classify = EfficientNet(settings)
        self._labels = _labels.Labels(self._text, settings)

    def encode(self, contents: Sequence[Content]) -> list[Vector | None]:
        """(384,) each, L2-normalised; None for sound."""
        out: list[Vector | None] = [None] * len(contents)
        words = [(i, c.text) for i, c in enumerate(contents) if isinstance(c, Text)]
        for (i, _), vector in zip(words, self._text([t for _, t in words]), strict=True):
            out[i] = vector
        seen = [(i, self._see(c)) for i, c in enumerate(contents) if isinstance(c, Picture | Film)]
        for (i, _), vector in zip(seen, self._labels.embed([p for _, p in seen]), strict=True):
            out[i] = vector
        return out

    def encode_questions(self, contents: Sequence[Content]) -> list[Vector | None]:
        """The same: a question is compared as it is, an example as evidence would be."""
        return self.encode(contents)

    def describe_pictures(self, contents: Sequence[Content]) -> list[str]:
        """What the classifier thinks each picture or film shows, likeliest first; "" for others.

        A guess, often wrong in the detail: for a result's "why", never as evidence.
        """
        return [
            self._labels.say(self._see(c)) if isinstance(c, Picture | Film) else ""
            for c in contents
        ]

    def _see(self, content: Picture | Film) -> _labels.Probabilities:
        """The mean over the pictures' views of the classifier's softmax."""
        pictures: list[Pixels] = [content.pixels] if isinstance(content, Picture) else [content.key]
        if isinstance(content, Film):
            pictures += list(content.frames)
        logits = self._classify([view for pixels in pictures for view in views(pixels)])
        p = np.exp(logits - logits.max(1, keepdims=True))
        mean: _labels.Probabilities = (p / p.sum(1, keepdims=True)).mean(0)
        return mean
