"""The catalog's queries."""

from __future__ import annotations

import builtins
from collections.abc import Collection
from datetime import datetime
from typing import Any

from omni_core.catalog import rows, schema
from omni_core.catalog.database import Database
from omni_core.catalog.query import (
    MISSING,
    OUTDATED,
    Selection,
    SortKey,
    fold,
    named_exactly,
    select,
)
from omni_core.errors import NotFoundError
from omni_core.ids import PIPELINE, is_id_shaped
from omni_core.types import SourceRow

MOST_FOUND = 50
"""Most sources that `find` returns."""


class Reads(Database):
    """Queries; `Catalog` adds the writes."""

    def get_meta(self, key: str) -> str | None:
        """A value about the whole store, such as the `fingerprint` of its model."""
        found = self._one("SELECT value FROM meta WHERE key = ?", key)
        return None if found is None else str(found[0])

    def get(self, source: str) -> SourceRow | None:
        """The source with this id (`src_...`) or sha256."""
        found = self._one(f"{schema.SELECT} WHERE s.sha256 = ? OR s.id = ?", source, source)
        return None if found is None else rows.row(found)

    def ids(self) -> set[str]:
        """The ids of all sources."""
        return {str(r["id"]) for r in self._all("SELECT id FROM sources")}

    def get_many(self, ids: Collection[str]) -> dict[str, SourceRow]:
        """The known sources among these ids (`src_...`), by id; one query."""
        if not ids:
            return {}
        found = self._all(f"{schema.SELECT} WHERE s.id IN ({_placeholders(ids)})", *ids)
        return {row.id: row for row in map(rows.row, found)}

    def with_duplicate_title(self, ids: Collection[str]) -> set[str]:
        """Those of these ids whose title is also the title or a file name of another source."""
        if not ids:
            return set()
        same = "o.folded = s.folded AND o.sha256 <> s.sha256)"
        copy = "o.content <> '' AND o.file_name = s.folded AND o.sha256 <> s.sha256)"
        found = self._all(
            f"SELECT s.id FROM sources s WHERE s.id IN ({_placeholders(ids)}) AND s.folded <> ''"  # noqa: S608 - ours
            f" AND (EXISTS (SELECT 1 FROM sources o WHERE {same}"
            f" OR EXISTS (SELECT 1 FROM paths o WHERE {same}"
            f" OR EXISTS (SELECT 1 FROM sources o WHERE {copy})",
            *ids,
        )
        return {r["id"] for r in found}

    def by_path(
        self, path: str, *, size: int, mtime_ns: int, ctime_ns: int = 0, inode: int = 0
    ) -> str | None:
        """The sha256 of an unchanged file, without reading it; None when it must be hashed.

        Size and mtime can be forged by whoever changes the file, ctime cannot.
        """
        found = self._one(
            "SELECT sha256 FROM paths WHERE path = ? AND size = ? AND mtime_ns = ?"
            " AND ctime_ns = ? AND inode = ?",
            path, size, mtime_ns, ctime_ns, inode,
        )  # fmt: skip
        return None if found is None else str(found[0])

    def paths(self, source: str) -> list[str]:
        """Every path at which its bytes were ingested."""
        sha256 = self._sha256(source)
        found = self._all(
            "SELECT path FROM paths WHERE sha256 = ?"
            " UNION SELECT uri FROM sources WHERE sha256 = ? AND content <> '' ORDER BY path",
            sha256, sha256,
        )  # fmt: skip
        return [rows.shown(r[0]) for r in found]

    def is_path_known(self, path: str) -> bool:
        """Whether a source was ingested from this path, copies that are kept apart included."""
        found = self._one(
            "SELECT 1 FROM paths WHERE path = ?"
            " UNION ALL SELECT 1 FROM sources WHERE uri = ? AND content <> ''",
            path, path,
        )  # fmt: skip
        return found is not None

    def collections(self) -> dict[str, int]:
        """The number of sources of every collection, by name."""
        found = self._all(
            "SELECT name, sum(sources) AS sources FROM collection_counts"
            " GROUP BY name HAVING sum(sources) > 0 ORDER BY name"
        )
        return {rows.shown(r["name"]): int(r["sources"]) for r in found}

    def collections_of(self, source: str) -> list[str]:
        """The collections of one source."""
        found = self._all(
            "SELECT name FROM collections WHERE sha256 = ? ORDER BY name", self._sha256(source)
        )
        return [rows.shown(r[0]) for r in found]

    def every_collection_of(self, source: str) -> list[str]:
        """The collections of one source, whatever a caller may see: for what is written."""
        return self.collections_of(source)

    def totals(self, collection: str = "") -> tuple[int, int]:
        """Number of sources and of segments, in a collection or ("") in the library."""
        return self._counted(collection)

    def count(self, collection: str = "", *, state: str) -> int:
        """Number of sources in a state, `missing` or `outdated`; in a collection or ("") in all."""
        if state == MISSING:
            return self._count(select(collection=collection, state=state))
        if state == OUTDATED:
            return self._counted(collection, "state = 'ready' AND pipeline <> ?", PIPELINE)[0]
        return self._counted(collection, "state = ?", state)[0]

    def find(self, wanted: str, collection: str = "") -> builtins.list[SourceRow]:
        """The source with this id, sha256 or path; else those with this title or file name; else
        those whose title or file name contains `wanted`; at most `MOST_FOUND`. What has the shape
        of an id is only looked for among the ids."""
        id_shaped = is_id_shaped(wanted)
        named = self.get(wanted.strip().casefold() if id_shaped else wanted)
        named = named or (None if id_shaped else self.source_at(wanted, collection))
        if named is not None:
            return [named] if not collection or collection in named.collections else []
        key = fold(wanted)
        if not key or id_shaped:
            return []
        return self._found(named_exactly(key, collection)) or self._found(
            select(match=wanted, collection=collection)
        )

    def exactly(self, wanted: str) -> builtins.list[SourceRow]:
        """The source with this id, sha256 or path; else those with this whole title or file name,
        in any letters' case."""
        if is_id_shaped(wanted):
            return self.find(wanted)
        named = self.source_at(wanted)
        key = fold(wanted)
        return [named] if named else self._found(named_exactly(key)) if key else []

    def source_at(self, path: str, collection: str = "") -> SourceRow | None:
        """The source whose bytes this path held when it was last ingested. Of several, since copies
        are kept apart, the one in `collection`, else the source itself, else the newest copy."""
        found = self._one(
            f"{schema.SELECT} WHERE s.sha256 IN (SELECT sha256 FROM paths WHERE path = ?"  # noqa: S608 - ours
            " UNION SELECT sha256 FROM sources WHERE content <> '' AND uri = ?)"
            " ORDER BY EXISTS (SELECT 1 FROM collections c WHERE c.sha256 = s.sha256"
            " AND c.name = ?) DESC, s.content <> '', s.ingested_at DESC, s.sha256 LIMIT 1",
            path, path, collection,
        )  # fmt: skip
        return None if found is None else rows.row(found)

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
        selected = select(
            match=match, collection=collection, state=state, since=recorded_from,
            before=recorded_to,
        )  # fmt: skip
        if match or recorded_from or recorded_to:
            total = self._count(selected)
        elif state:
            total = self.count(collection, state=state)
        else:
            total, _ = self.totals(collection)
        if not total:
            return [], 0, None
        page = selected.after(after)
        found = self._all(schema.COLUMNS + page.first, *page.values, limit + 1)
        shown = found[:limit]
        more = len(found) > limit
        last = (str(shown[-1]["ingested_at"]), str(shown[-1]["sha256"])) if more else None
        return [rows.row(r) for r in shown], total, last

    def _found(self, selected: Selection) -> builtins.list[SourceRow]:
        found = self._all(schema.COLUMNS + selected.first, *selected.values, MOST_FOUND)
        return [rows.row(r) for r in found]

    def _count(self, selected: Selection) -> int:
        found = self._one(f"SELECT count(*) AS n{selected.sql}", *selected.values)
        return 0 if found is None else int(found["n"])

    def _counted(self, collection: str, where: str = "", *values: Any) -> tuple[int, int]:
        """Sources and segments, by the counters."""
        conditions = [c for c in ("name = ?" if collection else "", where) if c]
        sql = "SELECT coalesce(sum(sources), 0) AS sources, coalesce(sum(segments), 0) AS segments"
        sql += f" FROM {'collection' if collection else 'library'}_counts"
        sql += f" WHERE {' AND '.join(conditions)}" if conditions else ""
        found = self._one(sql, *([collection] if collection else []), *values)
        return (0, 0) if found is None else (int(found["sources"]), int(found["segments"]))

    def _sha256(self, source: str) -> str:
        found = self._one("SELECT sha256 FROM sources WHERE sha256 = ? OR id = ?", source, source)
        if found is None:
            raise NotFoundError(f"no source {source}; ingest it first", code="UNKNOWN_SOURCE")
        return str(found[0])


def _placeholders(values: Collection[str]) -> str:
    return ", ".join("?" * len(values))
