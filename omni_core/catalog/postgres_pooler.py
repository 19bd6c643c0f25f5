"""Notices a pooler between here and PostgreSQL that gives a connection to another client after each
transaction (PgBouncer's `pool_mode = transaction` or `statement`).

The schema of a library is set once for each connection, and statements are prepared on it: behind
such a pooler one process would read and write the tables of another one's library. It is refused at
the start; one that begins to share later, by a new setting, is found in each transaction, before
anything is read or written there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn
from weakref import WeakKeyDictionary

import psycopg

from omni_core.catalog.postgres_watch import answer

LOOKS = 4
"""How often two connections are asked who serves them, where other clients use the pooler too."""
WAY_OUT = (
    "is behind a pooler that shares its connections between transactions, which would mix "
    "libraries; use pool_mode = session in PgBouncer, or the address of PostgreSQL itself"
)
_SESSION = "SELECT pg_backend_pid() || ' ' || current_setting('search_path')"


BETRAYS_SHARING = (
    psycopg.errors.InvalidSqlStatementName,
    psycopg.errors.DuplicatePreparedStatement,
)
"""What the server says where a connection got the session of another client: a statement is not
prepared there, or is already. `refuse` says so before any statement does."""


class Sessions:
    """The sessions that a pooler gave to connections; those without a pooler need no look."""

    def __init__(self) -> None:
        self._given: WeakKeyDictionary[psycopg.Connection[Any], str] = WeakKeyDictionary()

    def note(self, connection: psycopg.Connection[Any]) -> None:
        """Remember the session of a connection, in the transaction that set it up."""
        session = _session(connection)
        if not session.startswith(f"{connection.info.backend_pid} "):  # see shares_connections
            self._given[connection] = session

    def check(self, connection: psycopg.Connection[Any]) -> None:
        """Raise psycopg.Error where another session serves the connection; none does before the end
        of the transaction that this is called in."""
        given = self._given.get(connection)
        if given is not None and _session(connection) != given:
            refuse()

    @contextmanager
    def kept(self, connection: psycopg.Connection[Any]) -> Iterator[None]:
        """Inside the block the connection has the session that it was given. Raises psycopg.Error
        where it has another one."""
        if connection not in self._given:
            yield
            return
        with connection.transaction():
            self.check(connection)
            yield


def refuse() -> NoReturn:
    """Raise psycopg.Error, one of `BETRAYS_SHARING`."""
    raise psycopg.errors.InvalidSqlStatementName("the session is that of another client")


def _session(connection: psycopg.Connection[Any]) -> str:
    row = connection.execute(_SESSION, prepare=False).fetchone()
    return "" if row is None else str(row[0])


def shares_connections(first: psycopg.Connection[Any], url: str, within_s: int) -> bool:
    """Whether an open connection is served now by one process of the server, now by another, or by
    one that serves others as well. Raises psycopg.Error, where no answer comes in time too."""

    def served_by(connection: psycopg.Connection[Any]) -> object:
        return answer(connection, "SELECT pg_backend_pid()", within_s)

    mine = served_by(first)
    if mine == first.info.backend_pid:  # a pooler makes up the number that it gives at the start
        return False
    with psycopg.connect(
        url, connect_timeout=within_s, autocommit=True, prepare_threshold=None
    ) as second:
        theirs = served_by(second)
        return mine == theirs or any(
            served_by(first) != mine or served_by(second) != theirs for _ in range(LOOKS)
        )
