"""Which worker of a pool gets a call, and what it is taken for after it was asked what it runs."""

from __future__ import annotations

from collections.abc import Sequence

from omni_core.encoders.remote.member import Description, Member
from omni_core.encoders.remote.pace import Kind, weights
from omni_core.errors import OmniError, UnavailableError


def least_loaded(ready: Sequence[Member], kind: Kind, now: float) -> Member:
    """The worker that would be done first, as far as can be told, with one more call: the one with
    the fewest, where none is much slower than the others; else the one that rested longest."""
    slower = weights([m.pace for m in ready], kind, now)
    _, _, at = min(
        ((m.running + 1) * times, m.last, n)
        for n, (m, times) in enumerate(zip(ready, slower, strict=True))
    )
    chosen = ready[at]
    chosen.running += 1
    chosen.last = now
    chosen.pace.gets(kind, now)
    return chosen


def note(member: Member, answer: Description | OmniError) -> bool:
    """Record what a worker answered; whether it is up."""
    if isinstance(answer, Description):
        member.rises(answer)
        return True
    error = answer if isinstance(answer, UnavailableError) else UnavailableError(str(answer))
    member.falls(error)
    return False
