"""The catalog's questions and writes. Every write is one transaction, on disk when it returns."""

from __future__ import annotations

import builtins
import json
import sqlite3
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from omni_core.catalog import schema
from omni_core.catalog.lock import StoreLock
from omni_core.catalog.query import Place, fold, where
from omni_core.errors import NotFoundError, StoreError
from omni_core.types import Source, SourceRow, State


class Catalog:
    """Sources by hash, path, id, title and collection. Safe to call from any thread, one a time."""

    def __init__(self, store: Path, *, read_only: bool = False) -> None:
        """Open `<store>/catalog.sqlite`, making it when it is missing.

        Raises StoreError STORE_BUSY when another process writes here. `read_only` takes no lock:
        it looks while a server runs, and sees an empty library where there is none.
        """
        self._mutex = threading.RLock()
        self._lock: StoreLock | None = None
        path = store / "catalog.sqlite"
        if not read_only:
            try:
                store.mkdir(parents=True, exist_ok=True, mode=0o700)
            except OSError as e:
                raise StoreError(
                    f"cannot make the folder {store}: {e.strerror}; choose another with --store"
                ) from e
            self._lock = StoreLock(store)
        try:
            with _explained():
                self._db = _connect(path, read_only)
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
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        schema.migrate(self._db)
        # Nobody else is alive: what says "processing" was cut off, and goes on when asked again.
        self._db.execute(
            "UPDATE sources SET state = 'partial', stage = 'interrupted'"
            " WHERE state IN ('queued', 'processing')"
        )

    def close(self) -> None:
        """Let the next process in."""
        with self._mutex:
            self._db.close()
            if self._lock is not None:
                self._lock.release()

    def __enter__(self) -> Catalog:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # ---- facts about the store

    def get_meta(self, key: str) -> str | None:
        """A fact about the whole store, such as its model's `fingerprint`."""
        found = self._one("SELECT value FROM meta WHERE key = ?", key)
        return None if found is None else str(found[0])

    def set_meta(self, key: str, value: str) -> None:
        """Write such a fact."""
        with self._writing() as db:
            db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    # ---- the way of one source

    def begin(
        self,
        source: Source,
        *,
        collection: str,
        mtime_ns: int,
        model: str,
        pipeline: str,
        state: State = "processing",
    ) -> dict[str, Any]:
        """Note that work on `source` starts; returns what `progress(resume=...)` last noted.

        That is empty for a new source, for one that was complete, and when the model or the
        pipeline is another one: then everything is done afresh.
        """
        s, at = source, source.recorded_at
        now = datetime.now(UTC).isoformat()
        with self._writing() as db:
            old = db.execute("SELECT * FROM sources WHERE sha256 = ?", (s.sha256,)).fetchone()
            resumable = (
                old is not None
                and (old["model"], old["pipeline"]) == (model, pipeline)
                and old["state"] != "ready"
            )
            kept = ("segments", "progress", "resume", "timings", "ingested_at")
            values: dict[str, Any] = {
                "segments": 0,
                "progress": 0.0,
                "resume": "{}",
                "timings": "{}",
                "ingested_at": now,
                **({key: old[key] for key in kept} if resumable else {}),
                "sha256": s.sha256,
                "id": s.id,
                "uri": s.uri,
                "title": s.title,
                "modality": str(s.modality),
                "mime": s.mime,
                "size": s.size,
                "duration_s": s.duration_s,
                "pages": s.pages,
                "recorded_at": None if at is None else schema.aware(at).isoformat(),
                "recorded_ts": None if at is None else schema.aware(at).timestamp(),
                "recorded_at_from": s.recorded_at_from,
                "state": state,
                "stage": "",
                "warnings": "[]",
                "error_code": "",
                "error": "",
                "model": model,
                "pipeline": pipeline,
                "folded": fold(s.title),
            }
            # An upsert, not a replacement: that would cascade to the paths and collections.
            columns, marks = ", ".join(values), ", ".join("?" * len(values))
            again = ", ".join(f"{name} = excluded.{name}" for name in values)
            db.execute(
                f"INSERT INTO sources ({columns}) VALUES ({marks})"  # noqa: S608 - ours
                f" ON CONFLICT (sha256) DO UPDATE SET {again}",
                list(values.values()),
            )
            _note_path(db, s.sha256, s.uri, s.size, mtime_ns)
            _note_collection(db, s.sha256, collection)
        resume: dict[str, Any] = json.loads(values["resume"])
        return resume

    def progress(
        self,
        source: str,
        *,
        progress: float | None = None,
        stage: str | None = None,
        segments: int | None = None,
        warnings: Sequence[str] | None = None,
        timings: Mapping[str, float] | None = None,
        resume: Mapping[str, Any] | None = None,
    ) -> None:
        """Note how far it is. `resume` names what the index durably holds: flush it first."""
        self._update(
            source, progress=progress, stage=stage, segments=segments, warnings=warnings,
            timings=timings, resume=resume,
        )  # fmt: skip

    def finish(
        self,
        source: str,
        *,
        state: State = "ready",
        segments: int,
        duration_s: float | None = None,
        warnings: Sequence[str] = (),
        timings: Mapping[str, float] | None = None,
    ) -> None:
        """The commit: `ready` is complete and needs no resume, `partial` keeps it."""
        done = state == "ready"
        self._update(
            source, state=state, stage="done", segments=segments, duration_s=duration_s,
            warnings=warnings, timings=timings, progress=1.0 if done else None,
            resume={} if done else None,
        )  # fmt: skip

    def fail(self, source: str, *, error_code: str, error: str) -> None:
        """Nothing of it can be used; the line says why."""
        self._update(source, state="failed", stage="done", error_code=error_code, error=error)

    def remove(self, source: str) -> SourceRow | None:
        """Forget a source, its paths and collections; delete its points first."""
        row = self.get(source)
        if row is not None:
            with self._writing() as db:
                db.execute("DELETE FROM sources WHERE sha256 = ?", (row.sha256,))
        return row

    def amend(self, source: str, title: str, recorded_at: datetime | None = None) -> None:
        """A better title, and a date if one is given, for a source that is in."""
        self._update(source, title=title, folded=fold(title))
        if recorded_at is not None:
            at = schema.aware(recorded_at)
            self._update(
                source, recorded_at=at.isoformat(), recorded_ts=at.timestamp(),
                recorded_at_from="caller",
            )  # fmt: skip

    def moved_to(self, model: str, held: Collection[str]) -> None:
        """The index now in use is `model`'s and holds the sources `held` (sha256).

        The others are partial from now on: asking for them again completes them.
        """
        with self._writing() as db:
            db.execute("INSERT OR REPLACE INTO meta VALUES ('fingerprint', ?)", (model,))
            db.execute("CREATE TEMP TABLE IF NOT EXISTS held (sha256 TEXT PRIMARY KEY)")
            db.execute("DELETE FROM held")
            db.executemany("INSERT OR IGNORE INTO held VALUES (?)", [(s,) for s in held])
            db.execute(
                "UPDATE sources SET model = ? WHERE sha256 IN (SELECT sha256 FROM held)", (model,)
            )
            db.execute(
                "UPDATE sources SET state = 'partial', resume = '{}', segments = 0, progress = 0"
                " WHERE sha256 NOT IN (SELECT sha256 FROM held)"
            )

    def add_path(self, source: str, path: str, *, size: int, mtime_ns: int) -> None:
        """Note that the same bytes are at `path` too."""
        with self._writing() as db:
            _note_path(db, self._sha256(source), path, size, mtime_ns)

    def add_collection(self, source: str, name: str) -> None:
        """Put the source into one more collection."""
        with self._writing() as db:
            _note_collection(db, self._sha256(source), name)

    # ---- questions

    def get(self, source: str) -> SourceRow | None:
        """By id (`src_...`) or sha256."""
        found = self._one(f"{schema.SELECT} WHERE s.sha256 = ? OR s.id = ?", source, source)
        return None if found is None else schema.row(found)

    def get_many(self, ids: Collection[str]) -> dict[str, SourceRow]:
        """Those of these ids (`src_...`) that are known, in one query."""
        rows = self._all(f"{schema.SELECT} WHERE s.id IN ({_marks(ids)})", *ids)
        return {r["id"]: schema.row(r) for r in rows}

    def with_duplicate_title(self, ids: Collection[str]) -> set[str]:
        """Those of these ids whose title is also the title or a file name of another source."""
        same = "o.folded = s.folded AND o.sha256 <> s.sha256)"
        rows = self._all(
            f"SELECT s.id FROM sources s WHERE s.id IN ({_marks(ids)}) AND s.folded <> ''"  # noqa: S608 - ours
            f" AND (EXISTS (SELECT 1 FROM sources o WHERE {same}"
            f" OR EXISTS (SELECT 1 FROM paths o WHERE {same})",
            *ids,
        )
        return {r["id"] for r in rows}

    def by_path(self, path: str, *, size: int, mtime_ns: int) -> str | None:
        """The sha256 of an unchanged file, without reading it; None when it must be hashed."""
        found = self._one(
            "SELECT sha256 FROM paths WHERE path = ? AND size = ? AND mtime_ns = ?",
            path, size, mtime_ns,
        )  # fmt: skip
        return None if found is None else str(found[0])

    def paths(self, source: str) -> list[str]:
        """Where its bytes were seen."""
        rows = self._all(
            "SELECT path FROM paths WHERE sha256 = ? ORDER BY path", self._sha256(source)
        )
        return [r[0] for r in rows]

    def resume(self, source: str) -> dict[str, Any]:
        """What the last run noted as durably indexed."""
        found: dict[str, Any] = self._json(source, "resume")
        return found

    def timings(self, source: str) -> dict[str, float]:
        """Seconds per stage of the last run."""
        found: dict[str, float] = self._json(source, "timings")
        return found

    def collections(self) -> dict[str, int]:
        """Every collection and its number of sources."""
        rows = self._all("SELECT name, count(*) FROM collections GROUP BY name ORDER BY name")
        return {r[0]: r[1] for r in rows}

    def collections_of(self, source: str) -> list[str]:
        """The collections of one source."""
        rows = self._all(
            "SELECT name FROM collections WHERE sha256 = ? ORDER BY name", self._sha256(source)
        )
        return [r[0] for r in rows]

    def totals(self, collection: str = "") -> tuple[int, int]:
        """Sources and segments, of a collection or of everything."""
        clause, values = where(collection=collection)
        found = self._one(f"SELECT count(*), total(segments) FROM sources s{clause}", *values)  # noqa: S608
        return (0, 0) if found is None else (int(found[0]), int(found[1]))

    def find(self, wanted: str, collection: str = "") -> builtins.list[SourceRow]:
        """By id, sha256 or path; else by whole title or file name; else by a part of either."""
        named = self.get(wanted)
        if named is None:
            found = self._one("SELECT sha256 FROM paths WHERE path = ?", wanted)
            named = None if found is None else self.get(found[0])
        if named is not None:
            return [named] if not collection or collection in named.collections else []
        key = fold(wanted)
        if not key:
            return []
        clause, values = where(collection=collection)
        key_is = "(s.folded = ? OR EXISTS (SELECT 1 FROM paths p"
        key_is += " WHERE p.sha256 = s.sha256 AND p.folded = ?))"
        exact = f"{clause} AND {key_is}" if clause else f" WHERE {key_is}"
        order = " ORDER BY s.ingested_at DESC, s.sha256 LIMIT 50"
        rows = self._all(schema.SELECT + exact + order, *values, key, key)
        if not rows:
            clause, values = where(collection=collection, match=wanted)
            rows = self._all(schema.SELECT + clause + order, *values)
        return [schema.row(r) for r in rows]

    def list(
        self,
        *,
        match: str = "",
        recorded_from: datetime | None = None,
        recorded_to: datetime | None = None,
        collection: str = "",
        state: str = "",
        limit: int = 20,
        after: Place | None = None,
    ) -> tuple[builtins.list[SourceRow], int, Place | None]:
        """A page after a place, newest ingest first; the total over all pages; and the place
        that the next page comes after, None when this is the last."""
        narrow = partial(
            where,
            match=match,
            collection=collection,
            state=state,
            since=recorded_from,
            before=recorded_to,
        )
        clause, values = narrow()
        total = self._one(f"SELECT count(*) FROM sources s{clause}", *values)  # noqa: S608
        clause, values = narrow(after=after)
        order = " ORDER BY s.ingested_at DESC, s.sha256 LIMIT ?"
        found = self._all(schema.SELECT + clause + order, *values, limit + 1)
        rows = found[:limit]
        more = len(found) > limit
        last = (str(rows[-1]["ingested_at"]), str(rows[-1]["sha256"])) if more else None
        return [schema.row(r) for r in rows], int(total[0]) if total else 0, last

    # ---- the machinery

    def _sha256(self, source: str) -> str:
        found = self._one("SELECT sha256 FROM sources WHERE sha256 = ? OR id = ?", source, source)
        if found is None:
            raise NotFoundError(f"no source {source}; ingest it first", code="UNKNOWN_SOURCE")
        return str(found[0])

    def _json(self, source: str, column: str) -> Any:
        found = self._one(
            f"SELECT {column} FROM sources WHERE sha256 = ?",  # noqa: S608 - ours
            self._sha256(source),
        )
        return json.loads(found[0]) if found else {}

    def _update(self, source: str, **columns: Any) -> None:
        set_ = {k: v for k, v in columns.items() if v is not None}
        for key in ("warnings", "timings", "resume"):
            if key in set_:
                value = set_[key]
                plain = list(value) if isinstance(value, (tuple, list)) else dict(value)
                set_[key] = json.dumps(plain, ensure_ascii=False)
        if not set_:
            return
        with self._writing() as db:
            assignments = ", ".join(f"{k} = ?" for k in set_)
            db.execute(
                f"UPDATE sources SET {assignments} WHERE sha256 = ?",  # noqa: S608 - ours
                (*set_.values(), self._sha256(source)),
            )

    def _one(self, sql: str, *values: Any) -> sqlite3.Row | None:
        with self._mutex, _explained():
            found: sqlite3.Row | None = self._db.execute(sql, values).fetchone()
            return found

    def _all(self, sql: str, *values: Any) -> builtins.list[sqlite3.Row]:
        with self._mutex, _explained():
            return self._db.execute(sql, values).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """All or nothing: an error in here, a full disk or kill -9 leaves what was before."""
        with self._mutex, _explained():
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


