"""The catalog's queries."""

from __future__ import annotations

import builtins
from collections.abc import Collection
from datetime import datetime
from functools import partial

from omni_core.catalog import schema
from omni_core.catalog.database import Database
from omni_core.catalog.query import SortKey, fold, where
from omni_core.errors import NotFoundError
from omni_core.types import SourceRow


class Reads(Database):
    """Queries; `Catalog` adds the writes."""

    def get_meta(self, key: str) -> str | None:
        """A value about the whole store, such as the `fingerprint` of its model."""
        found = self._one("SELECT value FROM meta WHERE key = ?", key)
        return None if found is None else str(found[0])

    def get(self, source: str) -> SourceRow | None:
        """The source with this id (`src_...`) or sha256."""
        found = self._one(f"{schema.SELECT} WHERE s.sha256 = ? OR s.id = ?", source, source)
        return None if found is None else schema.row(found)

    def get_many(self, ids: Collection[str]) -> dict[str, SourceRow]:
        """The known sources among these ids (`src_...`), by id; one query."""
        rows = self._all(f"{schema.SELECT} WHERE s.id IN ({_placeholders(ids)})", *ids)
        return {r["id"]: schema.row(r) for r in rows}

    def with_duplicate_title(self, ids: Collection[str]) -> set[str]:
        """Those of these ids whose title is also the title or a file name of another source."""
        same = "o.folded = s.folded AND o.sha256 <> s.sha256)"
        rows = self._all(
            f"SELECT s.id FROM sources s WHERE s.id IN ({_placeholders(ids)}) AND s.folded <> ''"  # noqa: S608 - ours
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
        """Every path at which its bytes were ingested."""
        rows = self._all(
            "SELECT path FROM paths WHERE sha256 = ? ORDER BY path", self._sha256(source)
        )
        return [r[0] for r in rows]

    def collections(self) -> dict[str, int]:
        """The number of sources of every collection, by name."""
        rows = self._all("SELECT name, count(*) FROM collections GROUP BY name ORDER BY name")
        return {r[0]: r[1] for r in rows}

    def collections_of(self, source: str) -> list[str]:
        """The collections of one source."""
        rows = self._all(
            "SELECT name FROM collections WHERE sha256 = ? ORDER BY name", self._sha256(source)
        )
        return [r[0] for r in rows]

    def totals(self, collection: str = "") -> tuple[int, int]:
        """Number of sources and of segments, in a collection or ("") in the library."""
        clause, values = where(collection=collection)
        found = self._one(f"SELECT count(*), total(segments) FROM sources s{clause}", *values)  # noqa: S608
        return (0, 0) if found is None else (int(found[0]), int(found[1]))

    def count(self, collection: str = "", *, state: str) -> int:
        """Number of sources in a state, `missing` or `outdated`; in a collection or ("") in all."""
        clause, values = where(collection=collection, state=state)
        found = self._one(f"SELECT count(*) FROM sources s{clause}", *values)  # noqa: S608
        return 0 if found is None else int(found[0])

    def find(self, wanted: str, collection: str = "") -> builtins.list[SourceRow]:
        """The source with this id, sha256 or path; else those with this title or file name; else
        those whose title or file name contains `wanted`; at most 50."""
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
        after: SortKey | None = None,
    ) -> tuple[builtins.list[SourceRow], int, SortKey | None]:
        """A page of sources, newest ingest first; the total over all pages; and `after` of the next
        page, None for the last one."""
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

    def _sha256(self, source: str) -> str:
        found = self._one("SELECT sha256 FROM sources WHERE sha256 = ? OR id = ?", source, source)
        if found is None:
            raise NotFoundError(f"no source {source}; ingest it first", code="UNKNOWN_SOURCE")
        return str(found[0])


def _placeholders(values: Collection[str]) -> str:
    return ", ".join("?" * len(values))
