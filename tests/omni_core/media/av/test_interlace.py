"""Interlaced frames in motion lose their combs; still and progressive ones stay."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest

from omni_core.media.av.interlace import deinterlaced
from omni_core.media.av.pixels import shrink, to_rgb


def frame_of(shift: int, *, interlaced: bool = True) -> Any:
    """A dark square on a bright ground; the second field is `shift` pixels further."""
    first = np.full((576, 720), 220, np.uint8)
    first[200:360, 200:400] = 30
    second = np.roll(first, shift, axis=1)
    woven = first.copy()
    woven[1::2] = second[1::2]
    raw = av.VideoFrame.from_ndarray(woven, format="gray").reformat(format="yuv420p")
    raw.pts = 0
    encoder = av.CodecContext.create("mpeg2video", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.framerate = 720, 576, "yuv420p", 25
    encoder.options = {"flags": "+ildct+ilme", "q:v": "2"} if interlaced else {"q:v": "2"}
    raw.time_base = encoder.time_base = Fraction(1, 25)
    decoder = av.CodecContext.create("mpeg2video", "r")
    packets = encoder.encode(raw) + encoder.encode()
    frames = [f for p in packets for f in decoder.decode(p)] + decoder.decode(None)
    frames[0].time_base = encoder.time_base
    return frames[0]


def combs(rgb: Any) -> float:
    """Mean difference of neighbouring lines beside the square."""
    edge = rgb[230:330, 400:420].astype(int).mean(axis=2)
    return float(np.abs(np.diff(edge, axis=0)).mean())


def test_a_moving_edge_is_straight_again() -> None:
    frame = frame_of(24)
    assert frame.interlaced_frame
    assert combs(frame.to_ndarray(format="rgb24")) > 80
    rgb = to_rgb(frame, 720)
    assert rgb.shape == (576, 720, 3)
    assert combs(rgb) < 10
    assert to_rgb(frame, 320).shape == (256, 320, 3)
    small = shrink(frame, 320)
    assert (small.width, small.height) == (320, 256)


@pytest.mark.parametrize("interlaced", [True, False])
def test_what_does_not_move_keeps_all_its_lines(interlaced: bool) -> None:
    frame = frame_of(0, interlaced=interlaced)
    assert frame.interlaced_frame == interlaced
    assert deinterlaced(frame, 576) is frame
