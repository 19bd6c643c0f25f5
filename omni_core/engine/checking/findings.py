"""What a look at a library finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Fault:
    """Damage, or something to know, in a library."""

    where: Literal["catalog", "index", "thumbnails", "files", "cache"]
    detail: str
    """One line: what is wrong."""
    get: str = "omni-mcp doctor --repair"
    """What to do."""
    harmless: bool = False
    """Whether every answer is as it should be all the same."""


@dataclass(frozen=True, slots=True)
class Look:
    """A library, looked over."""

    store: str
    sources: int = 0
    segments: int = 0
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
    """What could not be looked at, and why."""


@dataclass
class Mended:
    """What a repair did, and what it could not do; a line each."""

    store: str
    done: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
