"""What each part of `bench/trust.py` returns, and how a table of it is printed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One figure: what was tried, what came of it, what it should be."""

    what: str
    tried: int
    figure: str
    """What was seen, in words and numbers: "0 lost, 0 doubled"."""
    goal: str
    met: bool


Measure = Callable[[bool], Awaitable[list[Line]]]
"""The `measure` of a part; its argument: whether minutes are enough (a smaller run)."""


def table(part: str, lines: list[Line]) -> str:
    """The figures of one part as a Markdown table."""
    head = f"### {part}\n\n| what | tried | seen | asked | met |\n|---|---|---|---|---|\n"
    return head + "".join(
        f"| {e.what} | {e.tried:,} | {e.figure} | {e.goal} | {'yes' if e.met else '**no**'} |\n"
        for e in lines
    )
