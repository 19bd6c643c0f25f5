"""The catalog in PostgreSQL: many processes read and write one library.

A process owns a source while it ingests it: its lease names the process, ends by the database's
clock, and counts the attempts. Whoever wants the source meanwhile is refused (BUSY); when the
lease has run out, the next one takes the source over, and the former owner's writes are refused
(LEASE_LOST). A process on the same machine that is seen to have ended loses its leases at once.
Counts are kept by triggers as rows that are added up (`postgres_schema.py`).
"""

from __future__ import annotations

import json
import os
import platform
import threading
import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any

from omni_core import processes
from omni_core.catalog import postgres_schema
from omni_core.catalog.database import Transaction
from omni_core.catalog.moved import MOVED_TO, refuse_moved
from omni_core.catalog.postgres_connection import Pool, PostgresTransaction, Row
from omni_core.catalog.postgres_session import FOR_LONG
from omni_core.catalog.postgres_stops import HELD, PostgresStops, has_ended
from omni_core.catalog.rows import mapping
from omni_core.errors import BadRequestError, StoreError

LEASE_S = 60.0
NO_LIBRARY = "NO_LIBRARY"
_UNTIL = "clock_timestamp() + make_interval(secs => ?)"


class PostgresCatalog(PostgresStops):
    """A schema of a PostgreSQL database. Thread-safe; calls run side by side."""

    def __init__(
        self,
        url: str,
        schema: str = "omni",
        *,
        read_only: bool = False,
        even_moved: bool = False,
        lease_s: float = LEASE_S,
    ) -> None:
        """Connect, and create or migrate the tables. Raises StoreError in one line that does not
        show the password.

        `read_only` writes nothing, for which the right to read is enough; raises StoreError
        NO_LIBRARY where there are no tables yet. Unless `even_moved`, every write is refused as
        soon as the library has left this catalog for another one."""
        self.lease_s: float = lease_s
        self._owner = f"{uuid.uuid4().hex}@{processes.identity()}"
        self._worker = f"omni-mcp with pid {os.getpid()} on {platform.node() or 'another machine'}"
        self._attempts: dict[str, int] = {}
        """The attempt of each source that this process took, also where it lost it since."""
        self._mutex = threading.Lock()
        self._read_only, self._even_moved = read_only, even_moved
        self._pool = Pool(url, schema)
        try:
            if read_only:
                self._require_there(schema)
            else:
                with self._pool.transaction() as db:
                    postgres_schema.migrate(db, schema)
                self._let_go_of_the_dead()
        except BaseException:
            self._pool.close()
            raise

    def _require_there(self, schema: str) -> None:
        there = "SELECT 1 FROM pg_tables WHERE schemaname = ? AND tablename = 'catalog_version'"
        if self._one(there, schema) is None:
            raise StoreError(
                f"there is no library in the schema {schema!r} of that database yet, and here "
                "nothing may be written: ingest something once without --read-only, and this "
                "server uses it without a restart",
                code=NO_LIBRARY,
            )
        postgres_schema.require_current(self._one("SELECT version FROM catalog_version"))

    def close(self) -> None:
        """Give up what this process owns, and close the connections."""
        if self._read_only:
            self._pool.close()
            return
        try:
            with self._pool.transaction() as db:
                for table in ("sources", "begun"):
                    db.execute(
                        f"UPDATE {table} SET owner = '', lease_until = NULL WHERE owner = ?",  # noqa: S608 - ours
                        (self._owner,),
                    )
        except StoreError:
            pass  # the leases run out by themselves
        finally:
            self._pool.close()

    def now(self) -> float:
        """By the database's clock: those of the machines may differ."""
        (row,) = self._all("SELECT extract(epoch FROM clock_timestamp()) AS now")
        return float(row["now"])

    def hold(self) -> None:
        """Refused: other processes write too."""
        raise BadRequestError(
            "the catalog is in PostgreSQL, which this does not copy; use pg_dump for it, and "
            "snapshots of the Qdrant server for the index"
        )

    def require_writable(self) -> None:
        """As `Database.require_writable`; nothing is changed."""
        if not self._read_only:
            with self._pool.transaction() as db:
                db.execute("UPDATE meta SET value = value WHERE FALSE")

    def renew(self) -> None:
        """Own for another `lease_s` what this process owns; called often, so it tidies up too:
        what a process left that has been gone for twice its lease becomes partial."""
        with self._writing() as db:
            for table in ("sources", "begun"):
                db.execute(
                    f"UPDATE {table} SET lease_until = {_UNTIL} WHERE owner = ?",  # noqa: S608 - ours
                    (self.lease_s, self._owner),
                )
            postgres_schema.compact(db)
        self._let_go_of_the_dead(for_s=self.lease_s)

    def ingested_by(self, source: str) -> str:
        """Which other process ingests this source (sha256) now, in words; "" for none."""
        found = self._one(
            f"SELECT worker, owner FROM sources WHERE sha256 = ? AND {HELD} AND owner <> ?",  # noqa: S608
            source, self._owner,
        )  # fmt: skip
        return "" if found is None or has_ended(found["owner"]) else str(found["worker"])

    def replace_index(
        self,
        model: str,
        present: Collection[str],
        empty: Mapping[str, str] | None = None,
        held: Mapping[str, int] | None = None,
    ) -> None:
        """As `Catalog.replace_index`; what is being ingested meanwhile begins anew."""
        super().replace_index(model, present, empty, held)
        with self._writing() as db:
            db.execute(
                "UPDATE sources SET owner = '', lease_until = NULL"
                " WHERE owner <> '' AND state = 'partial'"
            )

    def note_begun(self, key: str, request: Mapping[str, Any]) -> None:
        """Record that this process took this request; again with the same key replaces it. Others
        may have taken the same one: each is on record by itself."""
        with self._writing() as db:
            db.execute(
                "INSERT INTO begun (key, request, at, owner, lease_until)"  # noqa: S608 - ours
                f" VALUES (?, ?, ?, ?, {_UNTIL}) ON CONFLICT (key) DO UPDATE SET"
                " request = excluded.request, at = excluded.at, lease_until = excluded.lease_until",
                (self._own_key(key), json.dumps(dict(request)), datetime.now(UTC).isoformat(),
                 self._owner, self.lease_s),
            )  # fmt: skip

    def end_begun(self, key: str) -> None:
        """Record that it has ended, here and for the processes that died at it."""
        with self._writing() as db:
            db.execute(
                "DELETE FROM begun WHERE key = ? OR split_part(key, '/', 1) = ?"  # noqa: S608
                f" AND NOT ({HELD})",
                (self._own_key(key), key),
            )

    def begun(self) -> dict[str, dict[str, Any]]:
        """The requests that have not ended and that no other process is at, oldest first."""
        rows = self._all(
            f"SELECT key, request FROM begun WHERE NOT ({HELD} AND owner <> ?) ORDER BY at, key",  # noqa: S608
            self._owner,
        )
        return {r["key"].partition("/")[0]: mapping(r["request"]) for r in rows}

    def _own_key(self, key: str) -> str:
        return f"{key}/{self._owner}"

    def _one(self, sql: str, *values: Any) -> Row | None:
        rows = self._pool.read(sql, values)
        return rows[0] if rows else None

    def _all(self, sql: str, *values: Any) -> list[Row]:
        return self._pool.read(sql, values)

    def _writing(self) -> AbstractContextManager[PostgresTransaction]:
        return self._transaction("pg_advisory_xact_lock_shared")

    @contextmanager
    def _alone(self) -> Iterator[PostgresTransaction]:
        with self._transaction("pg_advisory_xact_lock") as db:
            db.execute(FOR_LONG)
            yield db

    @contextmanager
    def _transaction(self, lock: str) -> Iterator[PostgresTransaction]:
        if self._read_only:
            raise StoreError("the catalog is open read-only: nothing is written", code="READ_ONLY")
        with self._pool.transaction() as db:
            waits = f"SELECT {lock}(hashtextextended(current_schema(), 2))"
            if db.execute_in_turn(waits, MOVED_TO) and not self._even_moved:
                refuse_moved(self)
            yield db

    def _take(self, db: Transaction, sha256: str) -> None:
        # A source that is not known yet has no row to lock.
        db.execute("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", (sha256,))
        self._refuse_if_another_has_it(db, sha256)

    def _hold_bytes(self, db: Transaction, sha256: str) -> None:
        db.execute("SELECT pg_advisory_xact_lock(hashtextextended(?, 1))", (sha256,))

    def _own(self, db: Transaction, sha256: str) -> None:
        found = db.execute(
            f"UPDATE sources SET owner = ?, worker = ?, lease_until = {_UNTIL},"  # noqa: S608 - ours
            " attempt = attempt + 1 WHERE sha256 = ? RETURNING attempt",
            (self._owner, self._worker, self.lease_s, sha256),
        ).fetchone()
        with self._mutex:
            self._attempts[sha256] = 0 if found is None else int(found["attempt"])

    def _check(self, db: Transaction, sha256: str) -> None:
        attempt = self._attempts.get(sha256)
        if attempt is None:
            self._refuse_if_another_has_it(db, sha256)
            return
        renewed = db.execute(
            f"UPDATE sources SET lease_until = {_UNTIL} WHERE sha256 = ? AND owner = ?"  # noqa: S608
            " AND attempt = ?",
            (self.lease_s, sha256, self._owner, attempt),
        )
        if not renewed.rowcount:
            raise StoreError(
                "another process took this file over, as this one had not been heard of for "
                f"{self.lease_s:g} s; its result counts",
                code="LEASE_LOST",
            )

    def _let_go(self, db: Transaction, sha256: str) -> None:
        db.execute(
            "UPDATE sources SET owner = '', lease_until = NULL WHERE sha256 = ? AND owner = ?",
            (sha256, self._owner),
        )
        with self._mutex:
            self._attempts.pop(sha256, None)

    def _refuse_if_another_has_it(self, db: Transaction, sha256: str) -> None:
        held = db.execute(
            f"SELECT worker, owner FROM sources WHERE sha256 = ? AND {HELD} AND owner <> ?"  # noqa: S608
            " FOR UPDATE",
            (sha256, self._owner),
        ).fetchone()
        if held is not None and not has_ended(held["owner"]):
            raise StoreError(f"{held['worker']} is ingesting this file", code="BUSY")

    def _let_go_of_the_dead(self, for_s: float = 0.0) -> None:
        """What a process left that is gone, its lease run out for so many seconds, can be
        resumed; at once where it is seen to have ended."""
        gone = [(owner,) for owner in self._owners() if has_ended(owner)]
        with self._writing() as db:
            for table in ("sources", "begun") if gone else ():
                db.executemany(
                    f"UPDATE {table} SET owner = '', lease_until = NULL WHERE owner = ?",  # noqa: S608 - ours
                    gone,
                )
            db.execute(
                "UPDATE sources SET state = 'partial', stage = 'interrupted', owner = '',"
                " lease_until = NULL WHERE sha256 IN (SELECT sha256 FROM sources"
                " WHERE state IN ('queued', 'processing') AND (owner = ''"
                " OR lease_until < clock_timestamp() - make_interval(secs => ?))"
                " FOR UPDATE SKIP LOCKED)",
                (for_s,),
            )
