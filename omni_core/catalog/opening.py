"""Opens the catalog that the settings name."""

from __future__ import annotations

from omni_core.catalog.sqlite import SqliteCatalog
from omni_core.catalog.store import Catalog
from omni_core.settings import Settings


def open_catalog(settings: Settings, *, read_only: bool = False) -> Catalog:
    """The catalog in PostgreSQL where `catalog` is set, else the file in the store.

    Raises StoreError where it cannot be opened: STORE_BUSY where another process has the file.
    """
    if not settings.catalog:
        return SqliteCatalog(settings.store_path, read_only=read_only)
    from omni_core.catalog.postgres import PostgresCatalog  # its packages are an extra

    return PostgresCatalog(
        settings.catalog, settings.catalog_schema, read_only=read_only,
        lease_s=settings.catalog_lease_s,
    )  # fmt: skip
