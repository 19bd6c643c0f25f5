"""The catalog in one SQLite file: one lock, one connection, one transaction at a time."""

from __future__ import annotations

import functools
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from omni_core.catalog import checking, mending, schema
from omni_core.catalog.address import to_read
from omni_core.catalog.lock import StoreLock
from omni_core.catalog.store import Catalog
from omni_core.errors import StoreError

PAGES_AT_ONCE = 500
"""Pages (of 4 KB) that are given back to the file system in one step."""
PAGES_KEPT = 256
"""Pages that stay in the file: the next rows need some."""
LOG_BYTES = 16 << 20
"""Size to which the write-ahead log is cut after it has grown for a large transaction."""


class SqliteCatalog(Catalog):
    """An open `catalog.sqlite`. Safe to use from any thread; calls take turns.

    The process that holds the store's lock owns every source: there are no leases.
    """

    _schema = "main."

    def __init__(self, store: Path, *, read_only: bool = False) -> None:
        """Open `<store>/catalog.sqlite`, created where missing.

        Raises StoreError STORE_BUSY when another process has it open for writing. `read_only`
        takes no lock, so it works beside a running server; a missing file reads as empty.
        """
        self._mutex = threading.RLock()
        self._lock = None if read_only else _lock_store(store)
        try:
            if not read_only:
                checking.refuse_lost(store)
            with _as_store_errors():
                self._db = _connect(store / "catalog.sqlite", read_only)
                self._prepare(read_only)
        except BaseException:
            if self._lock is not None:
                self._lock.release()
            raise

    def _prepare(self, read_only: bool) -> None:
        if read_only:
            schema.require_current(self._db)
            self._db.execute("PRAGMA query_only = ON")
            return
        schema.prepare_new(self._db)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
        schema.migrate(self._db)
        mending.mend_names(self._db)
        # We hold the lock, so no ingest is running: these were interrupted and can be resumed.
        self._db.execute(
            "UPDATE sources SET state = 'partial', stage = 'interrupted'"
            " WHERE state IN ('queued', 'processing')"
        )

    def close(self) -> None:
        """Close the file, then release the lock even if closing fails."""
        with self._mutex:
            try:
                self._db.close()
            finally:
                if self._lock is not None:
                    self._lock.release()

    def hold(self) -> None:
        """Let other threads wait with their calls until `let_go`, which this thread must call."""
        self._mutex.acquire()

    def let_go(self) -> None:
        """End what `hold` began."""
        self._mutex.release()

    def give_room_back(self, *, whole: bool = False) -> int:
        """See `Database`. One call takes milliseconds, but for `whole`, which needs as much room
        again as the catalog has rows. A file of an older version gives nothing back before one call
        with `whole`."""
        with self._mutex, _as_store_errors():
            if whole:
                self._db.execute("PRAGMA auto_vacuum = INCREMENTAL")
                self._db.execute("VACUUM")
            elif not self._pragma("auto_vacuum") or self._pragma("freelist_count") < PAGES_KEPT:
                return 0
            else:  # not `execute`, which would stop after one page
                self._db.executescript(f"PRAGMA incremental_vacuum({PAGES_AT_ONCE})")
            self._db.execute("PRAGMA wal_checkpoint(PASSIVE)")  # until then the file keeps its size
            left = self._pragma("freelist_count")
            return left * self._pragma("page_size") if left >= PAGES_KEPT else 0

    def unused_bytes(self) -> int:
        """See `Database`."""
        with self._mutex, _as_store_errors():
            return self._pragma("freelist_count") * self._pragma("page_size")

    def used_bytes(self) -> int:
        """See `Database`."""
        with self._mutex, _as_store_errors():
            pages = self._pragma("page_count") - self._pragma("freelist_count")
            return pages * self._pragma("page_size")

    def _pragma(self, name: str) -> int:
        return int(self._db.execute(f"PRAGMA {name}").fetchone()[0])

    def _one(self, sql: str, *values: Any) -> sqlite3.Row | None:
        with self._mutex, _as_store_errors():
            found: sqlite3.Row | None = self._db.execute(sql, values).fetchone()
            return found

    def _all(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        with self._mutex, _as_store_errors():
            return self._db.execute(sql, values).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: an exception in it, a full disk or kill -9 rolls it back."""
        with self._mutex, _as_store_errors():
            if self._db.in_transaction:  # an earlier rollback failed too
                self._db.execute("ROLLBACK")
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # a full disk has rolled back by itself
                    self._db.execute("ROLLBACK")
                raise


def _lock_store(store: Path) -> StoreLock:
    try:
        store.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as e:
        raise StoreError(
            f"cannot make the folder {store}: {e.strerror}; choose another with --store"
        ) from e
    return StoreLock(store)


def _connect(path: Path, read_only: bool) -> sqlite3.Connection:
    if read_only and not (path.exists() and path.stat().st_size):
        target = ":memory:"  # no file, or its writer has not created the tables yet
    elif read_only:
        target = to_read(path)
    else:
        target = path.absolute().as_uri()
    db = sqlite3.connect(
        target, uri=True, isolation_level=None, check_same_thread=False, timeout=5.0
    )
    db.row_factory = sqlite3.Row
    # bytes that are no UTF-8 become lone surrogates, which `rows` reports, instead of an error
    db.text_factory = functools.partial(str, encoding="utf-8", errors="surrogateescape")
    db.execute("PRAGMA foreign_keys = ON")
    return db


@contextmanager
def _as_store_errors() -> Iterator[None]:
    """Raise SQLite's errors as StoreError with advice. Codes: https://sqlite.org/rescode.html"""
    try:
        yield
    except sqlite3.Error as e:
        name = getattr(e, "sqlite_errorname", None) or ""  # absent on the module's own errors
        lacks = str(e).startswith(("no such table", "no such column"))
        if name.startswith(("SQLITE_FULL", "SQLITE_IOERR")):
            advice = "free some space on its disk and call again: nothing stored is lost"
        elif lacks or name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            advice = "the file is damaged: restore it, or run `omni-mcp doctor --repair`"
        else:
            advice = "call again; if it stays so, run `omni-mcp doctor`"
        raise StoreError(f"the catalog failed ({e}); {advice}") from e
