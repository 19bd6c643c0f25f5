"""What the catalog's queries and writes need of a database: SQLite and PostgreSQL give it."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, Self

Row = Any
"""A row of a result: its values by the name of their column, or by number."""


class Cursor(Protocol):
    """The result of a statement."""

    def fetchone(self) -> Row | None:
        """The next row; None after the last."""
        ...

    def fetchall(self) -> list[Row]:
        """The rows that are left."""
        ...

    @property
    def rowcount(self) -> int:
        """How many rows the statement wrote."""
        ...


class Transaction(Protocol):
    """Statements that take effect together. A placeholder is `?`."""

    def execute(self, sql: str, values: Sequence[Any] = ..., /) -> Cursor:
        """Run a statement."""
        ...

    def executemany(self, sql: str, values: Sequence[Sequence[Any]], /) -> object:
        """Run a statement once for each row of values."""
        ...


class Database(ABC):
    """An open database. Every method may be called from any thread.

    The SQL of the catalog is written once, in what both databases understand; what differs are
    their tables (`schema.py`, `postgres_schema.py`) and who may write a source (the leases).
    """

    lease_s: float | None = None
    """Seconds for which this process owns a source that it ingests, unless it renews that; None
    where no other process can write."""

    _schema = ""
    """What stands before the name of a table where a query has another one of that name."""

    @abstractmethod
    def close(self) -> None:
        """Close the database."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def hold(self) -> None:
        """Let other threads wait with their calls until `let_go`, which this thread must call."""
        return

    def let_go(self) -> None:
        """End what `hold` began."""
        return

    def now(self) -> float:
        """Seconds since 1970, by the clock that all processes of the library share."""
        return time.time()

    def give_room_back(self, *, whole: bool = False) -> int:
        """Give some of the room of what was deleted back to the file system; returns the bytes that
        are left to be given back. With `whole` all of it, however long that takes. A server of
        databases does it by itself."""
        return 0

    def unused_bytes(self) -> int:
        """The room that rows which were deleted have left, where it can be given back."""
        return 0

    def used_bytes(self) -> int:
        """The room that rows take, where it is in a file of the store."""
        return 0

    @abstractmethod
    def _one(self, sql: str, *values: Any) -> Row | None:
        """The first row of a query."""

    @abstractmethod
    def _all(self, sql: str, *values: Any) -> list[Row]:
        """The rows of a query."""

    @abstractmethod
    def _writing(self) -> AbstractContextManager[Transaction]:
        """A transaction: an exception in it, a full disk or kill -9 rolls it back. Queries of this
        thread see what it wrote."""

    def _alone(self) -> AbstractContextManager[Transaction]:
        """A transaction that begins when no other one writes, and before whose end none does."""
        return self._writing()

    def require_writable(self) -> None:
        """Raise StoreError while the database takes no writes, as a standby."""
        return

    def renew(self) -> None:
        """Own for another `lease_s` what this process owns."""
        return

    def ingested_by(self, source: str) -> str:
        """Which other process ingests this source (sha256) now, in words; "" for none."""
        return ""

    def _take(self, db: Transaction, sha256: str) -> None:
        """Let no other process begin a source, new or known, before the transaction ends. Raises
        StoreError BUSY while another process ingests it."""
        return

    def _hold_bytes(self, db: Transaction, sha256: str) -> None:
        """Let no other transaction put a source with these bytes into a collection before this one
        ends."""
        return

    def _own(self, db: Transaction, sha256: str) -> None:
        """Make this process the owner of a source that it took."""
        return

    def _check(self, db: Transaction, sha256: str) -> None:
        """Renew the lease of a source. Raises StoreError LEASE_LOST where another process has
        taken it from this one, BUSY where another has it."""
        return

    def _let_go(self, db: Transaction, sha256: str) -> None:
        """Give up the lease of a source, whose ingest has ended."""
        return
