"""Rights on collections: which ones a caller sees, and which of them it may change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from omni_core.collection_names import DEFAULT, collection_filter, collection_name
from omni_core.errors import BadRequestError, RefusedError

READ_ONLY = ":read"
"""How the name of a collection ends that a caller may read only."""
MOST = 50
"""Most collections of one caller."""


@dataclass(frozen=True, slots=True)
class CollectionRights:
    """Some collections of a library, each to read or also to change."""

    seen: tuple[str, ...]
    """Names as they are stored, in the order in which they were given."""
    changed: tuple[str, ...]
    """Those of them that may be changed."""

    @classmethod
    def of(cls, given: Iterable[str]) -> Self:
        """The rights of a list like `hr`, `public:read`. Raises BadRequestError for an empty one,
        one that is too long, or a blank name."""
        modes: dict[str, bool] = {}
        for text in given:
            folded = collection_filter(text)
            name = collection_filter(folded.removesuffix(READ_ONLY))
            if not name:  # it would stand for the default collection
                raise BadRequestError(f"{text[:80]!r} is no name of a collection")
            modes[name] = modes.get(name, False) or not folded.endswith(READ_ONLY)
        if not 1 <= len(modes) <= MOST:
            raise BadRequestError(f"rights name 1 to {MOST} collections, these are {len(modes)}")
        return cls(tuple(modes), tuple(name for name, writes in modes.items() if writes))

    def __str__(self) -> str:
        return ", ".join(self.written)

    @property
    def written(self) -> tuple[str, ...]:
        """As `of` reads them."""
        return tuple(n if n in self.changed else f"{n}{READ_ONLY}" for n in self.seen)

    def narrowed(self, given: Iterable[str]) -> CollectionRights:
        """The rights of a list, which may be no more than these. Raises RefusedError FORBIDDEN."""
        asked = CollectionRights.of(given)
        if not (set(asked.seen) <= set(self.seen) and set(asked.changed) <= set(self.changed)):
            raise RefusedError(f"this caller has rights on {self} only", code="FORBIDDEN")
        return asked

    def to_change(self, given: str) -> str:
        """The collection into which something is to go. The default one stands for the first that
        may be changed, where it is not one of them. Raises RefusedError FORBIDDEN for any other,
        whether or not there is one of that name."""
        name = collection_name(given)
        if name in self.changed:
            return name
        if name == DEFAULT and self.changed:
            return self.changed[0]
        yours = f"it may change {', '.join(map(repr, self.changed))}" if self.changed else (
            f"it may only read {', '.join(map(repr, self.seen))}"
        )  # fmt: skip
        raise RefusedError(
            f"this caller may not change the collection {name!r}: {yours}", code="FORBIDDEN"
        )
