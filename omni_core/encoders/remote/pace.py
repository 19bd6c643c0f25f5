"""How long a worker took lately, so that one that is much slower than the others of its pool does
not get every second or third call, for which a file or a question would wait; and so that one whose
model hangs, while it says that it lives, is not waited for as long as a film on a slow machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

SLOW = 3.0
"""From how many times the time of the fastest on a worker counts as slower."""
LEAST_S = 0.05
"""Differences below this are those of any machine that does other work too."""
AGAIN_S = 60.0
"""After which a slow worker is tried once more: it may be slow no longer."""
SURE, SURE_S = 32, 120.0
"""A call that takes so many times as long as the longest of its kind did there, and so many
seconds, will not be answered: one of 16 that a worker takes at once waits for the others, and those
of a kind differ by four times at most."""
Kind = tuple[str, int]


def kind_of(path: str, body: bytes) -> Kind:
    """Calls that take about as long: the same path, bodies within four times of each other."""
    return path, len(body).bit_length() // 2


@dataclass(slots=True)
class Pace:
    """The last two times of one worker, by the kind of call."""

    _seconds: dict[Kind, tuple[float, float]] = field(default_factory=dict)
    _given: dict[Kind, float] = field(default_factory=dict)
    """When it was last given one of a kind, by the monotonic clock."""
    _longest: dict[Kind, float] = field(default_factory=dict)

    def gets(self, kind: Kind, now: float) -> None:
        """It is given a call."""
        self._given[kind] = now

    def took(self, kind: Kind, seconds: float) -> None:
        """It answered a call."""
        _, before = self._seconds.get(kind, (seconds, seconds))
        self._seconds[kind] = before, seconds
        self._longest[kind] = max(seconds, self._longest.get(kind, 0.0))

    def limit(self, kind: Kind, most: float) -> float:
        """How long it may take for a call: `most` seconds while none of its kind was answered."""
        longest = self._longest.get(kind)
        return most if longest is None else min(most, max(SURE_S, SURE * longest))

    def hung(self, kind: Kind, seconds: float, now: float) -> None:
        """It gave no answer for so long: it counts as that slow until it is tried again, and has
        twice as long then, since it may have become slow."""
        self._seconds[kind], self._given[kind] = (seconds, seconds), now
        self._longest[kind] = max(2 * seconds / SURE, self._longest.get(kind, 0.0))

    def seconds(self, kind: Kind) -> float:
        """The shorter of its last two times, since any call may be held up once; 0 before."""
        return max(LEAST_S, min(self._seconds[kind])) if kind in self._seconds else 0.0

    def may_be_tried(self, kind: Kind, now: float) -> bool:
        """Whether it was long ago that it was given such a call."""
        return now - self._given.get(kind, now) >= AGAIN_S


def weights(paces: Sequence[Pace], kind: Kind, now: float) -> list[float]:
    """For each worker how many times as long as the fastest it takes; 1 where that is not much, or
    not known, or it is time to look again."""
    seconds = [pace.seconds(kind) for pace in paces]
    fastest = min(filter(None, seconds), default=0.0)
    found = []
    for pace, its in zip(paces, seconds, strict=True):
        slow = bool(fastest) and its >= SLOW * fastest and not pace.may_be_tried(kind, now)
        found.append(its / fastest if slow else 1.0)
    return found
