"""How far a download is: a bar with speed and time left; lines where that is not a terminal."""

from __future__ import annotations

import sys
import time
from collections import deque

from omni_server.cli.printing import Bar, hint
from omni_server.text import one_line

WINDOW_S = 10.0
"""Seconds over which the speed is measured."""
REDRAW_S = 0.1


class Meter:
    """Told of bytes by `omni_core.setup.carrying_out.fetch`."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._seen: deque[tuple[float, int]] = deque()
        self._what = ""
        self._drawn = 0.0

    def show(self, what: str, here: int, total: int) -> None:
        """`here` of `total` bytes are on the disk; `what` is being fetched."""
        now = time.monotonic()
        if what != self._what:
            self._what, self._drawn = what, 0.0
            if not sys.stderr.isatty():
                hint(f"{what} ({here / 1e6:.0f} of {total / 1e6:.0f} MB are here)")
        self._seen.append((now, here))
        while now - self._seen[0][0] > WINDOW_S:
            self._seen.popleft()
        if now - self._drawn >= REDRAW_S or here == total:
            self._drawn = now
            text = f"{size(here)} of {size(total)}{self._pace(total)}  {one_line(what)}"
            self._bar.show(here / max(total, 1), text)

    def _pace(self, total: int) -> str:
        (began, first), (now, here) = self._seen[0], self._seen[-1]
        if now - began < 1 or here <= first:
            return ""
        speed = (here - first) / (now - began)
        return f", {size(round(speed))}/s, {duration((total - here) / speed)} left"


def size(number: int) -> str:
    """`882 MB`, `17.9 GB`, `12 kB`."""
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if number >= unit * 0.9995:
            return f"{number / unit:.{1 if unit == 1e9 else 0}f} {name}"
    return f"{number / 1e3:.0f} kB"


def duration(seconds: float) -> str:
    """`40 s`, `12 min`, `3.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
