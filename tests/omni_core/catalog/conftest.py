"""The two catalogs: what the contract asks is asked of both."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from omni_core.catalog import Catalog, SqliteCatalog
from tests.omni_core.catalog import postgres_server


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A running server; skips where there is none."""
    if why := postgres_server.why_not():
        pytest.skip(why)
    with postgres_server.server() as url:
        yield url


@pytest.fixture
def open_postgres(postgres_url: str) -> Iterator[Callable[..., Any]]:
    """Opens one library again and again, as processes do; a schema of its own for each test."""
    import psycopg

    from omni_core.catalog.postgres import PostgresCatalog

    schema = f"test {uuid.uuid4().hex[:12]}"
    opened: list[PostgresCatalog] = []

    def open_one(**options: Any) -> PostgresCatalog:
        opened.append(PostgresCatalog(postgres_url, schema, **options))
        return opened[-1]

    open_one.schema = schema  # type: ignore[attr-defined]
    yield open_one
    for catalog in opened:
        catalog.close()
    with psycopg.connect(postgres_url) as db:
        db.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')


@pytest.fixture(params=["sqlite", "postgres"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    """An empty catalog."""
    if request.param == "sqlite":
        with SqliteCatalog(tmp_path) as c:
            yield c
    else:
        yield request.getfixturevalue("open_postgres")()
