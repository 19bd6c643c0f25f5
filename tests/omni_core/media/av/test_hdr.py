"""High dynamic range frames look like pictures: reference white is bright, black is black."""

from __future__ import annotations

from typing import Any

import av
import numpy as np
import pytest

from omni_core.media.av.hdr import HLG, PQ
from omni_core.media.av.pixels import to_rgb


def grey(code: float, transfer: int) -> Any:
    """A frame of one code value, 0 to 1, of limited range."""
    frame = av.VideoFrame(64, 48, "yuv420p10le")
    luma = round(64 + 876 * code)
    for plane, value in zip(frame.planes, (luma, 512, 512), strict=True):
        rows = np.full(plane.buffer_size // 2, value, np.uint16)
        plane.update(rows.tobytes())
    frame.color_trc, frame.colorspace, frame.color_range = transfer, 9, 1
    return frame


@pytest.mark.parametrize(("transfer", "code"), [(PQ, 0.5807), (HLG, 0.75)])
def test_reference_white_is_bright_and_not_clipped(transfer: int, code: float) -> None:
    pixels = to_rgb(grey(code, transfer), 64)
    assert pixels.std() < 1
    assert 225 <= pixels.mean() <= 245


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_more_light_is_never_darker_and_black_is_black(transfer: int) -> None:
    seen = [float(to_rgb(grey(code, transfer), 64).mean()) for code in np.linspace(0, 1, 21)]
    assert seen == sorted(seen)
    assert seen[0] < 2
    assert seen[-1] > 245
    assert seen[10] > 60


def test_an_ordinary_frame_stays_as_it_is() -> None:
    frame = grey(0.5, PQ)
    frame.color_trc, frame.colorspace = 1, 1
    assert to_rgb(frame, 64).mean() == pytest.approx(127, abs=3)
