"""The tables of the catalog, their migrations, and the mapping of rows to types."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from typing import Any

from omni_core.catalog import counters
from omni_core.errors import StoreError
from omni_core.types import Source

MIGRATIONS = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE sources (
        sha256 TEXT PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        uri TEXT NOT NULL,
        title TEXT NOT NULL,
        modality TEXT NOT NULL,
        mime TEXT NOT NULL,
        size INTEGER NOT NULL,
        duration_s REAL,
        pages INTEGER,
        recorded_at TEXT,
        recorded_ts REAL,
        recorded_at_from TEXT NOT NULL DEFAULT '',
        ingested_at TEXT NOT NULL,
        state TEXT NOT NULL,
        stage TEXT NOT NULL DEFAULT '',
        progress REAL NOT NULL DEFAULT 0,
        segments INTEGER NOT NULL DEFAULT 0,
        warnings TEXT NOT NULL DEFAULT '[]',
        error_code TEXT NOT NULL DEFAULT '',
        error TEXT NOT NULL DEFAULT '',
        timings TEXT NOT NULL DEFAULT '{}',
        model TEXT NOT NULL,
        pipeline TEXT NOT NULL,
        resume TEXT NOT NULL DEFAULT '{}',
        folded TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX sources_by_age ON sources (ingested_at DESC, sha256);
    CREATE TABLE paths (
        path TEXT PRIMARY KEY,
        sha256 TEXT NOT NULL REFERENCES sources ON DELETE CASCADE,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        folded TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX paths_of ON paths (sha256);
    CREATE TABLE collections (
        name TEXT NOT NULL,
        sha256 TEXT NOT NULL REFERENCES sources ON DELETE CASCADE,
        PRIMARY KEY (name, sha256)
    ) WITHOUT ROWID;
    CREATE INDEX collections_of ON collections (sha256);
    """,
    """
    ALTER TABLE paths ADD COLUMN gone_at TEXT;
    CREATE TABLE passed_over (
        path TEXT PRIMARY KEY,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        code TEXT NOT NULL,
        error TEXT NOT NULL
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE readers (
        sha256 TEXT PRIMARY KEY REFERENCES sources ON DELETE CASCADE,
        state BLOB NOT NULL
    );
    CREATE TABLE begun (
        key TEXT PRIMARY KEY,
        request TEXT NOT NULL,
        at TEXT NOT NULL
    ) WITHOUT ROWID;
    """,
    """
    ALTER TABLE passed_over ADD COLUMN pipeline TEXT NOT NULL DEFAULT '1';
    ALTER TABLE sources ADD COLUMN empty TEXT NOT NULL DEFAULT '';
    """,
    """
    CREATE TABLE speakers (
        sha256 TEXT NOT NULL REFERENCES sources ON DELETE CASCADE,
        number INTEGER NOT NULL,
        given TEXT NOT NULL DEFAULT '',
        found TEXT NOT NULL DEFAULT '',
        found_from TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (sha256, number)
    ) WITHOUT ROWID;
    CREATE TABLE turns (
        sha256 TEXT NOT NULL REFERENCES sources ON DELETE CASCADE,
        start REAL NOT NULL,
        end REAL NOT NULL,
        speaker INTEGER NOT NULL,
        PRIMARY KEY (sha256, start)
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE checkpoints (
        sha256 TEXT NOT NULL REFERENCES sources ON DELETE CASCADE,
        number INTEGER NOT NULL,
        segments TEXT NOT NULL,
        points TEXT NOT NULL,
        PRIMARY KEY (sha256, number)
    ) WITHOUT ROWID;
    INSERT INTO checkpoints
        SELECT sha256, 0, json_extract(resume, '$.done'), json_extract(resume, '$.stored')
        FROM sources WHERE json_extract(resume, '$.stored') IS NOT NULL;
    UPDATE sources
        SET resume = json_set(json_remove(resume, '$.done', '$.stored'), '$.groups', 1)
        WHERE json_extract(resume, '$.stored') IS NOT NULL;
    """,
    counters.MIGRATION,
    """
    ALTER TABLE paths ADD COLUMN ctime_ns INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE paths ADD COLUMN inode INTEGER NOT NULL DEFAULT 0;
    """,
    """
    CREATE TABLE bin (
        sha256 TEXT PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        title TEXT NOT NULL,
        uri TEXT NOT NULL,
        segments INTEGER NOT NULL,
        model TEXT NOT NULL,
        pipeline TEXT NOT NULL,
        state TEXT NOT NULL,
        at REAL NOT NULL,
        step TEXT NOT NULL,
        rows TEXT NOT NULL
    );
    CREATE TABLE bin_points (
        sha256 TEXT NOT NULL REFERENCES bin ON DELETE CASCADE,
        number INTEGER NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (sha256, number)
    );
    """,
    counters.MIGRATION_OF_COPIES,
    counters.MIGRATION_OF_SHARED,
)
"""Script n migrates version n to n + 1. Append only: existing files have run the others."""

