"""The statements that the catalog's writes are made of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omni_core.catalog import rows, schema
from omni_core.catalog.database import Row, Transaction
from omni_core.catalog.query import fold
from omni_core.errors import StoreError
from omni_core.types import Source


def described(source: Source) -> dict[str, Any]:
    """The columns that describe a source, and its names as they are compared."""
    name = fold(Path(source.uri).name) if source.content else ""
    return {**schema.columns(source), "folded": fold(source.title), "file_name": name}


def put_meta(db: Transaction, key: str, value: str) -> None:
    """Set a value about the whole store."""
    db.execute(
        "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )


def take_model(db: Transaction, model: str) -> None:
    """Make an empty library that of `model` (a fingerprint). Raises StoreError MODEL_MISMATCH where
    it has sources of another one, which a process that opened it at the same time may have."""
    held = _model(db)
    filled = db.execute("SELECT 1 FROM sources LIMIT 1").fetchone() is not None
    if held is None or (held == model and filled):
        return
    db.execute("UPDATE meta SET value = value WHERE key = 'fingerprint'")  # one after the other
    held = _model(db)
    if held == model:
        return
    if db.execute("SELECT 1 FROM sources LIMIT 1").fetchone() is not None:
        raise StoreError(
            f"another process has filled this library with {held}, this one runs {model}; use the "
            "same encoder in both",
            code="MODEL_MISMATCH",
        )
    put_meta(db, "fingerprint", model)


def _model(db: Transaction) -> str | None:
    found = db.execute("SELECT value FROM meta WHERE key = 'fingerprint'").fetchone()
    return None if found is None else str(found[0])


def keep_readers(db: Transaction, sha256: str, state: bytes) -> None:
    """Keep the readers' buffers of a source; b"" for none."""
    if state:
        db.execute(
            "INSERT INTO readers VALUES (?, ?)"
            " ON CONFLICT (sha256) DO UPDATE SET state = excluded.state",
            (sha256, state),
        )
    else:
        db.execute("DELETE FROM readers WHERE sha256 = ?", (sha256,))


def refuse_ready(old: Row, pipeline: str) -> None:
    """Raise StoreError BUSY for a row that is complete in this pipeline."""
    if (old["state"], old["pipeline"]) == ("ready", pipeline) and rows.makes_sense(old):
        raise completed_meanwhile()


def completed_meanwhile() -> StoreError:
    """The error for a source that another process has completed since the caller looked."""
    return StoreError("another process has ingested this file meanwhile", code="BUSY")


def is_resumable(old: Row, model: str, pipeline: str) -> bool:
    """Whether an earlier ingest can be resumed: incomplete, of the same model and pipeline."""
    same = (old["model"], old["pipeline"]) == (model, pipeline)
    return same and old["state"] != "ready"


def upsert(db: Transaction, values: Mapping[str, Any]) -> None:
    """Write the row of a source."""
    # Not INSERT OR REPLACE: it deletes the row first, and with it the paths and collections.
    columns, marks = ", ".join(values), ", ".join("?" * len(values))
    again = ", ".join(f"{name} = excluded.{name}" for name in values)
    db.execute(
        f"INSERT INTO sources ({columns}) VALUES ({marks})"  # noqa: S608 - ours
        f" ON CONFLICT (sha256) DO UPDATE SET {again}",
        list(values.values()),
    )


def add_path(db: Transaction, sha256: str, path: str, state: tuple[int, int, int, int]) -> None:
    """Note that the source stands at `path`, whose `state` is size, mtime_ns, ctime_ns, inode."""
    db.execute(
        "INSERT INTO paths (path, sha256, size, mtime_ns, ctime_ns, inode, folded)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (path) DO UPDATE SET sha256 = excluded.sha256, size = excluded.size,"
        " mtime_ns = excluded.mtime_ns, ctime_ns = excluded.ctime_ns, inode = excluded.inode,"
        " folded = excluded.folded, gone_at = NULL",
        (path, sha256, *state, fold(Path(path).name)),
    )
    db.execute("DELETE FROM passed_over WHERE path = ?", (path,))
