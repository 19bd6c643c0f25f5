"""Tasks in SQLite, shared by all server processes on one store folder."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from omni_core.errors import StoreError
from omni_server.durable_tasks.record import Json, Record, Status

FILE = "tasks.sqlite3"
VERSION = 1
MAX_OPEN = 100
"""Most tasks of a store that have not ended."""
MAX_KEPT = 1_000
"""Most tasks of a store; the oldest that have ended make room."""
BUSY_S = 5.0

_SCHEMA = """
    CREATE TABLE tasks (
        id TEXT PRIMARY KEY,
        context TEXT NOT NULL,
        call TEXT NOT NULL,
        created INTEGER NOT NULL,
        updated INTEGER NOT NULL,
        owner TEXT NOT NULL,
        status TEXT NOT NULL,
        message TEXT NOT NULL,
        ttl INTEGER NOT NULL,
        round INTEGER NOT NULL,
        asked TEXT NOT NULL,
        answers TEXT NOT NULL,
        state TEXT,
        outcome TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX tasks_by_status ON tasks (status, owner);
"""
_COLUMNS = tuple(f.name for f in fields(Record))
_JSON = ("call", "asked", "answers", "outcome")
_OPEN = "status IN ('working', 'input_required')"
_EXPIRED = "status != 'working' AND updated + ttl <= ?"  # what still works is not forgotten


class Store:
    """The open file. Safe to use from any thread; each call is one transaction.

    Every method may raise StoreError, in one line that says what to do.
    """

    def __init__(self, folder: Path) -> None:
        """Open the file, or make it; raises StoreError for a damaged or a newer one."""
        self._path = folder / FILE
        self._mutex = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as e:
            raise StoreError(f"cannot make the folder {folder}: {e.strerror}") from e
        with self._as_store_errors():
            self._db = sqlite3.connect(
                self._path, isolation_level=None, check_same_thread=False, timeout=BUSY_S
            )
            try:
                self._db.row_factory = sqlite3.Row
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.execute("PRAGMA synchronous = FULL")
                self._migrate()
            except BaseException:
                self._db.close()
                raise

    def close(self) -> None:
        """Close the file."""
        with self._mutex:
            self._db.close()

    def has_room(self) -> bool:
        """Whether one more task can be kept; forgets expired ones, then the oldest ended ones."""
        with self._transaction() as db:
            db.execute(f"DELETE FROM tasks WHERE {_EXPIRED}", (_now(),))  # noqa: S608
            (going,) = db.execute(f"SELECT count(*) FROM tasks WHERE {_OPEN}").fetchone()  # noqa: S608
            db.execute(
                f"DELETE FROM tasks WHERE id IN (SELECT id FROM tasks WHERE NOT {_OPEN}"  # noqa: S608
                " ORDER BY updated DESC LIMIT -1 OFFSET ?)",
                (max(0, MAX_KEPT - 1 - going),),
            )
        return bool(going < MAX_OPEN)

    def add(self, record: Record) -> None:
        """Keep a new task; it is on disk when this returns."""
        marks = ", ".join("?" * len(_COLUMNS))
        with self._transaction() as db:
            db.execute(f"INSERT INTO tasks ({', '.join(_COLUMNS)}) VALUES ({marks})", _row(record))  # noqa: S608

    def get(self, id: str, context: str) -> Record | None:
        """The task of this context; None when it is unknown, expired or of another context."""
        found = self._select(f"id = ? AND context = ? AND NOT ({_EXPIRED})", id, context, _now())
        return found[0] if found else None

    def working(self) -> list[Record]:
        """Every task that is running, or should be."""
        return self._select("status = 'working'")

    def adopt(self, record: Record, owner: str) -> bool:
        """Make `owner` the owner of a running task; False when somebody else was faster."""
        return self._update(
            "owner = ?", "id = ? AND owner = ? AND status = 'working'",
            owner, record.id, record.owner,
        )  # fmt: skip

    def release(self, owner: str) -> None:
        """The running tasks of this owner are nobody's: the next process takes them."""
        with self._transaction() as db:
            db.execute(
                "UPDATE tasks SET owner = '' WHERE owner = ? AND status = 'working'", (owner,)
            )

    def report(self, owner: str, messages: Mapping[str, str | None]) -> set[str]:
        """Set new messages of running tasks, None for no new one; returns the ids of those that
        are no longer this owner's to run: cancelled, or adopted by another process."""
        now = _now()
        with self._transaction() as db:
            for id, message in messages.items():
                if message is not None:
                    db.execute(
                        "UPDATE tasks SET message = ?, updated = ?"
                        " WHERE id = ? AND owner = ? AND status = 'working'",
                        (message, now, id, owner),
                    )
            mine = db.execute(
                "SELECT id FROM tasks WHERE owner = ? AND status = 'working'", (owner,)
            )
            return set(messages) - {row["id"] for row in mine}

    def end(self, id: str, owner: str, status: Status, outcome: Json, message: str) -> bool:
        """Keep how a running task ended; False when it is not this owner's to run any more."""
        return self._update(
            "status = ?, outcome = ?, message = ?, updated = ?, owner = ''",
            "id = ? AND owner = ? AND status = 'working'",
            status, json.dumps(outcome), message, _now(), id, owner,
        )  # fmt: skip

    def ask(self, id: str, owner: str, asked: Json, state: str | None) -> bool:
        """Keep the questions of a running task, which then waits for answers."""
        return self._update(
            "status = 'input_required', asked = ?, answers = '{}', state = ?, round = round + 1,"
            " message = 'waiting for input', updated = ?, owner = ''",
            "id = ? AND owner = ? AND status = 'working'",
            json.dumps(asked), state, _now(), id, owner,
        )  # fmt: skip

    def answer(self, id: str, answers: Json, owner: str) -> Record | None:
        """Keep answers to open questions; others are ignored. When none is left open, the task
        is this owner's to run, and is returned."""
        with self._transaction() as db:
            row = db.execute(
                "SELECT * FROM tasks WHERE id = ? AND status = 'input_required'", (id,)
            ).fetchone()
            if row is None:
                return None
            record = _record(row)
            given = record.answers | {key: answers[key] for key in record.asked if key in answers}
            left = {key: value for key, value in record.asked.items() if key not in given}
            changed = replace(record, asked=left, answers=given, updated=_now())
            if not left:
                changed = replace(
                    changed, status="working", owner=owner, message="", answers={}, state=None,
                    call=record.call_with(given),
                )  # fmt: skip
            sets = ", ".join(f"{name} = ?" for name in _COLUMNS)
            db.execute(f"UPDATE tasks SET {sets} WHERE id = ?", (*_row(changed), id))  # noqa: S608
        return None if left else changed

    def cancel(self, id: str) -> bool:
        """Cancel a task that has not ended; False when it has."""
        return self._update(
            "status = 'cancelled', message = 'cancelled by the client', updated = ?, owner = ''",
            f"id = ? AND {_OPEN}", _now(), id,
        )  # fmt: skip

    def _select(self, where: str, *values: Any) -> list[Record]:
        with self._mutex, self._as_store_errors():
            rows = self._db.execute(f"SELECT * FROM tasks WHERE {where}", values)  # noqa: S608
            return [_record(row) for row in rows]

    def _update(self, changes: str, where: str, *values: Any) -> bool:
        with self._transaction() as db:
            done = db.execute(f"UPDATE tasks SET {changes} WHERE {where}", values)  # noqa: S608
            return done.rowcount > 0

    def _migrate(self) -> None:
        found = int(self._db.execute("PRAGMA user_version").fetchone()[0])
        if found > VERSION:
            raise StoreError(
                f"{self._path} was written by a newer omni-mcp (version {found}, this one knows "
                f"{VERSION}): upgrade, or move the file away; the tasks in it are then forgotten"
            )
        with self._transaction() as db:  # several processes may start at once
            if db.execute("PRAGMA user_version").fetchone()[0] == 0:
                for statement in _SCHEMA.split(";"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {VERSION}")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._mutex, self._as_store_errors():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # a full disk has rolled back by itself
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _as_store_errors(self) -> Iterator[None]:
        """Raise SQLite's errors as StoreError with advice. Codes: https://sqlite.org/rescode.html"""
        try:
            yield
        except (sqlite3.Error, ValueError) as e:  # ValueError: JSON in a damaged row
            name = getattr(e, "sqlite_errorname", "")  # absent on the module's own errors
            if name.startswith(("SQLITE_FULL", "SQLITE_IOERR")):
                advice = "free some space on its disk"
            elif name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")) or isinstance(e, ValueError):
                advice = "the file is damaged: move it away; the tasks in it are then forgotten"
            else:
                advice = "try again"
            raise StoreError(f"{self._path} failed ({e}): {advice}") from e


def _now() -> int:
    return time.time_ns() // 1_000_000


def _record(row: sqlite3.Row) -> Record:
    values = {name: json.loads(row[name]) if name in _JSON else row[name] for name in _COLUMNS}
    return Record(**values)


def _row(record: Record) -> list[Any]:
    values = ((name, getattr(record, name)) for name in _COLUMNS)
    return [json.dumps(value) if name in _JSON else value for name, value in values]
