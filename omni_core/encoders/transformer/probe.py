"""Start-up check of a model: dimension, norms, NaN, whether batching changes a vector, and whether
it looks at what it is given (`looks`).

Wrong padding, causal attention in a model trained without it, or an audio tower that mixes the
clips of a batch all give plausible vectors, which differ only from those of the same input alone.
(Published cases of the last two: cosines of 0.73 and below.)
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from omni_core.encoders.transformer.looks import Looking, Looks, look
from omni_core.errors import UnavailableError
from omni_core.types import (
    SAMPLE_RATE,
    AudioContent,
    Content,
    EncoderInfo,
    ImageContent,
    TextContent,
    Vector,
    VideoContent,
)

log = logging.getLogger(__name__)

MIN_COSINE = 0.99
"""Rounding in bfloat16 alone lowers the cosine of mean-pooled long inputs to 0.994."""


class Probed(Looking, Protocol):
    """The part of an encoder that the probe uses."""

    def encode_one_batch(self, contents: Sequence[Content]) -> list[Vector]:
        """The same in one batch, whatever its padding."""
        ...


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The probe's measurements; `wrong` describes the fault, empty for a good model."""

    kinds: tuple[str, ...]
    cosines: tuple[float, ...]
    """Cosine of the vector alone and that in a mixed batch, for each of `kinds`."""
    wrong: str = ""
    looks: Looks = Looks({})  # noqa: RUF009 - frozen
    """What it looks at; empty where `wrong` was found before."""


def require_valid(encoder: Probed) -> ProbeResult:
    """Run the probe; raises UnavailableError with the fault that it finds.

    What is no reason to refuse is logged in one line.
    """
    result = run(encoder)
    if result.wrong:
        raise UnavailableError(
            f"{encoder.info.name} was refused: {result.wrong}; update transformers and "
            "sentence-transformers within their pins, try model_patches=off, or choose another "
            "model (`omni-mcp models`)"
        )
    found = sum(r.ok for r in result.looks.rankings)
    if found < len(result.looks.rankings):
        log.warning(
            "%s finds the right one of two for %d of the probe's %d questions: it is weak, or not "
            "used as its authors intend; `omni-mcp models check` shows them",
            encoder.info.name,
            found,
            len(result.looks.rankings),
        )
    return result


def run(encoder: Probed) -> ProbeResult:
    """Embed one item of every kind alone and all in one batch; then see what the model looks at."""
    result = _consistent(encoder)
    if result.wrong and not result.cosines:  # no vector that could be compared
        return result
    seen = look(encoder)
    return replace(result, wrong="; ".join(filter(None, (result.wrong, seen.wrong))), looks=seen)


def _consistent(encoder: Probed) -> ProbeResult:
    alone: dict[str, Vector] = {}
    contents: list[Content] = []
    for kind, content in samples(encoder.info):
        vector = encoder.encode([content])[0]
        if vector is not None:
            alone[kind] = vector
            contents.append(content)
    kinds = tuple(alone)
    for kind, vector in alone.items():
        if reason := _broken(vector, encoder.info):
            return ProbeResult(kinds, (), f"its vector of {kind} {reason}")
    mixed = encoder.encode_one_batch(contents)
    cosines = []
    for kind, vector in zip(kinds, mixed, strict=True):
        if vector.shape != alone[kind].shape:
            return ProbeResult(
                kinds, (), f"{kind} has {len(vector)} vectors in a batch, not as alone"
            )
        cosines.append(float(np.mean(np.sum(np.atleast_2d(vector * alone[kind]), axis=-1))))
    worst = int(np.argmin(cosines))
    if cosines[worst] < MIN_COSINE:
        return ProbeResult(
            kinds,
            tuple(cosines),
            f"its vector of {kinds[worst]} depends on its batch-mates "
            f"(cosine {cosines[worst]:.3f})",
        )
    flat = [np.atleast_2d(v).mean(0) for v in alone.values()]
    if len(flat) > 1 and all(np.allclose(v, flat[0], atol=1e-6) for v in flat[1:]):
        return ProbeResult(kinds, tuple(cosines), "it gives every input the same vector")
    return ProbeResult(kinds, tuple(cosines))


def samples(info: EncoderInfo) -> list[tuple[str, Content]]:
    """A short and a long text, two images, two of audio, a video without and with audio."""
    rng = np.random.default_rng(7)

    def pixels(h: int, w: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        coarse = rng.integers(0, 256, (h // 8, w // 8, 3), dtype=np.uint8)
        return np.kron(coarse, np.ones((8, 8, 1), np.uint8))

    def tone(seconds: float, hertz: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        t = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
        return (0.4 * np.sin(2 * np.pi * hertz * t)).astype(np.float32)

    frames = np.stack([pixels(96, 128) for _ in range(4)])
    fps = info.cut.video_fps
    times = tuple(i / fps for i in range(4))
    silent = VideoContent(frames, times, fps, frames[0])
    audible = VideoContent(frames, times, fps, frames[0], tone(4 / fps, 330.0))
    return [
        ("a short text", TextContent("a red fox")),
        ("a long text", TextContent("the quick red fox jumps over the lazy dog by the river " * 6)),
        ("an image", ImageContent(pixels(96, 96))),
        ("a wide image", ImageContent(pixels(120, 320))),
        ("short audio", AudioContent(tone(0.7, 220.0))),
        ("long audio", AudioContent(tone(4.0, 440.0))),
        ("a video", silent),
        ("a video with audio", audible),
    ]


def _broken(vector: Vector, info: EncoderInfo) -> str:
    if vector.shape[-1] != info.dim or vector.ndim != 1 + info.multi_vector:
        return f"has shape {vector.shape}, the table says {info.dim} dimensions"
    if not np.isfinite(vector).all():
        return "holds NaN (wrong precision or broken weights)"
    norms = np.linalg.norm(np.atleast_2d(vector), axis=-1)
    if not len(norms) or np.abs(norms - 1).max() > 1e-3:
        return "is not of length 1 (broken weights)"
    return ""
