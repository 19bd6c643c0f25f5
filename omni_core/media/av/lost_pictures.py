"""Seconds of a film whose pictures are in the file and cannot be decoded."""

from __future__ import annotations

LOST_S, LOST_PACKETS = 2.0, 25
"""Seconds without a picture, and pictures due in them, from which pictures are lost; a picture that
is held has none due."""
NAMED = 5
"""Gaps that the warning names."""


class LostPictures:
    """Compares when pictures are due, by their packets, with those that were decoded."""

    def __init__(self, start: float) -> None:
        self._until = start
        self._due: list[float] = []
        self._lost: list[tuple[float, float]] = []

    def due(self, second: float) -> None:
        """A packet of a picture for this second."""
        self._due.append(second)

    def shown(self, second: float) -> None:
        """A picture was decoded for this second, or the file ends here."""
        if second - self._until > LOST_S:
            between = sum(self._until < due < second for due in self._due)
            if between > LOST_PACKETS:
                self._lost.append((self._until, second))
        self._until = max(self._until, second)
        self._due = [due for due in self._due if due > second]

    def warning(self) -> str:
        """At the end: what is lost, in one line; "" for nothing."""
        self.shown(max(self._due, default=0.0))
        if not self._lost:
            return ""
        named = ", ".join(f"{a:.0f} to {b:.0f}" for a, b in self._lost[:NAMED])
        more = len(self._lost) - NAMED
        return (
            "pictures that cannot be decoded, of which the one before is shown: seconds "
            f"{named}{f' and {more} more times' if more > 0 else ''}"
        )
