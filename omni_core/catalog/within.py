# ruff: noqa: S608 - the names of tables are ours, those of collections are placeholders
"""A catalog that shows some collections alone: every query sees their sources and no other.

Each query is run with tables of its own: `WITH sources AS (the visible rows), ...` gives the names
of the real tables to their visible part, so that no query can forget to ask. Writes go to the real
tables; they name sources that such a query has found, or that this catalog began.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from contextlib import AbstractContextManager
from typing import Any

from omni_core.catalog.database import Row, Transaction
from omni_core.catalog.store import Catalog
from omni_core.ids import hash_apart
from omni_core.types import BinnedSource

_OF_SOURCES = ("speakers", "turns", "readers", "checkpoints")
_OF_NOBODY = ("passed_over", "begun")
"""What is known of files of no source, and requests of anyone."""


def within(catalog: Catalog, names: Collection[str]) -> Catalog:
    """The part of `catalog` that is in any of these collections (as their names are stored)."""
    return CatalogWithin(catalog, tuple(sorted(set(names))))


class CatalogWithin(Catalog):
    """Reads what is visible. It is open as long as the catalog that it is a part of."""

    def __init__(self, whole: Catalog, names: tuple[str, ...]) -> None:
        """Use `within`."""
        self._whole, self._names = whole, names
        self.lease_s = whole.lease_s
        self._views, self._values = _views(whole._schema, names)

    def close(self) -> None:
        """Nothing: the whole catalog is closed by its owner."""

    def now(self) -> float:
        """As of the whole one."""
        return self._whole.now()

    def require_writable(self) -> None:
        """As the whole one."""
        self._whole.require_writable()

    def key_for(self, sha256: str, collection: str) -> str:
        """The hash of the source which an ingest of these bytes into a collection is about: the
        one that is in it already, else the copy that is kept apart for it."""
        return self._held(sha256, collection) or hash_apart(sha256, collection)

    def binned(self) -> list[BinnedSource]:
        """What of the bin was in these collections and in no other."""
        seen = set(self._names)
        return [b for b in super().binned() if b.collections and seen.issuperset(b.collections)]

    def every_collection_of(self, source: str) -> list[str]:
        """The collections of one source, hidden ones too: for what is written."""
        return self._whole.collections_of(source)

    def _rows_of(self, table: str, sha256: str) -> list[dict[str, Any]]:
        return self._whole._rows_of(table, sha256)  # they are written back whole

    def _one(self, sql: str, *values: Any) -> Row | None:
        return self._whole._one(f"{self._views} {sql}", *self._values, *values)

    def _all(self, sql: str, *values: Any) -> list[Row]:
        return self._whole._all(f"{self._views} {sql}", *self._values, *values)

    def _writing(self) -> AbstractContextManager[Transaction]:
        return self._whole._writing()

    def ingested_by(self, source: str) -> str:
        """As the whole catalog says."""
        return self._whole.ingested_by(source)

    def _take(self, db: Transaction, sha256: str) -> None:
        self._whole._take(db, sha256)

    def _own(self, db: Transaction, sha256: str) -> None:
        self._whole._own(db, sha256)

    def _check(self, db: Transaction, sha256: str) -> None:
        self._whole._check(db, sha256)

    def _let_go(self, db: Transaction, sha256: str) -> None:
        self._whole._let_go(db, sha256)

    def _hold_bytes(self, db: Transaction, sha256: str) -> None:
        self._whole._hold_bytes(db, sha256)


def _views(schema: str, names: tuple[str, ...]) -> tuple[str, list[str]]:
    """The visible tables, as they stand before a query, and the values of their placeholders.

    `schema` stands before the name of a real table, where a table that is defined here would be
    taken for it otherwise.
    """
    marks = ", ".join("?" * len(names))
    visible = "EXISTS (SELECT 1 FROM sources v WHERE v.sha256 = t.sha256)"
    named = f"WHERE name IN ({marks})"
    tables = {
        "collections": f"SELECT * FROM {schema}collections {named}",
        "sources": f"SELECT * FROM {schema}sources t"
        " WHERE EXISTS (SELECT 1 FROM collections c WHERE c.sha256 = t.sha256)",
        "paths": f"SELECT * FROM {schema}paths t WHERE {visible}",
        "collection_counts": f"SELECT * FROM {schema}collection_counts {named}",
        "library_counts": _counts(schema, named, several=len(names) > 1),
    }
    tables |= {t: f"SELECT * FROM {schema}{t} t WHERE {visible}" for t in _OF_SOURCES}
    tables |= {t: f"SELECT * FROM {schema}{t} WHERE 1 = 0" for t in _OF_NOBODY}
    kind = "AS" if schema and sqlite3.sqlite_version_info < (3, 35) else "AS NOT MATERIALIZED"
    views = ", ".join(f"{name} {kind} ({sql})" for name, sql in tables.items())
    return f"WITH {views}", [*names, *names, *names, *(names if len(names) > 1 else ())]


def _counts(schema: str, named: str, *, several: bool) -> str:
    """Sources and segments of the visible collections: the sum of their counts, less what stands in
    several of them."""
    counts = f"SELECT state, pipeline, sources, segments FROM {schema}collection_counts {named}"
    if not several:
        return counts
    again = (
        f"SELECT c.sha256, 1 - count(*) AS n FROM {schema}shared_sources d"
        f" JOIN {schema}collections c ON c.sha256 = d.sha256 {named}"
        " GROUP BY c.sha256 HAVING count(*) > 1"
    )
    return (
        f"{counts} UNION ALL SELECT s.state, s.pipeline, m.n, m.n * s.segments"
        f" FROM ({again}) m JOIN {schema}sources s ON s.sha256 = m.sha256"
    )
