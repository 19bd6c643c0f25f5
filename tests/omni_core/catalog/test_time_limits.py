"""Time limits of a PostgreSQL server: those that are meant for others end nothing of the library,
and a process that is stopped in the middle of a transaction holds nobody up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from omni_core.errors import StoreError

pytestmark = pytest.mark.timeout(120)
LIMIT_S = 0.1
SOON_S = 30.0
LIMITS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


@pytest.fixture
def limited(postgres_url: str) -> Iterator[str]:
    """The address of the database for a user whose questions, locks and pauses end soon."""
    import psycopg

    with psycopg.connect(postgres_url) as db:
        db.execute("CREATE USER limited SUPERUSER")
        for name in LIMITS:
            db.execute(f"ALTER USER limited SET {name} = '{LIMIT_S:g}s'")
    yield postgres_url.replace("omni@", "limited@")
    with psycopg.connect(postgres_url) as db:
        db.execute("DROP OWNED BY limited CASCADE")
        db.execute("DROP USER limited")


def until(is_so: Callable[[], bool]) -> None:
    give_up = time.monotonic() + SOON_S
    while not is_so():
        assert time.monotonic() < give_up
        threading.Event().wait(0.02)


def test_limits_that_are_meant_for_others_end_no_wait_for_a_lock_and_no_transaction(
    postgres_url: str, limited: str, open_postgres: Any
) -> None:
    import psycopg

    from omni_core.catalog.postgres import PostgresCatalog

    catalog = PostgresCatalog(limited, open_postgres.schema)
    ended: list[str] = []

    def write() -> None:
        try:
            with catalog._writing() as db:
                began = time.monotonic()
                until(lambda: time.monotonic() > began + 2 * LIMIT_S)  # idle in the transaction
                db.execute("INSERT INTO meta VALUES ('a', 'b')")
            ended.append("written")
        except StoreError as e:
            ended.append(str(e))

    waiting = (
        "SELECT clock_timestamp() - query_start > make_interval(secs => %s)"
        " FROM pg_stat_activity WHERE usename = 'limited' AND wait_event_type = 'Lock'"
    )
    with psycopg.connect(postgres_url) as db, psycopg.connect(postgres_url) as look:
        look.autocommit = True
        db.execute(f'LOCK TABLE "{open_postgres.schema}".meta IN ACCESS EXCLUSIVE MODE')
        writing = threading.Thread(target=write, daemon=True)
        writing.start()
        until(lambda: look.execute(waiting, (3 * LIMIT_S,)).fetchone() == (True,))
    writing.join(SOON_S)
    assert ended == ["written"]
    assert catalog.get_meta("a") == "b"
    catalog.close()


def test_a_limit_of_the_address_itself_counts(postgres_url: str, open_postgres: Any) -> None:
    from omni_core.catalog.postgres import PostgresCatalog

    url = f"{postgres_url}?options=-c%20statement_timeout%3D70s"
    catalog = PostgresCatalog(url, open_postgres.schema)
    row = catalog._one("SELECT current_setting('statement_timeout') AS it")
    assert row is not None and row["it"] == "70s"
    catalog.close()


def test_settings_of_the_address_are_known_by_their_whole_names() -> None:
    pytest.importorskip("psycopg")
    from omni_core.catalog.postgres_session import settings_in

    options = "-c%20deadlock_timeout%3D5s%20-cJIT%3Doff%20--lock-timeout%3D1s"
    assert settings_in(f"postgresql://h/d?options={options}") == {
        "deadlock_timeout", "jit", "lock_timeout",
    }  # fmt: skip
    assert settings_in("postgresql://h/d") == set()


def test_the_locks_of_a_process_that_is_stopped_in_a_transaction_are_free_again(
    open_postgres: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from omni_core.catalog import postgres_session

    monkeypatch.setattr(postgres_session, "IDLE_S", LIMIT_S)
    stopped, other = open_postgres(), open_postgres()
    told: list[str] = []
    with pytest.raises(StoreError) as e, stopped._writing() as db:
        stopped._take(db, "a" * 64)
        with other._writing() as theirs:  # waits for the lock until the limit of the other
            other._take(theirs, "a" * 64)
        told.append("taken")
        db.execute("INSERT INTO meta VALUES ('late', 'lost')")
    assert told == ["taken"]
    assert e.value.code == "CATALOG_UNREACHABLE"  # for which an ingest waits, and goes on
    assert stopped.get_meta("late") is None
    stopped.set_meta("late", "in time")


def test_who_leaves_a_catalog_may_take_its_time_under_the_lock(
    open_postgres: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from omni_core.catalog import postgres_session

    monkeypatch.setattr(postgres_session, "IDLE_S", LIMIT_S)
    leaving = open_postgres()
    with leaving._alone() as db:
        began = time.monotonic()
        until(lambda: time.monotonic() > began + 3 * LIMIT_S)
        db.execute("INSERT INTO meta VALUES ('a', 'b')")
    assert leaving.get_meta("a") == "b"
