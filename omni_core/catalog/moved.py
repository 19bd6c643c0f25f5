"""A catalog that was moved elsewhere says so, and is not used by mistake any more.

The index may be the same for both: whoever forgot the new address would write into it with a
catalog that knows nothing of what the other one has stored since.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from omni_core.catalog import writes
from omni_core.catalog.store import Catalog
from omni_core.errors import StoreError

_KEY, _INDEX, _MOVE, _FROM = "moved_to", "moved_to_index", "move", "moved_from"
MOVED_TO = f"SELECT value FROM meta WHERE key = '{_KEY}' AND value <> ''"  # noqa: S608 - ours
"""Has a row where the library has left the catalog."""
_PROBE = "moving"


def mark_moved(catalog: Catalog, place: str) -> None:
    """Note where the library's catalog is from now on, in words; "" for here."""
    catalog.set_meta(_KEY, place)


def note(place: str, index: str, move: str, former: str = "") -> dict[str, str]:
    """Meta data that say that the library's catalog is at `place`, its index at `index`, since the
    move of that id; what `former` says of where it was is for `moved_from`."""
    return {_KEY: place, _INDEX: index, _MOVE: move, _FROM: former}


def moved_from(catalog: Catalog) -> str:
    """What the move to this catalog noted of where the library was before; "" for nothing."""
    return catalog.get_meta(_FROM) or ""


def leave_for(
    catalog: Catalog, place: str, index: str, move: str, check: Callable[[], None]
) -> None:
    """Note that the library's catalog is elsewhere, where `check` raises nothing. No process writes
    in between: one that comes to it waits, and is refused."""
    with catalog._alone() as db:
        check()
        for key, value in note(place, index, move).items():
            writes.put_meta(db, key, value)


def has_left(catalog: Catalog, new: Catalog, index: str) -> bool:
    """Whether the library has left it for the open catalog `new`, by whatever address, and its
    index is at `index`."""
    move = catalog.get_meta(_MOVE)
    noted = is_moved(catalog) and catalog.get_meta(_INDEX) == index
    return bool(noted and move) and new.get_meta(_MOVE) == move


def is_moved(catalog: Catalog) -> bool:
    """Whether it was left for another one."""
    return bool(catalog.get_meta(_KEY))


def refuse_moved(catalog: Catalog) -> None:
    """Raise StoreError CATALOG_MOVED for one that was left for another."""
    if place := catalog.get_meta(_KEY):
        index = catalog.get_meta(_INDEX)
        raise StoreError(
            f"the catalog of this library has moved to {place}"
            + (f", with {index}" if index else "")
            + ". Where `omni-mcp migrate` was interrupted, the same command ends it; where that "
            "catalog is lost, `omni-mcp doctor --adopt` goes on with this one as it was then",
            code="CATALOG_MOVED",
        )


def are_one(a: Catalog, b: Catalog) -> bool:
    """Whether two open catalogs are the same one, by whatever address."""
    word = secrets.token_hex(8)
    a.set_meta(_PROBE, word)
    try:
        return b.get_meta(_PROBE) == word
    finally:
        a.set_meta(_PROBE, "")
