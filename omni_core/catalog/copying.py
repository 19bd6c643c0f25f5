"""Copies a whole catalog into another one, of either kind, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from omni_core.catalog import writes
from omni_core.catalog.database import Transaction
from omni_core.catalog.postgres_stops import PREFIX
from omni_core.catalog.store import Catalog
from omni_core.catalog.tables import TABLES
from omni_core.errors import StoreError

PAGE = 500
LIBRARY = "library"
"""Key of `meta`: the id of the library."""


def copy_catalog(old: Catalog, new: Catalog, meta: Mapping[str, str]) -> dict[str, int]:
    """Make `new` hold what `old` holds, and this of `meta`; returns the rows of each table.

    All or nothing. Raises StoreError FOREIGN_CATALOG when `new` holds another library.
    """
    refuse_foreign(old, new)
    rows: dict[str, int] = {}
    with new._writing() as db:
        for table in reversed(TABLES):
            db.execute(f"DELETE FROM {table}")  # noqa: S608 - ours
        for table in TABLES:
            rows[table] = _copy(old, db, table)
        # requests to processes, as leases, are not the library's
        db.execute("DELETE FROM meta WHERE key LIKE ?", (f"{PREFIX}%",))
        for key, value in meta.items():
            writes.put_meta(db, key, value)
    return rows


def refuse_foreign(old: Catalog, new: Catalog) -> None:
    """Raise StoreError FOREIGN_CATALOG when `new` holds another library than `old`."""
    theirs, ours = new.get_meta(LIBRARY), old.get_meta(LIBRARY)
    sources, _ = new.totals()
    if sources and theirs != ours:
        raise StoreError(
            f"the other catalog holds another library, of {sources} sources; name an empty one "
            "(catalog_schema, or another database)",
            code="FOREIGN_CATALOG",
        )


def _copy(old: Catalog, db: Transaction, table: str) -> int:
    key, others = TABLES[table]
    columns = ", ".join(f'"{name}"' for name in (*key, *others))
    marks = ", ".join("?" * (len(key) + len(others)))
    insert = f"INSERT INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608 - ours
    count = 0
    for page in _pages(old, table, key, columns):
        db.executemany(insert, page)
        count += len(page)
    return count


def _pages(
    old: Catalog, table: str, key: tuple[str, ...], columns: str
) -> Iterator[list[tuple[Any, ...]]]:
    names = ", ".join(f'"{name}"' for name in key)
    order = f" ORDER BY {names} LIMIT {PAGE}"
    after: tuple[Any, ...] = ()
    while True:
        where = f" WHERE ({names}) > ({', '.join('?' * len(key))})" if after else ""
        rows = old._all(f"SELECT {columns} FROM {table}{where}{order}", *after)  # noqa: S608 - ours
        page = [tuple(row[i] for i in range(columns.count('"') // 2)) for row in rows]
        if page:
            yield page
        if len(page) < PAGE:
            return
        after = page[-1][: len(key)]
