"""Until when the last picture of a film is seen."""

from __future__ import annotations

import math


class LastPicture:
    """Of pictures in any order the one that is shown last, and its end.

    The duration of any other says nothing: where frames are reordered, MP4 gives that to the next
    one in the file, which at changing frame rates may be seconds off.
    """

    def __init__(self) -> None:
        self._second = -math.inf
        self.until = 0.0
        """Second at which it ends; 0 before the first."""

    def end(self, stated: float) -> float:
        """Second at which it ends; `stated` by the header, where that is while it is shown."""
        return stated if self._second < stated < self.until else self.until

    def note(self, second: float, duration: float) -> None:
        """A picture shown from `second` on for `duration` seconds."""
        if second >= self._second:
            self._second, self.until = second, second + duration
