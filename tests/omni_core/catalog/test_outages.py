"""PostgreSQL hangs, restarts, or is slow: a call says so soon, and the next one finds it again."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest

from omni_core.errors import StoreError
from tests.omni_core.catalog.swallowing import Swallowing

Open = Callable[..., Any]
pytestmark = pytest.mark.timeout(120)
SOON_S = 15.0
"""More than a call may take; far less than a client waits."""
HIDDEN = "the address of the setting catalog"


@pytest.fixture
def way(postgres_url: str) -> Iterator[Swallowing]:
    parts = urlsplit(postgres_url)
    opened = Swallowing(parts.hostname or "127.0.0.1", parts.port or 5432)
    yield opened
    opened.close()


@pytest.fixture
def catalog(
    postgres_url: str, open_postgres: Any, way: Swallowing, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """A catalog behind a way that can be made to hang."""
    from omni_core.catalog import postgres_watch
    from omni_core.catalog.postgres import PostgresCatalog

    monkeypatch.setattr(postgres_watch, "QUIET_S", 0.3)
    monkeypatch.setattr(postgres_watch, "LOOK_S", 0.05)
    port = urlsplit(postgres_url).port
    url = postgres_url.replace(f":{port}/", f":{way.port}/")
    opened = PostgresCatalog(url, open_postgres.schema)
    yield opened
    way.flow()
    opened.close()


def told(call: Callable[[], object]) -> tuple[str, float]:
    began = time.monotonic()
    with pytest.raises(StoreError) as e:
        call()
    assert "\n" not in str(e.value)
    return e.value.code, time.monotonic() - began


def until_it_answers(catalog: Any) -> None:
    give_up = time.monotonic() + SOON_S
    while True:
        try:
            catalog.totals()
            return
        except StoreError:
            assert time.monotonic() < give_up
            threading.Event().wait(0.05)


def test_a_database_that_hangs_is_told_soon_then_at_once_and_is_found_again(
    catalog: Any, way: Swallowing
) -> None:
    way.hang()
    code, took = told(catalog.totals)
    assert code == "CATALOG_UNREACHABLE" and took < SOON_S
    code, took = told(lambda: catalog.set_meta("a", "b"))
    assert code == "CATALOG_UNREACHABLE" and took < 1
    way.flow()
    until_it_answers(catalog)
    catalog.set_meta("a", "b")
    assert catalog.get_meta("a") == "b"


def test_a_query_under_way_when_the_database_begins_to_hang_ends_too(
    catalog: Any, way: Swallowing
) -> None:
    ended: list[str] = []

    def ask() -> None:
        try:
            catalog._pool.read("SELECT pg_sleep(0.5)", ())
        except StoreError as e:
            ended.append(e.code)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    while not catalog._pool._watch._waiting:
        threading.Event().wait(0.01)
    way.hang()
    asking.join(2 * SOON_S)
    assert ended == ["CATALOG_UNREACHABLE"]


def test_a_slow_query_of_a_living_database_is_waited_for(catalog: Any) -> None:
    (row,) = catalog._pool.read("SELECT 'done' AS said FROM pg_sleep(1.5)", ())
    assert row["said"] == "done"


def test_after_a_restart_of_the_database_the_next_call_is_answered(
    catalog: Any, way: Swallowing
) -> None:
    catalog.set_meta("a", "b")
    way.cut()
    assert catalog.get_meta("a") == "b"
    way.cut()
    catalog.set_meta("a", "c")
    assert catalog.get_meta("a") == "c"


def test_a_database_that_takes_no_writes_is_said_and_the_next_call_finds_one_that_does(
    catalog: Any,
) -> None:
    """As after a failover, where an address names several hosts."""
    for write in (lambda: catalog.set_meta("a", "b"), catalog.require_writable):
        for _ in range(20):  # each of its connections, one after the other
            catalog._pool.read(
                "SELECT set_config('default_transaction_read_only', 'on', false)", ()
            )
        assert told(write)[0] == "CATALOG_READ_ONLY"
        for _ in range(20):  # those that are left: each refuses once, and is given up
            with suppress(StoreError):
                catalog.require_writable()
        catalog.require_writable()  # on another connection
    catalog.set_meta("a", "b")
    assert catalog.get_meta("a") == "b"


def test_a_standby_is_not_opened_to_write_and_says_what_to_do(
    catalog: Any, postgres_url: str, open_postgres: Any
) -> None:
    from omni_core.catalog.postgres import PostgresCatalog

    standby = f"{postgres_url}?options=-c%20default_transaction_read_only%3Don"
    with pytest.raises(StoreError, match=r"target_session_attrs.*OMNI_READ_ONLY") as e:
        PostgresCatalog(standby, open_postgres.schema)
    assert e.value.code == "CATALOG_READ_ONLY"
    opened = PostgresCatalog(standby, open_postgres.schema, read_only=True)
    opened.require_writable()  # of which nothing is to be written
    assert opened.totals() == (0, 0)
    opened.close()


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://u:secret@h:5432/d", "h:5432/d"),
        ("postgresql://u:secret@a:1,b:2/d?target_session_attrs=read-write", "a:1,b:2/d"),
        ("postgresql://u:secret@a,b/d?port=5", "a:5,b:5/d"),
        ("postgresql:///d", "the local socket/d"),
        ("host=a dbname=d password=secret", "a/d"),
        ("postgresql://[::1]:5/d", "::1:5/d"),
        ("host=@abstract dbname=d", "@abstract/d"),
        ("http://u:secret@x", HIDDEN),
        ("postgresql://u:sec/ret@h/d", HIDDEN),
        ("postgresql://u:12/ret@h/d", HIDDEN),
        ("postgresql://u:sec@ret@h/d", HIDDEN),
        ("postgresql://u:\ud800@h/d", HIDDEN),
    ],
)
def test_an_address_is_told_with_all_its_hosts_and_without_its_password(
    url: str, place: str
) -> None:
    from omni_core.catalog.postgres_messages import where

    assert where(url) == place


@pytest.mark.parametrize("password", ["sec/ret", "12/ret", "sec@ret"])
def test_a_password_that_is_not_escaped_is_told_to_be_so_and_not_shown(password: str) -> None:
    from omni_core.catalog.postgres import PostgresCatalog

    with pytest.raises(StoreError, match="%2F for / and %40 for @") as e:
        PostgresCatalog(f"postgresql://u:{password}@127.0.0.1:1/d")
    assert "ret" not in str(e.value)


def test_a_connection_that_closes_meanwhile_does_not_break_off_who_has_its_number_now() -> None:
    from omni_core.catalog.postgres_watch import _break_off

    class Closing:
        def __init__(self, numbers: list[int]) -> None:
            self._numbers = numbers

        def fileno(self) -> int:
            return self._numbers.pop(0)

    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(SOON_S)
        closing: Any = Closing([theirs.fileno(), -1])
        _break_off(closing)
        theirs.sendall(b"still here")
        assert ours.recv(10) == b"still here"
        open_yet: Any = Closing([theirs.fileno()] * 2)
        _break_off(open_yet)
        assert ours.recv(10) == b""


def test_closing_does_not_wait_for_a_database_that_hangs(catalog: Any, way: Swallowing) -> None:
    way.hang()
    began = time.monotonic()
    catalog.close()
    assert time.monotonic() - began < SOON_S
