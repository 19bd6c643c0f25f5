"""A pooler before PostgreSQL: one that gives whole sessions serves, one that mixes them is refused,
and a server that is gone behind it is noticed as without one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from omni_core.errors import StoreError
from tests.omni_core.catalog.pooling import Pooling

pytestmark = pytest.mark.timeout(120)
SOON_S = 15.0
Made = Callable[..., tuple[Pooling, str]]


@pytest.fixture
def pooler(postgres_url: str) -> Iterator[Made]:
    """Starts one; it and the address of the database by it."""
    made: list[Pooling] = []
    parts = urlsplit(postgres_url)

    def make(*, shares: bool) -> tuple[Pooling, str]:
        one = Pooling(parts.hostname or "127.0.0.1", parts.port or 5432, shares=shares)
        made.append(one)
        return one, postgres_url.replace(f":{parts.port}/", f":{one.port}/")

    yield make
    for one in made:
        one.close()


def test_a_pooler_that_shares_connections_between_transactions_is_refused_in_one_line(
    pooler: Made, open_postgres: Any
) -> None:
    from omni_core.catalog.postgres import PostgresCatalog

    open_postgres().set_meta("a", "b")
    _, url = pooler(shares=True)
    with pytest.raises(StoreError, match=r"use pool_mode = session in PgBouncer") as e:
        PostgresCatalog(url, open_postgres.schema)
    assert "\n" not in str(e.value)
    assert e.value.code == "CATALOG_POOLED"
    with pytest.raises(StoreError, match="would mix libraries"):
        PostgresCatalog(url, open_postgres.schema, read_only=True)


def test_a_pooler_that_begins_to_share_while_libraries_are_open_is_refused_and_mixes_none(
    pooler: Made, open_postgres: Any, postgres_url: str
) -> None:
    from omni_core.catalog.postgres import PostgresCatalog

    between, url = pooler(shares=False)
    schemas = [f"{open_postgres.schema} {name}" for name in ("a", "b")]
    libraries = [PostgresCatalog(url, schema) for schema in schemas]
    refused: list[str] = []
    try:
        for library, schema in zip(libraries, schemas, strict=True):
            library.set_meta("library", schema)
        between.begin_to_share()
        for n in range(3):
            for library, schema in zip(libraries, schemas, strict=True):
                for call in (
                    lambda: library.set_meta(f"written {n}", schema),  # noqa: B023 - called here
                    lambda: library.get_meta("library") == schema or pytest.fail(),  # noqa: B023
                ):
                    try:
                        call()
                    except StoreError as e:
                        refused.append(str(e))
    finally:
        for library in libraries:
            library.close()
    assert refused
    assert all("use pool_mode = session in PgBouncer" in x and "\n" not in x for x in refused)
    for schema in schemas:
        direct = PostgresCatalog(postgres_url, schema)
        assert {row["value"] for row in direct._all("SELECT value FROM meta")} == {schema}
        with direct._pool.transaction() as db:
            db.execute(f'DROP SCHEMA "{schema}" CASCADE')
        direct._pool.close()


def test_why_no_connection_can_be_made_any_more_is_said(
    pooler: Made, open_postgres: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a pooler begins to give a connection away after each statement."""
    from omni_core.catalog import postgres_connection

    monkeypatch.setattr(postgres_connection, "CONNECT_S", 2)
    between, url = pooler(shares=False)
    catalog = postgres_connection.Pool(url, open_postgres.schema)
    open_postgres().set_meta("a", "b")
    assert catalog.read("SELECT value FROM meta WHERE key = 'a'", ())[0]["value"] == "b"
    between.begin_to_share(statements=True)
    give_up = time.monotonic() + 2 * SOON_S
    while True:
        with pytest.raises(StoreError) as e:
            catalog.read("SELECT 1", ())
        if "use pool_mode = session in PgBouncer" in str(e.value):
            break
        assert time.monotonic() < give_up
    catalog.close()


def test_a_database_that_is_gone_behind_a_pooler_is_told_soon_and_found_again(
    pooler: Made, open_postgres: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from omni_core.catalog import postgres_watch
    from omni_core.catalog.postgres import PostgresCatalog

    monkeypatch.setattr(postgres_watch, "QUIET_S", 0.3)
    monkeypatch.setattr(postgres_watch, "LOOK_S", 0.05)
    monkeypatch.setattr(postgres_watch, "ALIVE_S", 1)
    between, url = pooler(shares=False)
    catalog = PostgresCatalog(url, open_postgres.schema)
    calls: tuple[Callable[[], object], ...] = (
        lambda: catalog.get_meta("a"),
        lambda: catalog.set_meta("a", "c"),
    )
    try:
        catalog.set_meta("a", "b")
        between.lose_the_server()
        for call in calls:
            began = time.monotonic()
            with pytest.raises(StoreError) as e:
                call()
            assert e.value.code == "CATALOG_UNREACHABLE"
            assert time.monotonic() - began < SOON_S
        between.find_the_server()
        give_up = time.monotonic() + SOON_S
        while True:
            try:
                assert catalog.get_meta("a") == "b"
                break
            except StoreError:
                assert time.monotonic() < give_up
                threading.Event().wait(0.05)
    finally:
        between.find_the_server()
        catalog.close()
