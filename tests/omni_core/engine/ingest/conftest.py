from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from omni_core.settings import Settings
from tests.omni_core.catalog import postgres_server


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A PostgreSQL server."""
    if why := postgres_server.why_not():
        pytest.skip(why)
    with postgres_server.server() as found:
        yield found


@pytest.fixture
async def other(shared: Settings) -> AsyncIterator[Any]:
    """The catalog of `shared`, a fixture of the module, as another process has it open."""
    from omni_core.catalog.postgres import PostgresCatalog

    opened = await asyncio.to_thread(PostgresCatalog, shared.catalog, shared.catalog_schema)
    yield opened
    await asyncio.to_thread(opened.close)
