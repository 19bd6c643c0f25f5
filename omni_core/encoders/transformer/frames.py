"""How large the frames of a video are for a model, how many there are, and their resize.

Models with a limit for a whole video (`ModelSpec.clip_pixels`) are resized here: transformers'
processors either spend the limit of a long video on a short one or, with an argument that is
announced to go, do not enlarge small frames. The rule is that of Qwen's own `qwen-vl-utils`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from omni_core.encoders.transformer.spec import ModelSpec

PAIR = 2
"""Frames that these models merge into one step of time."""
FLOOR_MARGIN = 1.05
"""The largest frame has at least so many times the pixels of the smallest."""


def frame_pixels(spec: ModelSpec, frames: int) -> tuple[int, int] | None:
    """(minimum, maximum) pixels of each frame of a video of `frames`; None: as the repository says.

    A frame gets its equal share of the video's pixels, within the limits of one frame.
    """
    if spec.video_pixels is None or not spec.clip_pixels:
        return spec.video_pixels
    low, high = spec.video_pixels
    share = spec.clip_pixels // (math.ceil(frames / PAIR) * PAIR)
    return low, max(min(high, share), int(low * FLOOR_MARGIN))


def fitted_size(height: int, width: int, limits: tuple[int, int], unit: int) -> tuple[int, int]:
    """(height, width), multiples of `unit`: the given shape, with its area within `limits`."""
    low, high = limits
    rows, columns = (max(1, round(edge / unit)) for edge in (height, width))
    area = rows * columns * unit**2
    if area > high:
        shrink = math.sqrt(high / area)
        rows, columns = (max(1, math.floor(n * shrink)) for n in (rows, columns))
    elif area < low:
        grow = math.sqrt(low / area)
        rows, columns = (math.ceil(n * grow) for n in (rows, columns))
    return rows * unit, columns * unit


def at_most(
    frames: NDArray[np.uint8], fps: float, max_frames: int
) -> tuple[NDArray[np.uint8], float]:
    """At most `max_frames` frames, evenly spaced, and their rate."""
    if len(frames) <= max_frames:
        return frames, fps
    keep = np.linspace(0, len(frames) - 1, max_frames).round().astype(int)
    return frames[keep], fps * max_frames / len(frames)


def at_least(frames: NDArray[np.uint8], min_frames: int) -> NDArray[np.uint8]:
    """At least `min_frames` frames: those of a shorter video are repeated in their order."""
    if len(frames) >= min_frames:
        return frames
    return frames[np.arange(min_frames) * len(frames) // min_frames]


def resized_video(value: dict[str, Any], spec: ModelSpec) -> dict[str, Any]:
    """A video input with its frames as large as the model wants them; unchanged without
    `clip_pixels`.

    `value["array"]`: (frames, 3, height, width) uint8. Bicubic with antialiasing, as in
    transformers.
    """
    frames = value["array"]
    limits = frame_pixels(spec, len(frames))
    if limits is None or not spec.clip_pixels:
        return value
    import torch
    from torchvision.transforms.v2 import InterpolationMode
    from torchvision.transforms.v2.functional import resize

    unit = math.isqrt(spec.pixels_per_token)
    height, width = frames.shape[2:]
    size = fitted_size(height, width, limits, unit)
    if size == (height, width):
        return value
    made = resize(torch.from_numpy(frames), list(size), InterpolationMode.BICUBIC, antialias=True)
    return {**value, "array": made.numpy()}
