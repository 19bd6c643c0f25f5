"""What every reader of a subtitle format fills: cues in seconds, and what could not be timed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from omni_core.media.text.cues import Cue

GUESSED_S = 2.0
"""Length given to a cue that ends before it begins, or at once."""
LINE_S = 8.0
"""Longest time for which a line counts as shown where its format has no ends."""
_MARK, _POINT = "[:\uff1a]", "[.,:\uff0c\uff0e\uff1a]"  # with the full-width forms
TIME = (
    rf"(-?)(?:(\d{{1,4}}){_MARK}[ \t]?)?(\d{{1,3}}){_MARK}[ \t]?(\d{{1,2}})"
    rf"(?:[ \t]?{_POINT}[ \t]?(\d{{1,9}}))?"
)
"""A time of day as files write it: hours and fraction may be missing, and be set off by comma,
point or colon. Five groups, for `seconds`."""


def seconds(groups: Sequence[str | None]) -> float:
    """The seconds of the five groups of `TIME`, rounded to milliseconds."""
    sign, hours, minutes, whole, fraction = groups
    total = int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(whole or 0)
    value = round(total + int((fraction or "0")[:3].ljust(3, "0")) / 1000, 3)
    return -value if sign else value


@dataclass
class Reading:
    """The cues of one file."""

    cues: list[Cue] = field(default_factory=list)
    untimed: list[str] = field(default_factory=list)
    """Where cues stand whose times cannot be read (`line 12`); they are left out."""
    notes: list[str] = field(default_factory=list)
    """What else a user should know, a line each."""

    def add(self, start: float, end: float, text: str, track: str = "") -> None:
        """Add a cue, unless it has no text."""
        if text:
            self.cues.append(Cue(max(0.0, start), max(0.0, end), text, track))

    def in_order(self) -> list[Cue]:
        """The cues in order of time; one that ends before it begins is shown until the next one,
        at most 2 s."""
        cues = sorted(self.cues, key=lambda c: (c.start, c.end))
        for n, after in enumerate(next_starts([c.start for c in cues])):
            if cues[n].end <= cues[n].start:
                end = round(min(cues[n].start + GUESSED_S, after), 3)
                cues[n] = replace(cues[n], end=end)
        return cues

    def warnings(self) -> tuple[str, ...]:
        """What was left out or guessed, a line each."""
        if not self.untimed:
            return tuple(self.notes)
        where = ", ".join(self.untimed[:5]) + (" ..." if len(self.untimed) > 5 else "")
        one = len(self.untimed) == 1
        said = (
            f"1 cue has no readable time and is left out: {where}"
            if one
            else f"{len(self.untimed)} cues have no readable time and are left out: {where}"
        )
        return (said, *self.notes)


def next_starts(starts: Sequence[float]) -> list[float]:
    """For each of the ascending seconds the next later one; infinity after the last."""
    found = [float("inf")] * len(starts)
    for n in range(len(starts) - 2, -1, -1):
        found[n] = starts[n + 1] if starts[n + 1] > starts[n] else found[n + 1]
    return found
