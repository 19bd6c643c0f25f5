"""The catalog of a library that moves: copied, then left.

At every moment one of the two catalogs is in use and the other one is not, whenever the migration
is killed: the new one says that the library is where it was until the old one has said that it is
there.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import replace

from omni_core.catalog import Catalog, open_catalog, place_of
from omni_core.catalog.checking import FILE
from omni_core.catalog.copying import copy_catalog, refuse_foreign
from omni_core.catalog.moved import (
    are_one,
    has_left,
    is_moved,
    leave_for,
    mark_moved,
    moved_from,
    note,
)
from omni_core.engine.ownership import library_id
from omni_core.errors import BadRequestError, NotFoundError, StoreError
from omni_core.settings import Settings

_INDEX = ("index", "qdrant_url", "qdrant_collection")
"""The settings that say where an index is."""


def describe_index(settings: Settings) -> str:
    """Where the index of these settings is."""
    if settings.index == "server":
        return f"the collection {settings.qdrant_collection} on {settings.qdrant_url}"
    if settings.index == "edge":
        return f"the embedded index in {settings.store_path}"
    return f"the index {settings.index!r}"


def has_other_catalog(settings: Settings, target: Settings) -> bool:
    """Whether the two name different catalogs."""
    return _catalog(settings) != _catalog(target)


def _catalog(settings: Settings) -> tuple[str, str]:
    return settings.catalog, settings.catalog_schema if settings.catalog else ""


def may_have_library(settings: Settings) -> bool:
    """Whether there is a library to move, which a folder without a catalog has not."""
    return bool(settings.catalog) or (settings.store_path / FILE).exists()


def require_library(settings: Settings) -> None:
    """Raise NotFoundError where there is no library to move, as where the store is misspelt."""
    if not may_have_library(settings):
        raise NotFoundError(f"there is no library in {settings.store_path}; check --store")


def check_catalog(catalog: Catalog, target: Settings) -> None:
    """Raise StoreError where the catalog cannot go there: unreachable, of another library, or
    BadRequestError where it is the same one by another address."""
    library_id(catalog)  # both get the same
    with open_catalog(target, even_moved=True) as new:
        refuse_foreign(catalog, new)
        if are_one(catalog, new):
            raise BadRequestError(f"the catalog is there already: {place_of(target)}")


def move_catalog(
    catalog: Catalog, settings: Settings, target: Settings, leave: bool, before: Mapping[str, int]
) -> None:
    """Copy the open catalog of `settings`, which still holds what it held `before`, to `target`;
    with `leave` it is used there alone from then on. May be done again."""
    index, id_ = describe_index(target), uuid.uuid4().hex
    with open_catalog(target, even_moved=True) as new:

        def move() -> None:
            refuse_changed(catalog, before)
            here = place_of(settings), describe_index(settings), id_, _index_of(settings)
            copy_catalog(catalog, new, note(*(here if leave else ("", "", ""))))

        if not leave:
            move()
            return
        if not has_left(catalog, new, index):
            leave_for(catalog, place_of(target), index, id_, move)
        mark_moved(new, "")


def moved_before(settings: Settings, target: Settings) -> tuple[int, int] | None:
    """How many sources and segments there are at `target`, where the library has left the catalog
    of `settings` for it; None where it has not, or that one is lost, or the former one cannot be
    read before it is brought up to date."""
    if not has_other_catalog(settings, target):
        return None
    try:
        old = open_catalog(settings, read_only=True, even_moved=True)
    except StoreError:
        return None
    with old:
        if not is_moved(old):
            return None
        with open_catalog(target, even_moved=True) as new:
            if not has_left(old, new, describe_index(target)):
                return None
            mark_moved(new, "")  # where it was killed in between
            return new.totals()


def former(settings: Settings, target: Settings) -> Settings:
    """The settings by which a library was read that has left its catalog for that of `target`.
    Those at hand may name the new index by then. Raises StoreError where it cannot be asked."""
    with open_catalog(target, read_only=True) as new:
        noted = moved_from(new)
    return replace(settings, **json.loads(noted or "{}"))


def _index_of(settings: Settings) -> str:
    return json.dumps({name: getattr(settings, name) for name in _INDEX})


def refuse_changed(catalog: Catalog, before: Mapping[str, int]) -> None:
    """Raise StoreError where the library does not hold what it held when the migration began."""
    if catalog.holdings() != before or catalog.count(state="processing"):
        raise StoreError(
            "other processes wrote into the library meanwhile; stop them, and run the same "
            "command again: the library stays where it was",
            code="STORE_BUSY",
        )
