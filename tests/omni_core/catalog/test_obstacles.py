"""What keeps the user of a PostgreSQL database from writing is known before anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from omni_core.settings import Settings

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def user(postgres_url: str) -> Iterator[str]:
    """A user without any right that was not given to all."""
    import psycopg

    name = "some_user"
    with psycopg.connect(postgres_url) as db:
        db.execute(f"CREATE USER {name}")
    yield name
    with psycopg.connect(postgres_url) as db:
        db.execute(f"DROP OWNED BY {name}")  # its rights
        db.execute(f"DROP USER {name}")


def obstacle(url: str, schema: str) -> str:
    from omni_core import catalog

    said = catalog.obstacle(Settings(catalog=url, catalog_schema=schema))
    assert "\n" not in said
    return said


def test_a_database_that_its_user_may_write_has_none(postgres_url: str, open_postgres: Any) -> None:
    assert obstacle(postgres_url, open_postgres.schema) == ""  # no library yet
    open_postgres()
    assert obstacle(postgres_url, open_postgres.schema) == ""


@pytest.mark.parametrize("library", [False, True])
def test_a_database_that_takes_no_writes_is_said(
    postgres_url: str, open_postgres: Any, library: bool
) -> None:
    if library:
        open_postgres()
    url = f"{postgres_url}?options=-c%20default_transaction_read_only%3Don"
    said = obstacle(url, open_postgres.schema)
    assert "default_transaction_read_only" in said and "OMNI_READ_ONLY=1" in said


def test_a_right_that_the_user_lacks_is_said(
    postgres_url: str, open_postgres: Any, user: str
) -> None:
    import psycopg

    theirs, schema = postgres_url.replace("omni@", f"{user}@"), open_postgres.schema
    assert f"GRANT CREATE ON DATABASE postgres TO {user}" in obstacle(theirs, schema)
    open_postgres()
    may_read = f'GRANT SELECT ON ALL TABLES IN SCHEMA "{schema}" TO {user}'
    for right, lacks in (
        (f'GRANT USAGE ON SCHEMA "{schema}" TO {user}', f'CREATE ON SCHEMA "{schema}" TO'),
        (f'GRANT CREATE ON SCHEMA "{schema}" TO {user}', "GRANT ALL ON ALL TABLES"),
        (may_read, "GRANT ALL ON ALL TABLES"),
        (may_read.replace("SELECT", "ALL"), ""),
    ):
        with psycopg.connect(postgres_url) as db:
            db.execute(right)
        said = obstacle(theirs, schema)
        assert lacks in said and bool(lacks) == bool(said)


def test_a_function_of_an_extension_beside_the_tables_is_no_table_of_another_user(
    postgres_url: str, open_postgres: Any, user: str
) -> None:
    """Nobody is told to become the owner of an extension, mostly a superuser."""
    import psycopg

    from omni_core import catalog

    theirs, schema = postgres_url.replace("omni@", f"{user}@"), open_postgres.schema
    settings = Settings(catalog=theirs, catalog_schema=schema)
    function = f'FUNCTION "{schema}".digest()'
    with psycopg.connect(postgres_url) as db:
        db.execute(f'CREATE SCHEMA "{schema}" AUTHORIZATION {user}')
        db.execute(f"CREATE {function} RETURNS integer LANGUAGE sql AS 'SELECT 1'")
        db.execute(f"ALTER EXTENSION plpgsql ADD {function}")
    try:
        assert obstacle(theirs, schema) == catalog.obstacle_later(settings) == ""
        catalog.open_catalog(settings).close()
        assert obstacle(theirs, schema) == catalog.obstacle_later(settings) == ""
    finally:
        with psycopg.connect(postgres_url) as db:
            db.execute(f"ALTER EXTENSION plpgsql DROP {function}")
    assert "belong to omni" in catalog.obstacle_later(settings)
    with psycopg.connect(postgres_url) as db:
        db.execute(f"DROP {function}")


def test_a_user_that_owns_no_table_is_told_before_an_upgrade_and_at_it(
    postgres_url: str, open_postgres: Any, user: str
) -> None:
    import psycopg

    from omni_core import catalog
    from omni_core.catalog.postgres_schema import MIGRATIONS

    theirs, schema = postgres_url.replace("omni@", f"{user}@"), open_postgres.schema
    settings = Settings(catalog=theirs, catalog_schema=schema)
    assert catalog.obstacle_later(settings) == ""  # no library yet
    open_postgres()
    with psycopg.connect(postgres_url) as db:
        for what in ("SCHEMA", "ALL TABLES IN SCHEMA"):
            db.execute(f'GRANT ALL ON {what} "{schema}" TO {user}')
    assert catalog.obstacle_later(Settings(catalog=postgres_url, catalog_schema=schema)) == ""
    assert obstacle(theirs, schema) == ""
    catalog.open_catalog(settings).close()  # it may write
    said = catalog.obstacle_later(settings)
    assert "belong to omni" in said and f"GRANT omni TO {user}" in said

    with psycopg.connect(postgres_url) as db:
        db.execute(f'SET search_path TO "{schema}"')
        db.execute("UPDATE catalog_version SET version = %s", (len(MIGRATIONS) - 1,))
    assert obstacle(theirs, schema) == said

    with psycopg.connect(postgres_url) as db:
        db.execute(f"GRANT omni TO {user}")
    try:
        assert obstacle(theirs, schema) == catalog.obstacle_later(settings) == ""
    finally:
        with psycopg.connect(postgres_url) as db:
            db.execute(f"REVOKE omni FROM {user}")
