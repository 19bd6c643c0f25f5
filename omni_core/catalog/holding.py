"""How much of each source the index must hold, and what becomes of one that lost some of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from omni_core.catalog.database import Transaction
from omni_core.catalog.groups import Groups, end_groups
from omni_core.catalog.rows import count, texts
from omni_core.errors import StoreError

ASKED_AT_ONCE = 500
LOST = "the index has lost"
"""How the warning of a source begins whose segments are not all in the index."""
WAS_DAMAGED = "its row in the catalog was damaged"
"""How that of a source begins whose row was filled with what is known."""


class Holding(Groups):
    """Reads and writes for the comparison of catalog and index."""

    def holdings(self) -> dict[str, int]:
        """The segments that the index must hold of every source that nobody ingests now, by id."""
        rows = self._all("SELECT id, segments FROM sources WHERE state IN ('ready', 'partial')")
        return {str(r["id"]): count(r["segments"]) for r in rows}

    def kept_ids(self, ids: Sequence[str]) -> set[str]:
        """Those of these ids of which something may lie in the store, such as thumbnails: sources,
        and what is in the bin."""
        found: set[str] = set()
        for i in range(0, len(ids), ASKED_AT_ONCE):
            some = ids[i : i + ASKED_AT_ONCE]
            marks = ", ".join("?" * len(some))
            for table in ("sources", "bin"):
                rows = self._all(f"SELECT id FROM {table} WHERE id IN ({marks})", *some)  # noqa: S608 - ours
                found |= {str(r["id"]) for r in rows}
        return found

    def mark_lost(self, found: Mapping[str, int]) -> list[str]:
        """Make partial what has fewer segments in the index than it should; returns the ids.

        `found`: how many there are, by the id of the source. What changed meanwhile, or is being
        ingested, stays as it is. Ingesting a file again completes its source from the beginning.
        """
        marked = []
        with self._writing() as db:
            for id_, there in found.items():
                if self._mark_lost(db, id_, there):
                    marked.append(id_)
        return marked

    def _mark_lost(self, db: Transaction, id_: str, there: int) -> bool:
        row = db.execute(
            "SELECT sha256, segments, progress, warnings FROM sources"
            " WHERE id = ? AND state IN ('ready', 'partial')",
            (id_,),
        ).fetchone()
        if row is None or (should := count(row["segments"])) <= there:
            return False
        try:
            self._take(db, row["sha256"])
        except StoreError:  # another process is at it
            return False
        end_groups(db, row["sha256"])
        db.execute("DELETE FROM readers WHERE sha256 = ?", (row["sha256"],))
        line = f"{LOST} {should - there} of its {should} segments: ingest the file again"
        others = [w for w in texts(row["warnings"]) if not w.startswith(LOST)]
        db.execute(
            "UPDATE sources SET state = 'partial', stage = 'done', resume = '{}', segments = ?,"
            " progress = ?, empty = '', warnings = ? WHERE sha256 = ?",
            (there, there / should, json.dumps([line, *others], ensure_ascii=False), row["sha256"]),
        )
        return True


def lost_note(warnings: tuple[str, ...]) -> str:
    """The warning that a source has lost segments or its row; "" where it has not."""
    return next((w for w in warnings if w.startswith((LOST, WAS_DAMAGED))), "")
