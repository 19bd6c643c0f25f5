"""The default encoder: two text models and an image classifier, all from wheels, on the CPU.

Everything is embedded in one text space of 16 languages (`text_space`, 896-d): text directly, an
image by its predicted classes (`label_space`), a video by the mean over its frames. Audio is not
embedded: it is found by its transcript.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self, TypeVar

import numpy as np

from omni_core import weights
from omni_core.encoders import colours
from omni_core.encoders.embedded import label_space, minilm, people, text_space, use
from omni_core.encoders.embedded.efficientnet import EfficientNet, views
from omni_core.encoders.embedded.faces import Face, FaceDetector
from omni_core.errors import UnavailableError
from omni_core.protocols import Encoder, Lack
from omni_core.settings import Settings
from omni_core.types import (
    Channel,
    Content,
    Crop,
    EncoderInfo,
    ImageContent,
    Pixels,
    TextContent,
    Vector,
    VideoContent,
)

DUPLICATE_COSINE = 0.8
"""Cosine from which a frame counts as a duplicate of one already embedded."""
LOSS_OF_TEXT = "words are found less well, and in fewer languages"
LOSS_OF_PICTURES = "pictures and film are not found by what they show"
LOSS_OF_FACES = "people in pictures are not counted"

Model = TypeVar("Model")

MAX_ADDITIONAL = 3
"""Vectors of a video besides that of `encode`, at most."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the models see in an image, or in a video's keyframe and frames."""

    observations: tuple[label_space.Observation, ...]
    """Empty without the classifier."""
    faces: tuple[Face, ...]
    """Those of the image, or of the keyframe."""


