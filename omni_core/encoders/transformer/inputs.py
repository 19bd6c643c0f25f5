"""Contents as sentence-transformers inputs: arrays and wrapped text, sized and counted beforehand.

A bare string may be taken for a path or a URL and *fetched*; here text always travels as
`{"text": ...}` and media always as arrays. Nothing is left to be truncated by a processor: what
is longer than the model's limit becomes several pieces whose vectors are averaged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from omni_core.encoders.transformer.spec import ModelSpec
from omni_core.types import (
    SAMPLE_RATE,
    AudioContent,
    Content,
    ImageContent,
    Pixels,
    Samples,
    TextContent,
    VideoContent,
)

MAX_ASPECT = 100
"""Qwen's resize refuses pictures more than 200 times longer than wide."""
SHORTEST_SOUND = SAMPLE_RATE // 5
"""The audio towers' two strides need a few frames to work on."""
MEL_MARGIN = 800
"""Silence after the longest clip of a batch, samples: the last frame of every clip then sees
zeros, as it does when a clip is padded to the extractor's 300 s, whatever its batch-mates are."""


@dataclass(frozen=True, slots=True)
class Item:
    """One input of one forward pass, and what it costs."""

    content: int
    """Which content it belongs to; a long content has several items."""
    value: Any
    """A dictionary of modalities, or the turns of a pair."""
    tokens: int
    fps: float = 0.0
    """Frame rate of its film; 0 without one."""
    samples: int = 0
    weight: float = 1.0
    """Share of this piece in its content's average."""
    films: tuple[dict[str, Any], ...] = ()
    """Metadata of the films of a pair, which travel beside it."""


class Inputs:
    """Turns contents into items for one model."""

    def __init__(self, spec: ModelSpec, count: Callable[[str], int], overhead: int) -> None:
        """`count` tells the tokens of a text; `overhead` those of the template around it."""
        self._spec = spec
        self._count = count
        self._overhead = overhead

    def items(self, number: int, content: Content) -> Iterator[Item]:
        """The pieces of one content; none when the model cannot take it."""
        if isinstance(content, TextContent):
            yield from self._text(number, content.text)
        elif isinstance(content, ImageContent):
            if self._spec.takes("image"):
                yield self._picture(number, content.pixels)
        elif isinstance(content, AudioContent):
            if self._spec.takes("audio"):
                yield from self._sound(number, content.samples)
        else:
            yield from self._film(number, content)

    def _text(self, number: int, text: str) -> Iterator[Item]:
        text = text.strip() or "NULL"  # the word the Qwen3-VL authors put for nothing
        tokens = self._count(text)
        room = max(16, (self._spec.text_max_tokens or 1 << 30) - self._overhead - 8)
        pieces = [text] if tokens <= room else _split(text, math.ceil(tokens / (room * 0.9)))
        for piece in pieces:
            n = self._count(piece) if len(pieces) > 1 else tokens
            yield Item(number, {"text": piece}, n + self._overhead, weight=n)

    def _picture(self, number: int, pixels: Pixels) -> Item:
        pixels = _bounded(pixels)
        height, width = pixels.shape[:2]
        limits = self._spec.image_pixels
        tokens = self._spec.image_tokens or self._patches(height, width, limits)
        return Item(number, {"image": Image.fromarray(pixels)}, tokens + self._overhead)

    def _sound(self, number: int, samples: Samples) -> Iterator[Item]:
        most = int(self._spec.audio_max_s * SAMPLE_RATE) or len(samples)
        parts = max(1, math.ceil(len(samples) / most))
        for piece in np.array_split(samples, parts):
            wave = _audible(piece)
            tokens = self._seconds(len(wave)) + self._overhead
            yield Item(number, {"audio": _audio(wave)}, tokens, 0.0, len(wave), float(len(wave)))

    def _film(self, number: int, film: VideoContent) -> Iterator[Item]:
        if not self._spec.takes("video") or not len(film.frames):
            if self._spec.takes("image"):
                yield self._picture(number, film.keyframe)
            return
        frames, fps = thin(film.frames, film.fps or self._spec.fps, self._spec.max_frames)
        height, width = frames.shape[1:3]
        per_frame = self._spec.frame_tokens or self._patches(
            height, width, self._frame_pixels(len(frames))
        )
        tokens = math.ceil(len(frames) / self._spec.frames_per_token) * per_frame + self._overhead
        value: dict[str, Any] = {"video": _video(frames, fps)}
        heard = 0
        if film.audio is not None and len(film.audio) and self._hears_films():
            wave = _audible(film.audio[: int(self._spec.audio_max_s * SAMPLE_RATE) or None])
            value["audio"] = _audio(wave)
            heard = len(wave)
            tokens += self._seconds(heard)
        yield Item(number, value, tokens, round(fps, 3), heard)

    def _hears_films(self) -> bool:
        return self._spec.video_with_sound and self._spec.takes("audio")

    def _frame_pixels(self, frames: int) -> tuple[int, int] | None:
        limits = self._spec.video_pixels
        if limits is None or self._spec.video_pixels_of == "frame":
            return limits
        return limits[0] // frames, limits[1] // frames

    def _patches(self, height: int, width: int, limits: tuple[int, int] | None) -> int:
        unit = self._spec.pixels_per_token or 784
        area = height * width
        if limits is not None:
            area = min(max(area, limits[0]), limits[1])
        return max(1, round(area / unit))

    def _seconds(self, samples: int) -> int:
        return math.ceil(samples / SAMPLE_RATE * self._spec.audio_tokens_per_s) + 2


