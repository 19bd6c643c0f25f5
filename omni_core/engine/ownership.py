"""Whose index it is: catalog and index hold the same id, and no other catalog may use the index.

Two catalogs on one Qdrant collection would overwrite and delete each other's points without a
word.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import asdict

from omni_core import encoders, index
from omni_core.catalog import Catalog, open_catalog
from omni_core.catalog.checking import FILE
from omni_core.catalog.copying import LIBRARY
from omni_core.catalog.moved import is_moved, mark_moved
from omni_core.errors import BadRequestError
from omni_core.settings import Settings


def library_id(catalog: Catalog) -> str:
    """The id of this library, made when it is first opened."""
    return catalog.get_meta(LIBRARY) or catalog.set_meta_once(LIBRARY, uuid.uuid4().hex)


async def look(settings: Settings) -> list[dict[str, str]]:
    """What `omni-mcp doctor` says of the Qdrant server that the settings name, as its findings:
    name, state, detail, and what to do (get). Nothing is locked and nothing is changed."""
    from omni_core.index.qdrant import look as server  # the client is an extra

    info = await asyncio.to_thread(encoders.describe, settings)

    def known() -> str:
        with open_catalog(settings, read_only=True) as catalog:
            return catalog.get_meta(LIBRARY) or ""

    seen = await server.look(settings, info, await asyncio.to_thread(known))
    return [asdict(s) for s in seen]


async def adopt_collection(settings: Settings) -> str:
    """Make the collection on the Qdrant server that of this library, whoever has it now, where
    the catalog of that one is lost. Returns a line that says what was done.

    A catalog that was moved is used again, also with an embedded index, as another library than the
    one it moved to. Nothing is deleted. Raises StoreError STORE_BUSY while another process has the
    library open.
    """
    if settings.index != "server" and not await asyncio.to_thread(_was_moved, settings):
        raise BadRequestError("only a collection on a Qdrant server can be adopted: give --qdrant")
    info = await asyncio.to_thread(encoders.describe, settings)
    catalog = await asyncio.to_thread(open_catalog, settings, even_moved=True)
    try:
        library = await asyncio.to_thread(_own_id, catalog)
        held = await asyncio.to_thread(index.load, settings, info)
        try:
            await held.open()
            await held.claim(library, adopt=True)
            points = await held.count()
        finally:
            await held.close()
        await asyncio.to_thread(mark_moved, catalog, "")
    finally:
        await asyncio.to_thread(catalog.close)
    if settings.index != "server":
        return (
            f"the library in {settings.store_path} with {points} segments is used again, as it was "
            "when it moved; ingest again what was added since"
        )
    return (
        f"the collection {settings.qdrant_collection!r} with {points} segments is now that of the "
        f"library in {settings.store_path}; ingest its files again, so that the catalog knows them"
    )


def _was_moved(settings: Settings) -> bool:
    if not (settings.catalog or (settings.store_path / FILE).exists()):
        return False
    with open_catalog(settings, read_only=True, even_moved=True) as catalog:
        return is_moved(catalog)


def _own_id(catalog: Catalog) -> str:
    """The id of this library; a new one where the catalog was moved, and two have the same."""
    if is_moved(catalog):
        catalog.set_meta(LIBRARY, uuid.uuid4().hex)
    return library_id(catalog)
