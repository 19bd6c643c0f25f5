"""The decoder of a film as it is set up for cutting: only frames that are worth their cost."""

from __future__ import annotations

from typing import Any

from omni_core.media.av.clock import rate
from omni_core.media.av.container import limit_threads

RARE_FPS = 6.0
"""Frames a second below which every frame is decoded: slide shows, time lapses, surveillance."""


def prepare(stream: Any) -> None:
    """Set up a video stream's decoder for cutting.

    Non-reference frames are skipped: half the cost of H.264 and HEVC, cuts at most one frame late,
    and the remaining frames are of higher quality. Not where frames are rare: each may be a slide.
    """
    limit_threads(stream)
    if stream.start_time is not None and rate(stream) >= RARE_FPS:  # else frames are counted
        stream.codec_context.skip_frame = "NONREF"
