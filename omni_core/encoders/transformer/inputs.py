"""Contents as sentence-transformers inputs: arrays and wrapped text, with estimated token counts.

The library may take a bare string for a path or a URL and *fetch* it; here text is always
`{"text": ...}` and media are always arrays. Nothing is truncated by a processor: a content longer
than the model's limit is split, and the vectors of its parts are averaged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from omni_core.encoders.transformer.frames import at_least, at_most, frame_pixels
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
"""Aspect ratio of an image, at most; Qwen's resize refuses more than 200."""
MIN_AUDIO_SAMPLES = SAMPLE_RATE // 5
"""Shorter audio is padded: the two strided convolutions of audio towers need a few frames."""
MEL_MARGIN = 800
"""Samples of silence after the longest clip of a batch, so that the last frame of every clip sees
zeros, as when padded to the extractor's 300 s, whatever else is in the batch."""


@dataclass(frozen=True, slots=True)
class Item:
    """One input of a forward pass, with its estimated cost."""

    content: int
    """Index of the content it belongs to; a long content has several items."""
    value: Any
    """As sentence-transformers takes it: a dictionary by kind of input, or a pair as messages."""
    tokens: int
    """Estimated."""
    fps: float = 0.0
    """Frame rate of its video; 0 without one."""
    samples: int = 0
    """Audio samples; 0 without audio."""
    weight: float = 1.0
    """Weight of this part in its content's average."""
    video_metadata: tuple[dict[str, Any], ...] = ()
    """Metadata of the videos of a pair, passed separately."""
    apart: str = ""
    """Items with another value of this are in other batches."""


class Inputs:
    """Turns contents into items for one model."""

    def __init__(self, spec: ModelSpec, count: Callable[[str], int], overhead: int) -> None:
        """`count` counts the tokens of a text; `overhead`: those of the chat template."""
        self._spec = spec
        self._count = count
        self._overhead = overhead

    def items(self, number: int, content: Content) -> Iterator[Item]:
        """The items of one content; none when the model has no input for it."""
        for item in self._wrapped(number, content):
            kind = "+".join(item.value)
            yield item if self._spec.input_form == "wrapped" else replace(item, apart=kind)

    def _wrapped(self, number: int, content: Content) -> Iterator[Item]:
        if isinstance(content, TextContent):
            yield from self._text(number, content.text)
        elif isinstance(content, ImageContent):
            if self._spec.takes("image"):
                yield self._image(number, content.pixels)
        elif isinstance(content, AudioContent):
            if self._spec.takes("audio"):
                yield from self._audio(number, content.samples)
        else:
            yield from self._video(number, content)

    def _text(self, number: int, text: str) -> Iterator[Item]:
        text = text.strip() or "NULL"  # what the Qwen3-VL authors use for an empty text
        tokens = self._count(text)
        limit = max(16, (self._spec.text_max_tokens or 1 << 30) - self._overhead - 8)
        chunks = [text] if tokens <= limit else _split(text, math.ceil(tokens / (limit * 0.9)))
        for chunk in chunks:
            n = self._count(chunk) if len(chunks) > 1 else tokens
            yield Item(number, {"text": chunk}, n + self._overhead, weight=n)

    def _image(self, number: int, pixels: Pixels) -> Item:
        pixels = _within_aspect(pixels)
        height, width = pixels.shape[:2]
        limits = self._spec.image_pixels
        tokens = self._spec.image_tokens or self._patches(height, width, limits)
        return Item(number, {"image": Image.fromarray(pixels)}, tokens + self._overhead)

    def _audio(self, number: int, samples: Samples) -> Iterator[Item]:
        most = int(self._spec.audio_max_s * SAMPLE_RATE) or len(samples)
        parts = max(1, math.ceil(len(samples) / most))
        for chunk in np.array_split(samples, parts):
            wave = _padded(chunk)
            tokens = self._audio_tokens(len(wave)) + self._overhead
            yield Item(
                number, {"audio": _audio_input(wave)}, tokens, 0.0, len(wave), float(len(wave))
            )

    def _video(self, number: int, video: VideoContent) -> Iterator[Item]:
        if not self._spec.takes("video") or not len(video.frames):
            if self._spec.takes("image"):
                yield self._image(number, video.keyframe)
            return
        frames, fps = at_most(video.frames, video.fps or self._spec.fps, self._spec.max_frames)
        frames = at_least(frames, self._spec.min_frames)
        height, width = frames.shape[1:3]
        per_frame = self._spec.frame_tokens or self._patches(
            height, width, frame_pixels(self._spec, len(frames))
        )
        tokens = math.ceil(len(frames) / self._spec.frames_per_token) * per_frame + self._overhead
        value: dict[str, Any] = {"video": _video_input(frames, fps)}
        samples = 0
        if video.audio is not None and len(video.audio) and self._takes_video_with_audio():
            wave = _padded(video.audio[: int(self._spec.audio_max_s * SAMPLE_RATE) or None])
            value["audio"] = _audio_input(wave)
            samples = len(wave)
            tokens += self._audio_tokens(samples)
        yield Item(number, value, tokens, round(fps, 3), samples)

    def _takes_video_with_audio(self) -> bool:
        return self._spec.video_with_sound and self._spec.takes("audio")

    def _patches(self, height: int, width: int, limits: tuple[int, int] | None) -> int:
        unit = self._spec.pixels_per_token or 784
        area = height * width
        if limits is not None:
            area = min(max(area, limits[0]), limits[1])
        return max(1, round(area / unit))

    def _audio_tokens(self, samples: int) -> int:
        return math.ceil(samples / SAMPLE_RATE * self._spec.audio_tokens_per_s) + 2


