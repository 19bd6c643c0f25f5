"""The catalog: which sources there are, and how far each is.

Every write is one transaction, on disk when it returns.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from omni_core.catalog import schema
from omni_core.catalog.query import fold
from omni_core.catalog.reads import Reads
from omni_core.types import Source, SourceRow, State

_KEPT = ("segments", "progress", "resume", "timings", "ingested_at")
"""Columns that a run which goes on takes over from the one that was cut off."""


class Catalog(Reads):
    """Sources by hash, path, id, title and collection. Safe to call from any thread, one a time."""

    def __init__(self, store: Path, *, read_only: bool = False) -> None:
        """Open `<store>/catalog.sqlite`, making it when it is missing.

        Raises StoreError STORE_BUSY when another process writes here. `read_only` takes no lock:
        it looks while a server runs, and sees an empty library where there is none.
        """
        super().__init__(store, read_only=read_only)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def set_meta(self, key: str, value: str) -> None:
        """Write such a fact."""
        with self._writing() as db:
            db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

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
        values: dict[str, Any] = {
            **schema.columns(source),
            "folded": fold(source.title),
            "state": state,
            "model": model,
            "pipeline": pipeline,
            "ingested_at": datetime.now(UTC).isoformat(),
            **schema.UNTOUCHED,
        }
        with self._writing() as db:
            old = db.execute("SELECT * FROM sources WHERE sha256 = ?", (source.sha256,)).fetchone()
            if old is not None and _goes_on(old, model, pipeline):
                values |= {key: old[key] for key in _KEPT}
            _upsert(db, values)
            _note_path(db, source.sha256, source.uri, source.size, mtime_ns)
            _note_collection(db, source.sha256, collection)
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

    def moved_to(self, model: str, present: Collection[str]) -> None:
        """The index now in use is `model`'s and holds the sources `present` (sha256).

        The others are partial from now on: asking for them again completes them.
        """
        with self._writing() as db:
            db.execute("INSERT OR REPLACE INTO meta VALUES ('fingerprint', ?)", (model,))
            db.execute("CREATE TEMP TABLE IF NOT EXISTS present (sha256 TEXT PRIMARY KEY)")
            db.execute("DELETE FROM present")
            db.executemany("INSERT OR IGNORE INTO present VALUES (?)", [(s,) for s in present])
            db.execute(
                "UPDATE sources SET model = ? WHERE sha256 IN (SELECT sha256 FROM present)",
                (model,),
            )
            db.execute(
                "UPDATE sources SET state = 'partial', resume = '{}', segments = 0, progress = 0"
                " WHERE sha256 NOT IN (SELECT sha256 FROM present)"
            )

    def add_path(self, source: str, path: str, *, size: int, mtime_ns: int) -> None:
        """Note that the same bytes are at `path` too."""
        with self._writing() as db:
            _note_path(db, self._sha256(source), path, size, mtime_ns)

    def add_collection(self, source: str, name: str) -> None:
        """Put the source into one more collection."""
        with self._writing() as db:
            _note_collection(db, self._sha256(source), name)

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


def _goes_on(old: sqlite3.Row, model: str, pipeline: str) -> bool:
    """Whether what an earlier run stored counts: it was cut off, and made the same things."""
    same = (old["model"], old["pipeline"]) == (model, pipeline)
    return same and old["state"] != "ready"


def _upsert(db: sqlite3.Connection, values: Mapping[str, Any]) -> None:
    # Not INSERT OR REPLACE: that would delete the row first, and its paths and collections.
    columns, marks = ", ".join(values), ", ".join("?" * len(values))
    again = ", ".join(f"{name} = excluded.{name}" for name in values)
    db.execute(
        f"INSERT INTO sources ({columns}) VALUES ({marks})"  # noqa: S608 - ours
        f" ON CONFLICT (sha256) DO UPDATE SET {again}",
        list(values.values()),
    )


def _note_path(db: sqlite3.Connection, sha256: str, path: str, size: int, mtime_ns: int) -> None:
    db.execute(
        "INSERT OR REPLACE INTO paths VALUES (?, ?, ?, ?, ?)",
        (path, sha256, size, mtime_ns, fold(Path(path).name)),
    )


def _note_collection(db: sqlite3.Connection, sha256: str, name: str) -> None:
    db.execute("INSERT OR IGNORE INTO collections VALUES (?, ?)", (name, sha256))
