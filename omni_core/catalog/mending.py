"""Mends collection names that an older version stored as they were typed: blank, cased, spaced."""

from __future__ import annotations

import json
import sqlite3

from omni_core.catalog.rows import texts
from omni_core.collection_names import collection_name

PENDING = "collections_to_mend"
"""Key of `meta`: the sources (sha256) whose points in the index still hold the former names."""


def mend_names(db: sqlite3.Connection) -> None:
    """Replace every name that is not in its stored form, in one transaction.

    The sources it touches are noted under `PENDING` until the index has the new names too.
    """
    names = [r[0] for r in db.execute("SELECT DISTINCT name FROM collections")]
    wrong = {name: right for name in names if (right := collection_name(name)) != name}
    if not wrong:
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        held = db.execute("SELECT value FROM meta WHERE key = ?", (PENDING,)).fetchone()
        touched = set(pending(held[0] if held else None))
        for name, right in wrong.items():
            of = db.execute("SELECT sha256 FROM collections WHERE name = ?", (name,))
            touched |= {r[0] for r in of}
            db.execute(
                "INSERT INTO collections (name, sha256, ingested_at)"
                " SELECT ?, sha256, ingested_at FROM collections WHERE name = ?"
                " ON CONFLICT DO NOTHING",
                (right, name),
            )
            db.execute("DELETE FROM collections WHERE name = ?", (name,))
        db.execute(
            "INSERT OR REPLACE INTO meta VALUES (?, ?)", (PENDING, json.dumps(sorted(touched)))
        )
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def pending(value: str | None) -> list[str]:
    """The hashes in a value of `PENDING`; none for None and for nonsense."""
    return list(texts(value)) if value else []
