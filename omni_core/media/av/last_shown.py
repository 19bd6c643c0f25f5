"""Until when a stream is seen or heard: the end of what comes last in it."""

from __future__ import annotations

import math


class LastShown:
    """Of pictures or sounds in any order the one that comes last, and its end.

    The duration of any other says nothing: where frames are reordered, MP4 gives that to the next
    one in the file, which at changing frame rates may be seconds off.
    """

    def __init__(self) -> None:
        self._second = -math.inf
        self._until = 0.0

    def end(self, stated: float) -> float:
        """Second at which it ends, 0 before the first; `stated` by the header, where that is while
        it is shown."""
        return stated if self._second < stated < self._until else self._until

    def note(self, second: float, duration: float) -> None:
        """A picture or a sound from `second` on for `duration` seconds."""
        if second >= self._second:
            self._second, self._until = second, second + duration
