"""How much of each source the index must hold, and what becomes of one that lost some of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from omni_core.catalog.database import Row, Transaction
from omni_core.catalog.groups import Groups, end_groups
from omni_core.catalog.rows import count, mapping, shown, texts
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
        return self._known(ids, "SELECT id FROM sources", "SELECT id FROM bin")

    def indexed_ids(self, ids: Sequence[str]) -> set[str]:
        """Those of these ids of which something may be in the index: sources, and what is on its
        way into the bin or out of it."""
        moving = "SELECT id FROM (SELECT id FROM bin WHERE step <> 'kept') AS moving"
        return self._known(ids, "SELECT id FROM sources", moving)

    def _known(self, ids: Sequence[str], *queries: str) -> set[str]:
        found: set[str] = set()
        for i in range(0, len(ids), ASKED_AT_ONCE):
            some = ids[i : i + ASKED_AT_ONCE]
            marks = ", ".join("?" * len(some))
            for query in queries:
                found |= {str(r["id"]) for r in self._all(f"{query} WHERE id IN ({marks})", *some)}
        return found

    def expected(self) -> dict[str, int]:
        """The segments that every source had before the index lost some of them, by id; those that
        did not lose any are left out."""
        rows = self._all(
            "SELECT id, model, pipeline, resume FROM sources WHERE state = 'partial' AND"
            " substr(resume, 1, ?) = ?",
            len(_MARK),
            _MARK,
        )
        found = ((str(r["id"]), before(r["resume"])) for r in rows)
        return {id_: count(was["segments"]) for id_, was in found if was}

    def mark_lost(self, found: Mapping[str, int]) -> list[str]:
        """Make partial what has fewer segments in the index than it should; returns the ids.

        `found`: how many there are, by the id of the source. What changed meanwhile, or is being
        ingested, stays as it is. What the row said before is kept: `mark_whole` writes it back.
        Ingesting a file again completes its source from the beginning.
        """
        marked = []
        with self._writing() as db:
            for id_, there in found.items():
                if self._mark_lost(db, id_, there):
                    marked.append(id_)
        return marked

    def mark_whole(self, found: Mapping[str, int]) -> list[str]:
        """Make what it was before what has all of its segments in the index again, where the same
        model and pipeline made them; returns the ids. `found`: as for `mark_lost`."""
        marked = []
        with self._writing() as db:
            for id_, there in found.items():
                if self._mark_whole(db, id_, there):
                    marked.append(id_)
        return marked

    def _mark_lost(self, db: Transaction, id_: str, there: int) -> bool:
        row = self._idle(db, id_)
        if row is None:
            return False
        was = before(row["resume"]) or {name: row[name] for name in _KEPT}
        should = count(was["segments"])
        if should <= there or (before(row["resume"]) and count(row["segments"]) == there):
            return False
        end_groups(db, row["sha256"])
        db.execute("DELETE FROM readers WHERE sha256 = ?", (row["sha256"],))
        line = f"{LOST} {should - there} of its {should} segments: ingest the file again"
        others = [w for w in texts(row["warnings"]) if not w.startswith(LOST)]
        db.execute(
            "UPDATE sources SET state = 'partial', stage = 'done', resume = ?, segments = ?,"
            " progress = ?, empty = '', warnings = ? WHERE sha256 = ?",
            (
                f"{_MARK}{json.dumps(was, ensure_ascii=False, default=shown)}}}", there,
                there / should, json.dumps([line, *others], ensure_ascii=False), row["sha256"],
            ),
        )  # fmt: skip
        return True

    def _mark_whole(self, db: Transaction, id_: str, there: int) -> bool:
        row = self._idle(db, id_)
        was = None if row is None else before(row["resume"])
        if row is None or not was or there < count(was["segments"]):
            return False
        if any(row[name] != was[name] for name in ("model", "pipeline")):
            return False
        names = [name for name in _KEPT if name not in ("model", "pipeline")]
        db.execute(
            f"UPDATE sources SET {', '.join(f'{n} = ?' for n in names)}, resume = '{{}}'"  # noqa: S608
            " WHERE sha256 = ?",
            (*(was[name] for name in names), row["sha256"]),
        )
        return True

    def _idle(self, db: Transaction, id_: str) -> Row | None:
        """The row of a source that nobody ingests."""
        row = db.execute(
            f"SELECT sha256, resume, {', '.join(_KEPT)} FROM sources"  # noqa: S608 - ours
            " WHERE id = ? AND state IN ('ready', 'partial')",
            (id_,),
        ).fetchone()
        if row is None:
            return None
        try:
            self._take(db, row["sha256"])
        except StoreError:  # another process is at it
            return None
        return row


_KEPT = ("state", "segments", "progress", "empty", "warnings", "model", "pipeline")
"""What is kept of a row that is marked: columns."""
_MARK = '{"lost": '
"""How the column `resume` of such a row begins, in JSON."""


def before(resume: object) -> dict[str, Any]:
    """What the row of a source was before segments of it were lost, by column, from its column
    `resume`; empty where none were."""
    if not isinstance(resume, str) or not resume.startswith(_MARK):
        return {}
    was = mapping(resume).get("lost")
    whole = isinstance(was, dict) and all(name in was for name in _KEPT)
    return dict(was) if isinstance(was, dict) and whole else {}


def lost_note(warnings: tuple[str, ...]) -> str:
    """The warning that a source has lost segments or its row; "" where it has not."""
    return next((w for w in warnings if w.startswith((LOST, WAS_DAMAGED))), "")
