"""The default encoder: a text model and a picture classifier, both from wheels, on the CPU.

Everything lands in the text space of all-MiniLM-L6-v2 (384-d, English). Words are embedded as
they are; a picture becomes what a classifier thinks it shows (`_labels`), a film the mean of
what its frames show. Nothing here hears: sound has words only where a reader finds speech.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence

import numpy as np

from omni_core import weights
from omni_core.encoders import _colours, _labels, _minilm
from omni_core.encoders._efficientnet import EfficientNet, views
from omni_core.settings import Settings
from omni_core.types import Channel, Content, EncoderInfo, Film, Picture, Pixels, Text, Vector

ALIKE = 0.8
"""Cosine from which a frame shows nothing new."""
MORE_PARTS = 3


def describe(settings: Settings) -> EncoderInfo:
    """The encoder's facts, without loading it."""
    pictures = weights.payload("pictures").files[0].sha256[:8]
    return EncoderInfo(
        name="embedded",
        revision=f"{_minilm.revision(settings)}-{pictures}",
        dim=_minilm.DIM,
        channels=frozenset(Channel) - {Channel.SOUND},
        licence="Apache-2.0",
        pages=False,  # a page of words looks like "web site, menu" to a model of objects
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
        self._known: dict[int, tuple[weakref.ref[Pixels], tuple[_labels.Seen, ...]]] = {}

    def encode(self, contents: Sequence[Content]) -> list[Vector | None]:
        """(384,) each, L2-normalised; None for sound."""
        out: list[Vector | None] = [None] * len(contents)
        words = [(i, c.text) for i, c in enumerate(contents) if isinstance(c, Text)]
        for (i, _), vector in zip(words, self._text([t for _, t in words]), strict=True):
            out[i] = vector
        for i, content in enumerate(contents):
            if isinstance(content, Picture | Film):
                looks = [self._labels.embed(seen) for seen in self._frames(content)]
                out[i] = _labels.unit(np.mean(looks, axis=0))
        return out

    def encode_questions(self, contents: Sequence[Content]) -> list[Vector | None]:
        """The same: a question is compared as it is, an example as evidence would be."""
        return self.encode(contents)

    def describe_pictures(self, contents: Sequence[Content]) -> list[str]:
        """What the classifier thinks each picture or film shows, likeliest first; "" for others.

        A guess, often wrong in the detail: for a result's "why", never as evidence.
        """
        return [
            self._labels.say(_mean(self._frames(c))) if isinstance(c, Picture | Film) else ""
            for c in contents
        ]

    def encode_parts(self, contents: Sequence[Content]) -> list[list[Vector]]:
        """Every vector a content deserves, the one of `encode` first; empty for sound.

        A film adds those of its frames that look different from what is kept already, at most
        three. For a store that keeps the best of a segment's vectors: films of three unlike
        pictures are then found with an MRR of .60, against .43 by their mean alone.
        """
        out: list[list[Vector]] = []
        for content, whole in zip(contents, self.encode(contents), strict=True):
            parts = [] if whole is None else [whole]
            if isinstance(content, Film):
                for frame in self._frames(content):
                    vector = self._labels.embed(frame)
                    if len(parts) <= MORE_PARTS and max(vector @ p for p in parts) < ALIKE:
                        parts.append(vector)
            out.append(parts)
        return out

    def _frames(self, content: Picture | Film) -> tuple[_labels.Seen, ...]:
        """The picture, or the film's key picture and frames; looked at once while they live."""
        array = content.frames if isinstance(content, Film) else content.pixels
        known = self._known.get(id(array))
        if known is not None and known[0]() is array:
            return known[1]
        if isinstance(content, Film):
            pictures = [content.key, *content.frames]
            seen = tuple(self._look(pixels, ends=False) for pixels in pictures)
        else:
            seen = (self._look(content.pixels),)
        self._remember(array, seen)
        return seen

    def _remember(self, array: Pixels, seen: tuple[_labels.Seen, ...]) -> None:
        """Until the array is gone: vectors, parts and descriptions are asked for one by one."""
        place = id(array)
        self._known[place] = (weakref.ref(array, lambda _: self._known.pop(place, None)), seen)

    def _look(self, pixels: Pixels, *, ends: bool = True) -> _labels.Seen:
        """The mean over the views of the classifier's softmax."""
        logits = self._classify(views(pixels, ends=ends))
        p = np.exp(logits - logits.max(1, keepdims=True))
        classes = (p / p.sum(1, keepdims=True)).mean(0)
        return _labels.Seen(classes, _colours.shares(pixels), _colours.dark(pixels))


def _mean(seen: Sequence[_labels.Seen]) -> _labels.Seen:
    """What all the looks tell together; whether it is dark only the first one."""
    return _labels.Seen(
        np.mean([s.classes for s in seen], axis=0),
        np.mean([s.colours for s in seen], axis=0),
        seen[0].dark,
    )