def processing(spec: ModelSpec, batch: list[Item], device: str = "") -> dict[str, dict[str, Any]]:
    """The processor's arguments for one batch: sizes, one frame rate, no truncation of sound.

    `device`: where pictures are resized and sound becomes mel frames; empty for the host.

    The films of a batch must share a frame rate: Qwen2.5-Omni places frames in time by this
    argument, not by each film's metadata.
    """
    video: dict[str, Any] = {"do_sample_frames": False}
    if spec.video_pixels is not None:
        video["size"] = _size(spec.video_pixels)
        video["cap_pixels_per_frame"] = False  # true would double the tokens of a small film
        fps = next((i.fps for i in batch if i.fps), 0.0)
        if fps:
            video["fps"] = fps
    if films := [m for i in batch for m in i.films]:
        video["video_metadata"] = films
    made: dict[str, dict[str, Any]] = {"video": video}
    if spec.image_pixels is not None:
        made["image"] = {"size": _size(spec.image_pixels)}
    if longest := max((i.samples for i in batch), default=0):
        made["audio"] = {"max_length": math.ceil((longest + MEL_MARGIN) / 160) * 160}
    if device:
        for part in ("image", "video", "audio"):
            if part in made or part == "image":
                made.setdefault(part, {})["device"] = device
    return made


def thin(frames: NDArray[np.uint8], fps: float, most: int) -> tuple[NDArray[np.uint8], float]:
    """At most `most` frames, evenly spaced, and their rate."""
    if len(frames) <= most:
        return frames, fps
    keep = np.linspace(0, len(frames) - 1, most).round().astype(int)
    return frames[keep], fps * most / len(frames)


def _size(limits: tuple[int, int]) -> dict[str, int]:
    return {"shortest_edge": limits[0], "longest_edge": limits[1]}


def _video(frames: NDArray[np.uint8], fps: float) -> dict[str, Any]:
    if len(frames) == 1:  # Qwen pairs frames; Qwen3-VL refuses a single one
        frames = np.repeat(frames, 2, axis=0)
    n = len(frames)
    return {
        "array": np.ascontiguousarray(frames.transpose(0, 3, 1, 2)),
        "video_metadata": {
            "fps": fps,
            "total_num_frames": n,
            "duration": n / fps,
            "frames_indices": list(range(n)),
        },
    }


def _audio(samples: Samples) -> dict[str, Any]:
    return {"array": samples, "sampling_rate": SAMPLE_RATE}


def _audible(samples: Samples) -> Samples:
    samples = np.ascontiguousarray(samples, dtype=np.float32)
    if len(samples) < SHORTEST_SOUND:
        samples = np.pad(samples, (0, SHORTEST_SOUND - len(samples)))
    return samples


def _bounded(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    need = math.ceil(max(height, width) / MAX_ASPECT)
    grow = [(0, max(0, need - height)), (0, max(0, need - width)), (0, 0)]
    return np.pad(pixels, grow, mode="edge") if any(b for _, b in grow) else pixels


def _split(text: str, parts: int) -> list[str]:
    words = text.split()
    if len(words) < parts:  # one endless word
        step = math.ceil(len(text) / parts)
        return [text[i : i + step] for i in range(0, len(text), step)]
    step = math.ceil(len(words) / parts)
    return [" ".join(words[i : i + step]) for i in range(0, len(words), step)]
