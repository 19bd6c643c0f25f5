"""Opens the catalog that the settings name."""

from __future__ import annotations

import os
from pathlib import Path

from omni_core.catalog.moved import refuse_moved
from omni_core.catalog.sqlite import SqliteCatalog
from omni_core.catalog.store import Catalog
from omni_core.errors import StoreError
from omni_core.settings import Settings

_NOWHERE = Path(os.devnull)
"""A store in which nothing can be: its catalog, opened to read, is an empty one."""


def open_catalog(
    settings: Settings,
    *,
    read_only: bool = False,
    even_moved: bool = False,
    must_exist: bool = False,
) -> Catalog:
    """The catalog in PostgreSQL where `catalog` is set, else the file in the store.

    Raises StoreError where it cannot be opened: STORE_BUSY where another process has the file,
    CATALOG_MOVED where the library has left it for another one, unless `even_moved`. What is not
    there yet is made; `read_only` it reads as empty, unless it `must_exist`: then NO_LIBRARY.
    """
    catalog = _open(settings, read_only, even_moved, must_exist)
    try:
        if not even_moved:
            refuse_moved(catalog)
    except BaseException:
        catalog.close()
        raise
    return catalog


def obstacle(settings: Settings) -> str:
    """Why nothing can be written into the catalog in PostgreSQL, and what to do; "" where all can,
    and for a file in the store, whose folder tells. Raises StoreError where it cannot be asked."""
    if not settings.catalog:
        return ""
    from omni_core.catalog import postgres_obstacles

    return postgres_obstacles.obstacle(settings.catalog, settings.catalog_schema)


def obstacle_later(settings: Settings) -> str:
    """Why this user could not bring the catalog in PostgreSQL up to date for a newer version, and
    what to do; "" where it can. Raises StoreError where it cannot be asked."""
    if not settings.catalog:
        return ""
    from omni_core.catalog import postgres_obstacles

    return postgres_obstacles.later(settings.catalog, settings.catalog_schema)


def place_of(settings: Settings) -> str:
    """Where that catalog is, in words and without a password."""
    if not settings.catalog:
        return f"the folder {settings.store_path} (without OMNI_CATALOG)"
    from omni_core.catalog.postgres_messages import where

    return (
        f"PostgreSQL, {where(settings.catalog)}, schema {settings.catalog_schema} (set "
        "OMNI_CATALOG to its address)"
    )


def _open(settings: Settings, read_only: bool, even_moved: bool, must_exist: bool) -> Catalog:
    if not settings.catalog:
        return SqliteCatalog(settings.store_path, read_only=read_only)
    from omni_core.catalog.postgres import NO_LIBRARY, PostgresCatalog  # its packages are an extra

    try:
        return PostgresCatalog(
            settings.catalog, settings.catalog_schema, read_only=read_only, even_moved=even_moved,
            lease_s=settings.catalog_lease_s,
        )  # fmt: skip
    except StoreError as e:
        if e.code != NO_LIBRARY or must_exist:
            raise
        return SqliteCatalog(_NOWHERE, read_only=True)
