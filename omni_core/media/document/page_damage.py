"""What of a file's pages cannot be read, as one warning for each kind of loss."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from omni_core.types import FileWarning

MAX_RUNS = 10
"""Runs of pages that one warning names."""
_UNREAD = "{} cannot be read: damaged or missing in the file"
_DAMAGED = "{} {} damaged: words may be missing there; what could be unpacked is in"


@dataclass(slots=True)
class PageDamage:
    """The pages of a file that are lost, or read in part; collected while it is read."""

    lost: list[int] = field(default_factory=list)
    partly: list[int] = field(default_factory=list)

    def warnings(self) -> Iterator[FileWarning]:
        """One for each run of lost pages, then one for all that are read in part."""
        for first, last in _runs(self.lost):
            pages = f"page {first}" if first == last else f"pages {first} to {last}"
            yield FileWarning(_UNREAD.format(pages))
        if self.partly:
            one = len(self.partly) == 1
            pages = f"page {self.partly[0]}" if one else f"pages {_named(self.partly)}"
            yield FileWarning(_DAMAGED.format(pages, "is" if one else "are"))


def _named(numbers: list[int]) -> str:
    """`2, 5 to 7`; at most `MAX_RUNS` of them."""
    runs = list(_runs(numbers))
    shown = [
        f"{first}" if first == last else f"{first} to {last}" for first, last in runs[:MAX_RUNS]
    ]
    more = f" and {len(runs) - MAX_RUNS} more" if len(runs) > MAX_RUNS else ""
    return ", ".join(shown) + more


def _runs(numbers: list[int]) -> Iterator[tuple[int, int]]:
    """(first, last) of the numbers that follow one another."""
    first = 0
    for n, number in enumerate(numbers):
        first = first or number
        if n + 1 < len(numbers) and numbers[n + 1] == number + 1:
            continue
        yield first, number
        first = 0
