"""Animated GIF, WebP, PNG and AVIF, cut as a video without audio.

Pillow decodes them (FFmpeg reads no animated WebP); frames then pass through shot detection.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from fractions import Fraction

import av
import numpy as np
from PIL import Image

from omni_core.errors import NotFoundError
from omni_core.media.av.shots import ShotCutter
from omni_core.media.geometry import fit
from omni_core.media.image.durations import DEFAULT_S, MAX_FRAMES, durations, shown_for
from omni_core.media.rgb import background_of, to_rgb
from omni_core.types import CutOptions, FileLength, FileWarning, Pixels, Segment, Source

FORMATS = ("GIF", "WEBP", "PNG", "AVIF")
MIN_DURATION_S = 0.5
"""A shorter animation is treated as a still image."""


def frame_count(image: Image.Image) -> int:
    """Frames of an animation; 1 where Pillow has no such attribute."""
    return int(getattr(image, "n_frames", 1))


def seconds(image: Image.Image, path: str) -> float:
    """The duration of an animation; 0 for a still image."""
    if image.format not in FORMATS or (frames := frame_count(image)) < 2:
        return 0.0
    total = sum(durations(path, image.format)[:frames])
    return round(total, 3) if total >= MIN_DURATION_S else 0.0


def unseen(image: Image.Image, path: str) -> str:
    """What is not seen of an animation that is treated as a still image; "" for any other."""
    if image.format not in FORMATS or (frames := frame_count(image)) < 2 or seconds(image, path):
        return ""
    total = sum(durations(path, image.format)[:frames])
    return f"the animation lasts {total:.1f} s: only the first of its {frames} pictures was read"


def cut(
    image: Image.Image, source: Source, options: CutOptions
) -> Iterator[Segment | FileWarning | FileLength]:
    """Segments of the shots, as for a video; the length, where less can be read than is stated."""
    shots = ShotCutter(options, 1.0)
    seen, end = 0, 0.0
    for t, held, rgb in frames(image):
        seen, end = seen + 1, t + held
        yield from _shown(shots, source, t, held, rgb)
    if not seen:
        yield from _shown(shots, source, 0.0, DEFAULT_S, _own(image))
    for shot in shots.flush():
        yield shot.segment(source)
    last = shots.last()
    if last is not None:
        yield last.segment(source)
    total = frame_count(image) - _first(image)
    if seen < total:
        yield FileLength(round(end or DEFAULT_S, 3))
    if not seen:
        yield FileWarning("the animation is damaged: only its still picture was read")
    elif seen < total:
        why = "is damaged" if total <= MAX_FRAMES else "is too long to be read whole"
        yield FileWarning(
            f"the animation {why}: {seen} of {total} frames were read, the first {end:.1f} s"
        )


def _shown(
    shots: ShotCutter, source: Source, t: float, held: float, rgb: Pixels
) -> Iterator[Segment]:
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
    frame.pts, frame.time_base = round(t * 1000), Fraction(1, 1000)
    for shot in shots.push(t, frame):
        yield shot.segment(source)
    shots.extend_to(t + held)


def frames_at(image: Image.Image, times: Sequence[float], edge: int) -> list[tuple[float, Pixels]]:
    """(the second at which the frame appears, its pixels) for each time.

    Raises NotFoundError (OUT_OF_RANGE) for a time before the start or 0.5 s after the end.
    """
    wanted = sorted(set(times))
    found: dict[float, tuple[float, Pixels]] = {}
    end, last = 0.0, None
    for t, held, rgb in frames(image):
        end = t + held
        while wanted and wanted[0] < end + 1e-4:
            found[wanted.pop(0)] = t, _small(rgb, edge)
        last = t, rgb
        if not wanted:
            break
    last = last or (0.0, _own(image))
    if wanted and wanted[-1] <= end + 0.5:
        found |= {t: (last[0], _small(last[1], edge)) for t in wanted}
    if missing := [t for t in times if t not in found or t < 0]:
        raise NotFoundError(
            f"second {missing[0]:g} is outside the {end:.1f} s of this animation",
            code="OUT_OF_RANGE",
        )
    return [found[t] for t in times]


def frames(image: Image.Image) -> Iterator[tuple[float, float, Pixels]]:
    """(second, duration, pixels) of each frame, composed onto those before."""
    t = 0.0
    background = None
    first = _first(image)
    for n in range(first, min(frame_count(image), MAX_FRAMES)):
        try:
            image.seek(n)
            background = background or background_of(image)  # one for all, or shots would end
            rgb = np.asarray(to_rgb(image, background))
        except (EOFError, OSError, SyntaxError, ValueError, IndexError, struct.error):
            if n == first == 0:
                raise
            return  # a truncated file ends with its last readable frame
        held = _held(image)
        yield t, held, rgb
        t += held


def _own(image: Image.Image) -> Pixels:
    """A PNG's own picture, which viewers show that know no animations."""
    image.seek(0)
    return np.asarray(to_rgb(image))


def _first(image: Image.Image) -> int:
    """The number of the first frame: 1 where a PNG's own picture is no part of the animation."""
    return 1 if getattr(image, "default_image", False) else 0


def _held(image: Image.Image) -> float:
    """Seconds for which players show the frame that was decoded last."""
    return shown_for(float(image.info.get("duration", 0) or 0) / 1000)


def _small(rgb: Pixels, edge: int) -> Pixels:
    size = fit(rgb.shape[1], rgb.shape[0], edge)
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS))
