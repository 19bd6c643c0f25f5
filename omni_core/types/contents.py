"""The content of a segment as a model receives it: arrays and text, never a path or a URL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from omni_core.codec import Array

Pixels = Annotated[NDArray[np.uint8], Array((None, None, 3))]
"""One image: (height, width, 3), RGB, row by row from the top left."""
Frames = Annotated[NDArray[np.uint8], Array((None, None, None, 3))]
"""Images of one size in order of time: (frames, height, width, 3), RGB."""
Samples = Annotated[NDArray[np.float32], Array((None,))]
"""Mono audio at `SAMPLE_RATE`: (samples,), in [-1, 1]."""
Vector = Annotated[NDArray[np.float32], Array((None,), (None, None))]
"""L2-normalised: (dim,), or (tokens, dim) for multi-vector models (late interaction)."""


Rect = tuple[float, float, float, float]
"""Left, top, right, bottom as fractions of the sides of a page, an image or a frame, from its top
left: 0 to 1."""


@dataclass(frozen=True, slots=True)
class PlacedWord:
    """A word of an image or page and its rectangle, in fractions of the sides from the top left."""

    text: str
    left: float
    top: float
    right: float
    bottom: float


SAMPLE_RATE = 16_000
"""Hz. Every model of this field takes mono audio at 16 kHz."""


@dataclass(frozen=True, slots=True)
class TextContent:
    """Text."""

    text: str


@dataclass(frozen=True, slots=True, eq=False)
class ImageContent:
    """A still image, or a page as an image."""

    pixels: Pixels


@dataclass(frozen=True, slots=True, eq=False)
class AudioContent:
    """A window of audio. Its first `overlap_s` seconds repeat the end of the previous window."""

    samples: Samples
    overlap_s: float = 0.0
    covered: tuple[tuple[float, float], ...] = ()
    """Seconds, counted from the end of the overlap, whose words are known from subtitles: speech
    is not recognised there."""


@dataclass(frozen=True, slots=True, eq=False)
class VideoContent:
    """A shot: frames sampled at one rate, one representative frame, and its audio.

    `times[i]` is the second (on the source's clock) at which `frames[i]` is shown. `keyframe` is
    the most representative frame, in higher resolution than `frames`: OCR reads it.
    """

    frames: Frames
    times: tuple[float, ...]
    fps: float
    keyframe: Pixels
    audio: Samples | None = None


Content = TextContent | ImageContent | AudioContent | VideoContent