NAME = "CASE WHEN p.given <> '' THEN p.given ELSE p.found END"
"""The name of a speaker `p`: as a person gave it, else as it was found; "" without one."""
NAMED = "(p.given <> '' OR p.found <> '')"

INDEXES = f"""
    CREATE INDEX IF NOT EXISTS sources_by_folded ON sources (folded);
    CREATE INDEX IF NOT EXISTS sources_by_uri ON sources (uri);
    DROP INDEX IF EXISTS sources_by_age;
    CREATE INDEX IF NOT EXISTS sources_by_age_with_names
        ON sources (ingested_at DESC, sha256, names);
    CREATE INDEX IF NOT EXISTS sources_by_state
        ON sources (state, ingested_at DESC, sha256, pipeline);
    CREATE INDEX IF NOT EXISTS sources_by_recording ON sources (recorded_ts);
    DROP INDEX IF EXISTS paths_by_folded;
    CREATE INDEX IF NOT EXISTS paths_by_name ON paths (folded, sha256);
    CREATE INDEX IF NOT EXISTS copies_by_name
        ON sources (file_name, sha256) WHERE content <> '';
    CREATE INDEX IF NOT EXISTS paths_gone ON paths (sha256) WHERE gone_at IS NOT NULL;
    CREATE INDEX IF NOT EXISTS speakers_by_name
        ON speakers ({NAME.replace("p.", "")}, given, found) WHERE {NAMED.replace("p.", "")};
"""
"""Created by every writer. They are not part of the version, since they change speed only: older
programs can still open the file, and read-only programs work without them."""


def version(db: sqlite3.Connection) -> int:
    """The version of a file; 0 for a new one. Raises StoreError when it is newer than this code."""
    found = int(db.execute("PRAGMA user_version").fetchone()[0])
    if found > len(MIGRATIONS):
        raise StoreError(
            f"this store was written by a newer omni-mcp (catalog version {found}, this one knows "
            f"{len(MIGRATIONS)}); upgrade, or use another folder with --store"
        )
    return found


def require_current(db: sqlite3.Connection) -> None:
    """For read-only use, which cannot migrate: create the tables in an empty in-memory database.

    Raises StoreError for an older or a newer version.
    """
    found = version(db)
    if not found:
        migrate(db)  # no file, or its writer has not created the tables yet
    elif found < len(MIGRATIONS):
        raise StoreError(
            "this store was written by an older omni-mcp; start `omni-mcp serve` once to bring it "
            "up to date"
        )


def prepare_new(db: sqlite3.Connection) -> None:
    """Let a new file give room back to the file system; before anything else is written to it, the
    journal mode included (https://sqlite.org/pragma.html#pragma_auto_vacuum)."""
    if not version(db):
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")


def migrate(db: sqlite3.Connection) -> None:
    """Migrate a file to the current version, one transaction per step."""
    for n in range(version(db), len(MIGRATIONS)):
        db.executescript(f"BEGIN IMMEDIATE; {MIGRATIONS[n]} PRAGMA user_version = {n + 1}; COMMIT;")
    db.executescript(INDEXES)


COLUMNS = (
    "SELECT s.*, (SELECT json_group_array(n.name || '') FROM collections n"
    " WHERE n.sha256 = s.sha256) AS held_by,"
    " (SELECT CASE WHEN count(*) = count(g.gone_at) THEN max(g.gone_at) END"
    " FROM paths g WHERE g.sha256 = s.sha256) AS gone_at"
)
"""What `row` converts, of the sources `s`."""
SELECT = f"{COLUMNS} FROM sources s"
"""Query whose rows `row` converts."""


INITIAL_PROGRESS: dict[str, Any] = {
    "segments": 0, "progress": 0.0, "stage": "", "resume": "{}", "timings": "{}",
    "warnings": "[]", "error_code": "", "error": "", "empty": "",
}  # fmt: skip
"""Initial values of the progress columns. The error columns are no longer written: a failed
ingest leaves the catalog as it was."""


def columns(source: Source) -> dict[str, Any]:
    """The columns that describe a source itself."""
    at = None if source.recorded_at is None else aware(source.recorded_at)
    return {
        "sha256": source.sha256,
        "id": source.id,
        "uri": source.uri,
        "title": source.title,
        "modality": str(source.modality),
        "mime": source.mime,
        "size": source.size,
        "duration_s": source.duration_s,
        "pages": source.pages,
        "recorded_at": None if at is None else at.isoformat(),
        "recorded_ts": None if at is None else at.timestamp(),
        "recorded_at_from": source.recorded_at_from,
        "content": source.content,
    }


def aware(at: datetime) -> datetime:
    """The time with a zone; one without is taken as UTC."""
    return at if at.tzinfo else at.replace(tzinfo=UTC)
