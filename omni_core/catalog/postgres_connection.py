"""Connections to PostgreSQL: a pool, transactions, and errors as one line with advice."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import zip_longest
from typing import Any

from omni_core.catalog.database import Cursor
from omni_core.errors import StoreError

try:
    import psycopg
    from psycopg import conninfo, sql
    from psycopg_pool import ConnectionPool, PoolTimeout

    from omni_core.catalog import postgres_pooler
    from omni_core.catalog.postgres_watch import Watch
except ImportError as e:
    raise StoreError(
        "a catalog in PostgreSQL needs the extra: pip install 'omni-mcp[postgres]'"
    ) from e

CONNECT_S = 10
KEEPALIVE = {
    "keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}  # fmt: skip
"""A machine that vanished without a word is noticed within 30 s; the system's own way, a question
that was under way waited for two hours. What the address says of these counts instead."""
OF_THE_SERVER = (
    "SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3"
)
"""So that the server notices it too: the locks of a machine that vanished are free again within
half a minute, not two hours."""
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
HIDDEN = "the address of the setting catalog"
"""Said of an address of which a part may be a piece of its password."""
GONE = "CATALOG_UNREACHABLE"
TAKES_NO_WRITES = "CATALOG_READ_ONLY"
_PORT = re.compile("[0-9]*")
_BACK_SOON = ("08", "57P")
"""SQL states of a server that shuts down, starts, or whose connection broke."""


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
        self._where = where(url)
        self._local = threading.local()
        self._writers = threading.BoundedSemaphore(WRITE)
        with (
            self._as_store_errors(),
            psycopg.connect(
                url, connect_timeout=CONNECT_S, autocommit=True, prepare_threshold=None
            ) as first,
        ):
            version = first.info.server_version // 10_000
            shared = postgres_pooler.shares_connections(first, url, CONNECT_S)
        if shared:
            raise StoreError(f"the catalog at {self._where} {postgres_pooler.WAY_OUT}")
        if version < OLDEST:
            raise StoreError(
                f"the catalog at {self._where} is PostgreSQL {version}; version {OLDEST} or newer "
                "is needed"
            )

        def configure(connection: psycopg.Connection[Any]) -> None:
            connection.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(schema)))
            connection.execute(OF_THE_SERVER)

        logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # told by the errors of calls
        self._watch = Watch(url)
        self._pool = ConnectionPool(
            url, min_size=1, max_size=MOST, timeout=CONNECT_S, configure=configure, open=False,
            reconnect_timeout=CONNECT_S, name="catalog",
            kwargs={"autocommit": True, "connect_timeout": CONNECT_S, **_unless_said(url)},
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
                    with self._connection() as connection:
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
                    except psycopg.errors.ReadOnlySqlTransaction:
                        connection.close()  # of several hosts another one may take writes by now
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

    @contextmanager
    def _as_store_errors(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as e:
            read_only = isinstance(e, psycopg.errors.ReadOnlySqlTransaction)
            code = TAKES_NO_WRITES if read_only else GONE if _is_gone(e) else None
            raise StoreError(_told(e, self._where), code=code) from None  # no trace of the address
        except UnicodeEncodeError as e:
            raise StoreError(f"the catalog cannot hold a name that is no text: {e.reason}") from e


def _unless_said(url: str) -> dict[str, int]:
    """`KEEPALIVE`, without what the address itself says."""
    said = conninfo.conninfo_to_dict(url)
    return {name: value for name, value in KEEPALIVE.items() if name not in said}


def where(url: str) -> str:
    """The hosts and the database of an address, without user and password. A password in which "/"
    or "@" stands as it is reads as a port, a host or a database: then nothing of it is told."""
    try:
        said = conninfo.conninfo_to_dict(url)
    except (psycopg.Error, UnicodeEncodeError):
        return HIDDEN
    hosts, ports = (str(said.get(name) or "").split(",") for name in ("host", "port"))
    name = str(said.get("dbname") or "")
    if any("@" in one[1:] for one in (*hosts, name)) or not all(map(_PORT.fullmatch, ports)):
        return HIDDEN
    each = zip_longest(hosts, ports, fillvalue=ports[0] if len(ports) == 1 else "")
    names = [f"{host or 'the local socket'}{port and f':{port}'}" for host, port in each]
    return f"{','.join(names)}/{name}".rstrip("/")


def _is_gone(e: psycopg.Error) -> bool:
    """Whether the server is not there, or not any more: it may be back in a moment."""
    if e.sqlstate is None:
        return isinstance(e, (psycopg.OperationalError, psycopg.InterfaceError))
    return bool(e.sqlstate.startswith(_BACK_SOON))


def _told(e: psycopg.Error, place: str) -> str:
    if isinstance(e, psycopg.ProgrammingError) and e.sqlstate is None:
        return (
            "the setting catalog is no address of a database; it is written "
            "postgresql://user:password@host:5432/database, in a password %2F for / and %40 for @; "
            "after a ? stand parameters of libpq, such as sslmode=require"
        )
    if isinstance(e, PoolTimeout):
        return f"the catalog at {place} gave no connection within {CONNECT_S} s; is it running?"
    if place == HIDDEN and e.sqlstate is None:  # the line may name a piece of the password
        return (
            f"{HIDDEN} names no server that can be reached; in a password write %2F for / and %40 "
            "for @"
        )
    line = next((x for x in str(e).splitlines() if x.strip()), type(e).__name__)
    if e.sqlstate is None:
        return f"the catalog at {place} cannot be reached ({line}); check --catalog and its server"
    if e.sqlstate.startswith(
        "53"
    ):  # https://www.postgresql.org/docs/current/errcodes-appendix.html
        return f"the catalog at {place} has no room ({line}); nothing stored is lost"
    if isinstance(e, psycopg.errors.ReadOnlySqlTransaction):
        return (
            f"the catalog at {place} takes no writes ({line}): it is a standby, or set to read "
            "only; --catalog may name several hosts with ?target_session_attrs=read-write; to "
            "search only, OMNI_READ_ONLY=1"
        )
    if e.sqlstate in ("42501", "3F000"):  # the latter: a schema that it may not use reads as none
        return (
            f"the user of the catalog at {place} lacks a right ({line}); where it may only read, "
            "serve --read-only (OMNI_READ_ONLY) needs no more"
        )
    return f"the catalog at {place} failed ({line}); call again"


def _translated(statement: str) -> Any:
    return statement.replace("?", "%s")


def _clean(values: Sequence[Any]) -> list[Any]:
    """PostgreSQL's text holds no NUL, which titles in damaged files have."""
    return [v.replace("\0", "") if isinstance(v, str) else v for v in values]
