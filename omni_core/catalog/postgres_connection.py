"""Connections to PostgreSQL: a pool, transactions, and errors as one line with advice."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from omni_core.catalog.database import Cursor
from omni_core.errors import StoreError

try:
    import psycopg
    from psycopg_pool import ConnectionPool, PoolTimeout

    from omni_core.catalog.postgres_messages import CONNECT_S, code_of, told, where
    from omni_core.catalog.postgres_pooler import (
        BETRAYS_SHARING,
        Sessions,
        refuse,
        shares_connections,
    )
    from omni_core.catalog.postgres_session import options_of, set_up
    from omni_core.catalog.postgres_watch import ALIVE_S, Watch
except ImportError as e:
    raise StoreError(
        "a catalog in PostgreSQL needs the extra: pip install 'omni-mcp[postgres]'"
    ) from e

OLDEST = 13
"""PostgreSQL 13: the oldest version that the tests' queries suit."""
READS = 3
"""How often a query is tried when its connection breaks."""
MOST = 8
"""Connections of one process."""
WRITE = 6
"""How many of them may write at once: who reads never waits for writes that wait for a lock."""
CLOSE_S = 2.0
"""How long closing waits for a connection that is being made."""


class Row:
    """Values by the name of their column or by its number, as those of SQLite."""

    __slots__ = ("_places", "_values")

    def __init__(self, places: dict[str, int], values: Sequence[Any]) -> None:
        self._places, self._values = places, values

    def __getitem__(self, key: str | int) -> Any:
        return self._values[self._places[key] if isinstance(key, str) else key]

    def keys(self) -> list[str]:
        """The names of the columns."""
        return list(self._places)


def _rows(cursor: psycopg.Cursor[Any]) -> Callable[[Sequence[Any]], Row]:
    places = {column.name: n for n, column in enumerate(cursor.description or ())}
    return lambda values: Row(places, values)


class PostgresTransaction:
    """Statements on one connection; a placeholder is `?`."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> Cursor:
        """Run a statement."""
        cursor = self._connection.cursor(row_factory=_rows)
        # without values also a script of several statements
        found: Cursor = cursor.execute(_translated(statement), _clean(values) or None)
        return found

    def execute_in_turn(self, *statements: str) -> list[Row]:
        """Run queries by one message to the server, each when the one before has ended; the rows of
        the last. One that waits for a lock is waited for before the next looks."""
        together = psycopg.Pipeline.is_supported()  # by libpq 14 and newer
        with self._connection.pipeline() if together else nullcontext():
            cursors = [self.execute(statement) for statement in statements]
        return cursors[-1].fetchall()

    def executemany(self, statement: str, values: Sequence[Sequence[Any]], /) -> None:
        """Run a statement once for each row of values."""
        if values:
            with self._connection.cursor() as cursor:
                cursor.executemany(_translated(statement), [_clean(v) for v in values])


class Pool:
    """Connections that are made when they are needed, and again when they broke."""

    def __init__(self, url: str, schema: str) -> None:
        """Connects once, so that a wrong address or password is told at once, and a pooler that
        this cannot be used behind. Raises StoreError."""
        self._url, self._where = url, where(url)
        self._local = threading.local()
        self._writers = threading.BoundedSemaphore(WRITE)
        with self._as_store_errors():
            version = self._look(CONNECT_S)
        if version < OLDEST:
            raise StoreError(
                f"the catalog at {self._where} is PostgreSQL {version}; version {OLDEST} or newer "
                "is needed"
            )

        def configure(connection: psycopg.Connection[Any]) -> None:
            with connection.transaction():
                set_up(connection, schema, url)
                self._sessions.note(connection)

        logging.getLogger("psycopg").setLevel(logging.ERROR)  # told by the errors of calls
        self._watch, self._sessions = Watch(url), Sessions()
        self._pool = ConnectionPool(
            url, min_size=1, max_size=MOST, timeout=CONNECT_S, configure=configure, open=False,
            reconnect_timeout=CONNECT_S, name="catalog",
            kwargs={"autocommit": True, "connect_timeout": CONNECT_S, **options_of(url)},
        )  # fmt: skip
        self._pool.open()

    def close(self) -> None:
        """Close every connection."""
        self._pool.close(CLOSE_S)
        self._watch.close()

    @contextmanager
    def transaction(self) -> Iterator[PostgresTransaction]:
        """One transaction; within it `read` of this thread sees what it wrote."""
        with (
            self._as_store_errors(),
            self._turn_to_write(),
            self._connection() as connection,
            connection.transaction(),
        ):
            self._sessions.check(connection)
            self._local.current = PostgresTransaction(connection)
            try:
                yield self._local.current
            finally:
                self._local.current = None

    @contextmanager
    def _turn_to_write(self) -> Iterator[None]:
        if not self._writers.acquire(timeout=CONNECT_S):
            raise PoolTimeout("the others write")
        try:
            yield
        finally:
            self._writers.release()

    def read(self, statement: str, values: Sequence[Any]) -> list[Row]:
        """The rows of a query; asked again on another connection when its own broke."""
        current: PostgresTransaction | None = getattr(self._local, "current", None)
        if current is not None:
            return current.execute(statement, values).fetchall()
        with self._as_store_errors():
            for left in reversed(range(READS)):
                try:
                    with self._connection() as connection, self._sessions.kept(connection):
                        return PostgresTransaction(connection).execute(statement, values).fetchall()
                except PoolTimeout:
                    raise
                except (psycopg.OperationalError, psycopg.InterfaceError):
                    if not left:
                        raise
        raise AssertionError  # the loop returns or raises

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection that works; refused at once while the server is known to be gone."""
        for _ in range(MOST):  # after a restart of the server all that there were are broken
            self._watch.refuse()
            with self._pool.connection() as connection, self._watch.over(connection):
                if self._works(connection):
                    try:
                        yield connection
                    except (psycopg.errors.ReadOnlySqlTransaction, *BETRAYS_SHARING):
                        connection.close()  # another host may take writes by now; not be shared
                        raise
                    return
            self._watch.look()
        raise psycopg.OperationalError("its connections break")

    def _works(self, connection: psycopg.Connection[Any]) -> bool:
        try:
            ConnectionPool.check_connection(connection)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            connection.close()
            return False
        return True

    def _look(self, within_s: int) -> int:
        """The version of the server. Raises psycopg.Error where no connection can be made, and
        behind a pooler that this cannot be used behind."""
        with psycopg.connect(
            self._url, connect_timeout=within_s, autocommit=True, prepare_threshold=None
        ) as first:
            if shares_connections(first, self._url, within_s):
                refuse()
            return int(first.info.server_version // 10_000)

    def _cause(self, e: psycopg.Error) -> psycopg.Error:
        """Why the pool made no connection, where none was given."""
        try:
            if isinstance(e, PoolTimeout):
                self._look(ALIVE_S)
        except psycopg.Error as cause:
            return cause
        return e

    @contextmanager
    def _as_store_errors(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as e:
            cause = self._cause(e)
            message = told(cause, self._where)
            raise StoreError(message, code=code_of(cause)) from None  # no trace of the address
        except UnicodeEncodeError as e:
            raise StoreError(f"the catalog cannot hold a name that is no text: {e.reason}") from e


def _translated(statement: str) -> Any:
    return statement.replace("?", "%s")


def _clean(values: Sequence[Any]) -> list[Any]:
    """PostgreSQL's text holds no NUL, which titles in damaged files have."""
    return [v.replace("\0", "") if isinstance(v, str) else v for v in values]