def bare_input(value: dict[str, Any], prompt: str) -> Any:
    """An item's value as `ModelSpec.input_form` "bare" has it; two media become a tuple.

    A text carries its prompt, so that no text is a path or a URL that a repository's code opens.
    """
    parts: list[Any] = []
    for kind, part in value.items():
        if kind == "text":
            parts.append(f"{prompt or ' '}{part}")
        elif kind == "video":
            parts.append(np.ascontiguousarray(part["array"].transpose(0, 2, 3, 1)))
        else:
            parts.append(part["array"] if kind == "audio" else part)
    return parts[0] if len(parts) == 1 else tuple(parts)


def processing_kwargs(
    spec: ModelSpec, batch: list[Item], device: str = "", *, caps_frames: bool = False
) -> dict[str, dict[str, Any]]:
    """The processor's arguments for one batch: sizes, one frame rate, no truncation of audio.

    `device`: where images are resized and mel frames computed; empty for the host. `caps_frames`:
    whether the processor has the argument `cap_pixels_per_frame`, which is announced to go.

    The videos of a batch must share a frame rate: Qwen2.5-Omni places frames in time by this
    argument, not by each video's metadata.
    """
    video: dict[str, Any] = {"do_sample_frames": False}
    if spec.video_pixels is not None:
        if spec.clip_pixels:
            video["do_resize"] = False  # `frames.resized_video` has done it
        else:
            video["size"] = _size(spec.video_pixels)
        if caps_frames:  # unset, it warns; it changes nothing for a limit that is of one frame
            video["cap_pixels_per_frame"] = False
        fps = next((i.fps for i in batch if i.fps), 0.0)
        if fps:
            video["fps"] = fps
    if metadata := [m for i in batch for m in i.video_metadata]:
        video["video_metadata"] = metadata
    kwargs: dict[str, dict[str, Any]] = {"video": video}
    if spec.image_pixels is not None:
        kwargs["image"] = {"size": _size(spec.image_pixels)}
    if longest := max((i.samples for i in batch), default=0):
        kwargs["audio"] = {"max_length": math.ceil((longest + MEL_MARGIN) / 160) * 160}
    if device:
        for kind in ("image", "video", "audio"):
            if kind in kwargs or kind == "image":
                kwargs.setdefault(kind, {})["device"] = device
    return kwargs


def _size(limits: tuple[int, int]) -> dict[str, int]:
    return {"shortest_edge": limits[0], "longest_edge": limits[1]}


def _video_input(frames: NDArray[np.uint8], fps: float) -> dict[str, Any]:
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


def _audio_input(samples: Samples) -> dict[str, Any]:
    return {"array": samples, "sampling_rate": SAMPLE_RATE}


def _padded(samples: Samples) -> Samples:
    samples = np.ascontiguousarray(samples, dtype=np.float32)
    if len(samples) < MIN_AUDIO_SAMPLES:
        samples = np.pad(samples, (0, MIN_AUDIO_SAMPLES - len(samples)))
    return samples


def _within_aspect(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    need = math.ceil(max(height, width) / MAX_ASPECT)
    grow = [(0, max(0, need - height)), (0, max(0, need - width)), (0, 0)]
    return np.pad(pixels, grow, mode="edge") if any(b for _, b in grow) else pixels


def _split(text: str, parts: int) -> list[str]:
    words = text.split()
    if len(words) < parts:  # a text without spaces
        step = math.ceil(len(text) / parts)
        return [text[i : i + step] for i in range(0, len(text), step)]
    step = math.ceil(len(words) / parts)
    return [" ".join(words[i : i + step]) for i in range(0, len(words), step)]
