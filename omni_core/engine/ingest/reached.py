"""How far the ingest of one source is: all that another run of it needs to go on. Plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from omni_core.catalog.groups import StoredGroup
from omni_core.engine.ingest.embedding import Embedded


def is_sound(state: Mapping[str, Any], groups: Sequence[StoredGroup]) -> bool:
    """Whether `Reached.noted` can go on from what the catalog noted: every group is there, and the
    positions are numbers. A damaged note costs the way up to it, nothing else."""
    count, at, pending = (state.get(key, 0) for key in ("groups", "at", "pending_from"))
    numbers = all(isinstance(n, (int, float)) for n in (count, at, pending or 0))
    return numbers and [group.number for group in groups] == list(range(int(count)))


@dataclass
class Reached:
    """Moved on by `add`, result by result; only what the last group holds is durable."""

    groups: int = 0
    """Groups that are durable."""
    done: set[str] = field(default_factory=set)
    """Ids of the decoder's segments in them."""
    readers: bytes = b""
    """The readers' buffers at the end of the last group."""
    at: float = 0.0
    """Position reached: seconds, pages or characters."""
    pending_from: float | None = None
    """The second from which words are still buffered by a reader."""
    found: bool = False
    """Whether something in the file can be found, and not only its title."""
    title: str = ""
    """Id of the title's segment, where there is one."""

    @classmethod
    def noted(cls, state: Mapping[str, Any], groups: Iterable[StoredGroup], readers: bytes) -> Self:
        """What the catalog noted: a `state`, the groups up to it, the readers' buffers."""
        return cls(
            int(state.get("groups", 0)),
            {id for group in groups for id in group.segments},
            readers,
            float(state.get("at", 0.0)),
            state.get("pending_from"),
            bool(state.get("found", True)),
            str(state.get("title", "")),
        )

    @property
    def state(self) -> dict[str, Any]:
        """What the catalog notes at the end of a group, besides the group and `readers`."""
        return {
            "groups": self.groups, "at": self.at, "pending_from": self.pending_from,
            "found": self.found, "title": self.title,
        }  # fmt: skip

    def add(self, result: Embedded) -> None:
        """Go on by one result."""
        self.at = max(self.at, result.at)
        self.found = self.found or result.findable
        self.title = result.title or self.title
        if result.last or not result.ends_group:
            self.pending_from = result.pending_from
        if result.ends_group:
            self.groups = result.group + 1
            self.done.update(result.segments)
            self.readers = result.readers
