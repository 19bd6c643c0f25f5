"""Decoded frames to RGB arrays: upright, square pixels, no larger than requested."""

from __future__ import annotations

from typing import Any

import numpy as np

from omni_core.media.av import hdr
from omni_core.media.av.interlace import deinterlaced
from omni_core.media.geometry import fit
from omni_core.types import Pixels


def to_rgb(frame: Any, edge: int, *, rotation: int = 0, aspect: float = 1.0) -> Pixels:
    """(height, width, 3) RGB with the long edge at most `edge`, upright.

    rotation: degrees counter-clockwise, as PyAV reports them. aspect: width of one stored pixel
    by its height; DV, DVD and some phones store pixels that are not square.
    """
    wide = frame.width * aspect if aspect > 1 else frame.width
    high = frame.height if aspect >= 1 else frame.height / aspect
    width, height = fit(round(wide), round(high), edge)
    frame = deinterlaced(frame, height)
    if hdr.is_hdr(frame):
        rgb = hdr.to_rgb(frame, width, height)
    else:
        rgb = frame.reformat(width, height, "rgb24", interpolation="AREA", threads=1).to_ndarray()
    quarter = round(rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(rgb, quarter))


def shrink(frame: Any, edge: int) -> Any:
    """The frame scaled to a long edge of `edge`; unchanged where that saves less than half."""
    width, height = fit(frame.width, frame.height, edge)
    if width * height * 2 > frame.width * frame.height:
        return frame
    return deinterlaced(frame, height).reformat(width, height, interpolation="AREA", threads=1)


def aspect(stream: Any) -> float:
    """Sample aspect ratio (width by height); 1 where the header gives no plausible one."""
    ratio = stream.sample_aspect_ratio
    value = float(ratio) if ratio else 1.0
    return value if 0.2 < value < 5 else 1.0