class EmbeddedEncoder(Encoder):
    """Two text models for text; EfficientNet, MTCNN and label texts for images: 896-d.

    Where the weights of one are missing, the others work (`lacks`); without both text models it
    cannot be loaded. Vectors made meanwhile fit the library, and find less.
    """

    @classmethod
    def describe(cls, settings: Settings) -> EncoderInfo:
        """The encoder's description; loads nothing."""
        classifier = weights.payload("pictures").files[0].sha256[:8]
        return EncoderInfo(
            name="embedded",
            revision=f"{text_space.revision(settings)}-{classifier}",
            dim=text_space.DIM,
            channels=frozenset(Channel) - {Channel.SOUND},
            licence="Apache-2.0",
            languages=use.LANGUAGES,
            # the classifier takes a page of text for "web site" or "menu"
            embed_page_images=False,
            settings=f"text mean {minilm.MAX_TOKENS}, pictures recipe {label_space.RECIPE}",
        )

    @classmethod
    def load(cls, settings: Settings) -> Self:
        """The encoder, ready; UnavailableError where neither text model can be loaded."""
        return cls(settings)

    def __init__(self, settings: Settings) -> None:
        self.info = self.describe(settings)
        self._text = text_space.TextSpace(settings)
        self.lacks = tuple(
            Lack(f"{LOSS_OF_TEXT}: {why}", (TextContent,)) for why in self._text.lost
        )
        self._classify = self._try(EfficientNet, settings, LOSS_OF_PICTURES)
        self._find_faces = self._try(FaceDetector, settings, LOSS_OF_FACES)
        self._label_space = label_space.LabelSpace(self._text, settings)
        self._known: dict[int, tuple[weakref.ref[Pixels], _Seen]] = {}

    def _try(
        self, kind: Callable[[Settings], Model], settings: Settings, loss: str
    ) -> Model | None:
        try:
            return kind(settings)
        except UnavailableError as e:
            self.lacks += (Lack(f"{loss}: {e}", (ImageContent, VideoContent)),)
            return None

    def encode(self, contents: Sequence[Content]) -> list[Vector | None]:
        """(896,) each, L2-normalised; None for audio, and for images without their classifier."""
        out: list[Vector | None] = [None] * len(contents)
        texts = {i: c.text for i, c in enumerate(contents) if isinstance(c, TextContent)}
        for i, vector in zip(texts, self._text(list(texts.values())), strict=True):
            out[i] = vector
        for i, content in enumerate(contents):
            if isinstance(content, ImageContent | VideoContent):
                seen = self._look(content)
                if not seen.observations:
                    continue
                frames = [self._label_space.embed(o) for o in seen.observations]
                mean = text_space.unit(np.mean(frames, axis=0))
                out[i] = self._label_space.with_people(mean, seen.faces)
        return out

    def caption(self, contents: Sequence[Content]) -> list[str]:
        """The faces of each image or video and its predicted classes, likeliest first; "" for
        other contents.

        The classes are often wrong in detail: they explain a match, and are no evidence.
        """
        return [
            self._describe(c) if isinstance(c, ImageContent | VideoContent) else ""
            for c in contents
        ]

    def faces(self, contents: Sequence[Content]) -> list[tuple[Crop, ...]]:
        """The rectangles of the faces in each image, or in a video's keyframe, the largest first;
        none for other contents."""
        return [
            tuple((f.left, f.top, f.right, f.bottom) for f in self._look(c).faces)
            if isinstance(c, ImageContent | VideoContent)
            else ()
            for c in contents
        ]

    def encode_additional(self, contents: Sequence[Content]) -> list[list[Vector]]:
        """For each video the vectors of frames that differ from its mean and from each other, at
        most three; none for other contents.

        Videos of three unlike scenes are then found with an MRR of .60, against .43 by the mean
        alone.
        """
        out: list[list[Vector]] = []
        for content in contents:
            if not isinstance(content, VideoContent):
                out.append([])
                continue
            frames = [self._label_space.embed(o) for o in self._look(content).observations]
            if not frames:
                out.append([])
                continue
            kept = [text_space.unit(np.mean(frames, axis=0))]
            for vector in frames:
                if (
                    len(kept) <= MAX_ADDITIONAL
                    and max(vector @ other for other in kept) < DUPLICATE_COSINE
                ):
                    kept.append(vector)
            out.append(kept[1:])
        return out

    def _describe(self, content: ImageContent | VideoContent) -> str:
        seen = self._look(content)
        parts = [people.describe(seen.faces)]
        if seen.observations:
            parts.append(self._label_space.describe(_mean(seen.observations)))
        return ", ".join(part for part in parts if part)

    def _look(self, content: ImageContent | VideoContent) -> _Seen:
        """What is seen in the image or the video; cached with its array."""
        array = content.frames if isinstance(content, VideoContent) else content.pixels
        known = self._known.get(id(array))
        if known is not None and known[0]() is array:
            return known[1]
        if isinstance(content, VideoContent):
            main, images, ends = content.keyframe, [content.keyframe, *content.frames], False
        else:
            main, images, ends = content.pixels, [content.pixels], True
        seen = _Seen((), ())
        if (classify := self._classify) is not None:
            seen = _Seen(tuple(_observe(classify, pixels, ends=ends) for pixels in images), ())
        if self._find_faces is not None:
            animal = 0.0
            if seen.observations:
                animal = self._label_space.animal_probability(seen.observations[0])
            seen = _Seen(seen.observations, people.believable(self._find_faces(main), animal))
        self._remember(array, seen)
        return seen

    def _remember(self, array: Pixels, seen: _Seen) -> None:
        """Cache while the array lives: vectors and captions of a content are separate calls."""
        key = id(array)
        reference = weakref.ref(array, lambda _: self._known.pop(key, None))
        self._known[key] = (reference, seen)


def _observe(classify: EfficientNet, pixels: Pixels, *, ends: bool) -> label_space.Observation:
    """Class probabilities, averaged over the views, and colours of an image."""
    logits = classify(views(pixels, ends=ends))
    p = np.exp(logits - logits.max(1, keepdims=True))
    classes = (p / p.sum(1, keepdims=True)).mean(0)
    return label_space.Observation(classes, colours.shares(pixels), colours.dark(pixels))


def _mean(observations: Sequence[label_space.Observation]) -> label_space.Observation:
    """Mean classes and colours; `dark` is that of the first observation, the keyframe's."""
    return label_space.Observation(
        np.mean([o.classes for o in observations], axis=0),
        np.mean([o.colours for o in observations], axis=0),
        observations[0].dark,
    )
