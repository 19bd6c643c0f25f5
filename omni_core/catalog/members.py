"""Which collections hold which sources: the same bytes stand in one collection once.

A file has one source for all who see the whole library, and may have another one for each
collection whose callers ingested it themselves (`ids.hash_apart`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from omni_core.catalog.database import Transaction
from omni_core.catalog.groups import Groups
from omni_core.errors import StoreError

SAME_BYTES = "SAME_BYTES"
"""The code of the error of a collection that has the same bytes as another source."""
_WITH_BYTES = "(s.sha256 = ? OR (s.content = ? AND s.content <> ''))"
"""Sources `s` whose file has these bytes; written so that the index of copies serves."""
_IN = "EXISTS (SELECT 1 FROM collections c WHERE c.sha256 = s.sha256 AND c.name = ?)"


class Members(Groups):
    """Reads and writes the collections of sources."""

    def with_bytes(self, sha256: str) -> list[str]:
        """The hashes (`SourceRow.sha256`) of the sources whose file has these bytes."""
        found = self._all(
            f"SELECT s.sha256 FROM sources s WHERE {_WITH_BYTES} ORDER BY s.sha256",  # noqa: S608
            sha256, sha256,
        )  # fmt: skip
        return [str(r["sha256"]) for r in found]

    def key_for(self, sha256: str, collection: str) -> str:
        """The hash of the source which an ingest of these bytes into a collection is about: the
        one that is in it already, else that of the bytes."""
        return self._held(sha256, collection) or sha256

    def add_collection(self, source: str, name: str) -> None:
        """Add the source to another collection. Raises StoreError SAME_BYTES where that has the
        same bytes as another source."""
        with self._writing() as db:
            self._join(db, self._sha256(source), name)

    def leave_collections(self, source: str, names: Collection[str]) -> None:
        """Take the source out of these collections; it must be in others too."""
        sha256 = self._sha256(source)
        with self._writing() as db:
            db.executemany(
                "DELETE FROM collections WHERE name = ? AND sha256 = ?",
                [(name, sha256) for name in names],
            )

    def taken(self, sha256: str, content: str, names: Iterable[str]) -> set[str]:
        """Those of these collections that have the bytes of a source (its sha256 and `content`) as
        another source."""
        return {name for name in names if self._held(content or sha256, name) not in ("", sha256)}

    def _held(self, sha256: str, collection: str) -> str:
        found = self._one(
            f"SELECT s.sha256 FROM sources s WHERE {_WITH_BYTES} AND {_IN} ORDER BY s.sha256",  # noqa: S608
            sha256, sha256, collection,
        )  # fmt: skip
        return "" if found is None else str(found["sha256"])

    def _join(self, db: Transaction, sha256: str, name: str) -> None:
        """Put a source that has a row into a collection. Raises StoreError SAME_BYTES."""
        row = db.execute("SELECT content FROM sources WHERE sha256 = ?", (sha256,)).fetchone()
        content = sha256 if row is None else str(row["content"] or sha256)
        self._hold_bytes(db, content)
        held = db.execute(
            f"SELECT s.sha256 FROM sources s WHERE {_WITH_BYTES} AND {_IN}",  # noqa: S608 - ours
            (content, content, name),
        ).fetchall()
        if held and sha256 not in {r["sha256"] for r in held}:
            raise StoreError(f"{name!r} has the same bytes as another source", code=SAME_BYTES)
        db.execute(
            "INSERT INTO collections (name, sha256, ingested_at)"
            " SELECT ?, sha256, ingested_at FROM sources WHERE sha256 = ? ON CONFLICT DO NOTHING",
            (name, sha256),
        )
