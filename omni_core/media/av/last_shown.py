"""Until when a stream is seen or heard: the end of what comes last in it."""

from __future__ import annotations

import math


class LastShown:
    """Of pictures or sounds in any order the one that comes last, and its end.

    The duration of any other says nothing: where frames are reordered, MP4 gives that to the next
    one in the file, which at changing frame rates may be seconds off.
    """

    def __init__(self) -> None:
        self.second = -math.inf
        """When what comes last begins."""
        self._until = 0.0
        self._gap = 0.0
        """How long after the one before it."""
        self._in_file = 0.0
        """Duration of the one that comes last in the file, which MP4 gives to nothing else."""

    def end(self, stated: float) -> float:
        """Second at which it ends, 0 before the first; `stated` by the header, where that is while
        it is shown, or, of one without a duration, while it may be."""
        known = self._until if self._until > self.second else self.second + 2 * self._gap
        if self.second < stated <= known:
            return stated
        return min(self._until, self.second + self._in_file) if self._until else 0.0

    def note(self, second: float, duration: float) -> None:
        """A picture or a sound from `second` on for `duration` seconds."""
        self._in_file = duration
        if second >= self.second:
            self._gap = second - max(self.second, 0.0)
            self.second, self._until = second, second + duration
