"""Each tenant has a bin of its own: what one forgets is in no other's, also where all have the same
file, and comes back for nobody else."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from omni_core.catalog import SqliteCatalog
from omni_server.tenants import folder_of
from tests.omni_server.tenancy.world import LIBRARIES, MAIN, World, world

pytestmark = pytest.mark.timeout(300)
FORGETS = "acme"


async def harbour(made: World, tenant: str) -> list[str]:
    async with made.client(tenant) as mcp:
        listed = (await mcp.call_tool("list_sources", {"match": "harbour"})).structured_content
    assert listed is not None
    return [row["id"] for row in listed.get("sources", ())]


async def call(made: World, tenant: str, tool: str, **arguments: Any) -> dict[str, Any]:
    async with made.client(tenant) as mcp:
        result = await mcp.call_tool(tool, arguments)
    assert not result.is_error, result
    return dict(result.structured_content or {})


async def bins(made: World) -> dict[str, list[str]]:
    """What is in the bin of each library, as `omni-mcp bin --store` finds it."""

    def held(tenant: str) -> list[str]:
        store = made.folder / "store"
        with SqliteCatalog(
            store if tenant == MAIN else store / "tenants" / folder_of(tenant), read_only=True
        ) as catalog:
            return [entry.id for entry in catalog.binned()]

    return {tenant: await asyncio.to_thread(held, tenant) for tenant in LIBRARIES}


async def test_what_a_tenant_forgets_is_in_its_own_bin_and_comes_back_to_it_alone(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as made:
        (source,) = await harbour(made, FORGETS)
        await call(made, FORGETS, "delete_source", source=source)
        assert {t: len(await harbour(made, t)) for t in LIBRARIES} == {
            tenant: int(tenant != FORGETS) for tenant in LIBRARIES
        }
        assert await bins(made) == {t: [source] * (t == FORGETS) for t in LIBRARIES}
        other = next(tenant for tenant in LIBRARIES if tenant not in (FORGETS, MAIN))
        again = await call(made, other, "ingest_media", source="harbour.md", wait_s=45)
        assert again["state"] == "ready"
        assert await harbour(made, FORGETS) == [], "another's ingest brings nothing back"
        back = await call(made, FORGETS, "ingest_media", source="harbour.md", wait_s=45)
        assert back["state"] == "ready"
        assert await harbour(made, FORGETS) == [source]
        assert not any((await bins(made)).values())