def _marks(values: Collection[str]) -> str:
    return ", ".join("?" * len(values))


def _connect(path: Path, read_only: bool) -> sqlite3.Connection:
    if read_only and not path.exists():
        target = ":memory:"
    elif read_only:
        target = f"{path.absolute().as_uri()}?mode=ro"
    else:
        target = path.absolute().as_uri()
    db = sqlite3.connect(
        target, uri=True, isolation_level=None, check_same_thread=False, timeout=5.0
    )
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA foreign_keys = ON")
    return db


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as e:
        text = str(e)
        if "full" in text or getattr(e, "sqlite_errorname", "").startswith("SQLITE_IOERR"):
            advice = "free some space on its disk and call again: nothing stored is lost"
        elif isinstance(e, sqlite3.DatabaseError) and ("malformed" in text or "not a" in text):
            advice = "the file is damaged: restore it, or move it away and ingest again"
        else:
            advice = "call again; if it stays so, run `omni-mcp doctor`"
        raise StoreError(f"the catalog failed ({text}); {advice}") from e


def _note_path(db: sqlite3.Connection, sha256: str, path: str, size: int, mtime_ns: int) -> None:
    db.execute(
        "INSERT OR REPLACE INTO paths VALUES (?, ?, ?, ?, ?)",
        (path, sha256, size, mtime_ns, fold(Path(path).name)),
    )


def _note_collection(db: sqlite3.Connection, sha256: str, name: str) -> None:
    db.execute("INSERT OR IGNORE INTO collections VALUES (?, ?)", (name, sha256))
