"""What the doctor says of a catalog in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from omni_core.catalog import open_catalog
from omni_core.settings import Settings
from omni_server import catalog_check
from tests.omni_core.catalog import postgres_server


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Settings]:
    """Settings of a library in PostgreSQL."""
    if why := postgres_server.why_not():
        pytest.skip(why)
    with postgres_server.server() as url:
        settings = Settings(store=str(tmp_path), encoder="hashing", speech="off", catalog=url)
        open_catalog(settings).close()
        yield settings


def test_a_catalog_that_takes_no_writes_is_warned_about_unless_it_shall_only_be_read(
    there: Settings,
) -> None:
    assert [line[:3] for line in catalog_check.lines(there)] == [
        ("catalog", "ok", "PostgreSQL, 0 sources with 0 segments")
    ]
    standby = replace(
        there, catalog=f"{there.catalog}?options=-c%20default_transaction_read_only%3Don"
    )
    ((_, state, detail, _, get),) = catalog_check.lines(standby)
    assert state == "warning" and "nothing can be changed" in detail
    assert "default_transaction_read_only is on" in get
    ((_, state, *_),) = catalog_check.lines(replace(standby, read_only=True))
    assert state == "ok"


def test_a_user_that_may_not_even_read_is_told_which_rights_to_give(there: Settings) -> None:
    import psycopg

    with psycopg.connect(there.catalog) as db:
        db.execute("CREATE USER some_user")
    theirs = replace(there, catalog=there.catalog.replace("omni@", "some_user@"))
    ((_, state, _, _, get),) = catalog_check.lines(theirs)
    assert state == "missing" and "GRANT USAGE, CREATE ON SCHEMA omni TO some_user" in get


def test_a_user_that_could_not_bring_the_tables_up_to_date_is_told_before_the_upgrade(
    there: Settings,
) -> None:
    import psycopg

    with psycopg.connect(there.catalog) as db:
        db.execute("CREATE USER other_user")
        for what in ("SCHEMA omni", "ALL TABLES IN SCHEMA omni"):
            db.execute(f"GRANT ALL ON {what} TO other_user")
    theirs = replace(there, catalog=there.catalog.replace("omni@", "other_user@"))
    ((_, state, detail, _, get),) = catalog_check.lines(theirs)
    assert state == "warning" and "cannot bring up to date" in detail
    assert "GRANT omni TO other_user" in get


def test_a_catalog_that_cannot_be_used_says_why(there: Settings) -> None:
    gone = replace(there, catalog="postgresql://omni@127.0.0.1:9/postgres")
    ((_, state, _, _, get),) = catalog_check.lines(gone)
    assert state == "missing" and "127.0.0.1:9/postgres cannot be reached" in get
