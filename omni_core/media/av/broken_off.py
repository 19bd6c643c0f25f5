"""Whether a file ends before all of it that its header, or its last element, promises."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import av

from omni_core.media.av.clock import Clock
from omni_core.media.av.cut_off import ends_within
from omni_core.media.av.length import GUESSED_DURATION, stated_length
from omni_core.media.av.part_file import Part
from omni_core.media.av.stated_size import missing

SHARE, SECONDS = 0.05, 2.0
"""Less than the larger of these is missing of films that are whole: headers are rounded."""
SHORT_S = 0.3
"""More than this is missing where the file is known to be cut off."""


def stated_seconds(c: Any, clock: Clock, part: Part | None, read: Iterable[Any]) -> float:
    """The duration that the header states, 0 where it states none; `read`: the streams of which
    something is read, since one that is not may be longer."""
    if part is not None:
        return part.seconds
    stated = c.duration / av.time_base if c.duration else 0.0
    lengths = [stated_length(s) for s in read]
    if lengths and all(lengths):
        stated = min(stated, max(lengths))
    from_zero = c.format.name.startswith("matroska")
    return max(0.0, stated - max(0.0, clock.zero)) if from_zero else stated


def warning(path: str, c: Any, part: Part | None, read: float, stated: float) -> str:
    """The line that the file, or one part of it, is not all there, `read` seconds of which were
    read; "" where nothing is known to be missing."""
    guessed = c.format.name in GUESSED_DURATION
    if not (guessed and not c.streams.video) and stated - read > max(SECONDS, SHARE * stated):
        return _line(f"{read:.1f} of {stated:.1f} s")
    if lost := missing(path, part, read):
        return _line(f"{read:.1f} of about {read + lost:.1f} s")
    if not ends_within(path, part):
        return ""
    if not guessed and stated - read > SHORT_S:
        return _line(f"{read:.1f} of {stated:.1f} s")
    if stated and c.format.name.startswith("matroska"):  # only its index was at the end
        return ""
    return f"the file breaks off: {read:.1f} s could be read, and how much followed is not known"


def _line(read: str) -> str:
    return f"the file breaks off: {read} could be read; the rest is missing or damaged"
