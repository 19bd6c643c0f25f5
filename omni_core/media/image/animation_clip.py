"""A stretch of an animated picture as a film: few players open a GIF, WebP or PNG at a second."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import av
import numpy as np
from PIL import Image

from omni_core.errors import NotFoundError
from omni_core.media.av.clip import TICK, TICKS_PER_S, writing
from omni_core.media.av.clip_formats import ENCODERS, FORMATS
from omni_core.media.image import animation
from omni_core.types import Pixels

RATE = 25
"""Frames a second that the film names; each frame is shown for as long as in the animation."""


def cut(image: Image.Image, start: float, end: float, out: str) -> tuple[str, float, float]:
    """Write [start, end) to `out`; (MIME type, start, end) as written, in seconds.

    The suffix of `out` names the container, MP4 where it holds no pictures. Raises NotFoundError
    (OUT_OF_RANGE) for a span that the animation does not have, StoreError when `out` cannot be
    written.
    """
    shown = _between(image, start, end)
    first = next(shown, None)
    if first is None or not 0 <= start < end:
        raise NotFoundError(
            f"the animation has nothing at {start:g}-{end:g} s", code="OUT_OF_RANGE"
        )
    form, mime = FORMATS.get(os.path.splitext(out)[1].lower(), FORMATS[".mp4"])
    codec, _ = ENCODERS.get(form, ("libx264", ""))
    if not codec:
        (form, mime), codec = FORMATS[".mp4"], "libx264"
    with writing(out), av.open(out, "w", format=form) as target:
        stream = _stream(target, codec, first[2])
        until = start
        for t, held, rgb in (first, *shown):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
            small = frame.reformat(stream.width, stream.height, "yuv420p", threads=1)
            since, until = max(t, start), min(t + held, end)
            _add(target, stream, small, since - start)
            if until - since > 2 / RATE:  # a film's last frame has no length of its own
                _add(target, stream, small, until - 1 / RATE - start)
        _add(target, stream, None)
    return mime, round(start, 3), round(until, 3)


def _between(image: Image.Image, start: float, end: float) -> Iterator[tuple[float, float, Pixels]]:
    for t, held, rgb in animation.frames(image):
        if t >= end:
            return
        if t + held > start:
            yield t, held, rgb


def _stream(target: Any, codec: str, rgb: Pixels) -> Any:
    stream = target.add_stream(codec, rate=RATE)
    height, width = rgb.shape[:2]
    stream.width, stream.height = max(2, width & ~1), max(2, height & ~1)  # 4:2:0: even sides
    stream.pix_fmt, stream.codec_context.time_base = "yuv420p", TICK
    return stream


def _add(target: Any, stream: Any, frame: Any, second: float = 0.0) -> None:
    """Encode a frame; None for what the encoder holds back."""
    if frame is not None:
        frame.pts, frame.time_base = round(second * TICKS_PER_S), TICK
    for packet in stream.encode(frame):
        packet.duration = TICKS_PER_S // RATE  # MP4 gives the last frame that of the one before
        target.mux(packet)
