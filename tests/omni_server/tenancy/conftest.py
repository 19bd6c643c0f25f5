"""Where the libraries of the tests are: in memory, and on real servers where there are some."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.omni_core.catalog import postgres_server
from tests.omni_core.index import real_qdrant


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Settings of libraries in a PostgreSQL database and on a Qdrant server; skips without them."""
    if why := postgres_server.why_not():
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("qdrant")
    with real_qdrant.processes(folder, 1) as qdrant, postgres_server.server() as catalog:
        yield {
            "index": "server", "qdrant_url": qdrant.url, "qdrant_api_key": qdrant.key,
            "catalog": catalog,
        }  # fmt: skip


@pytest.fixture(scope="module", params=["memory", "servers"])
def where(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Settings that say where the libraries are."""
    if request.param == "servers":
        found: dict[str, Any] = request.getfixturevalue("servers")
        return found
    return {"index": request.param}
