"""The bin: what was forgotten, with its rows and its points, until it is emptied.

Steps of an entry: `copying` (its points are being copied; the source is whole), `moving` (the copy
is whole; the source is on its way out), `kept`, `restoring` (the source is on its way back). Each
change is one transaction, so that after a crash an entry says what is to be done: a copy that is
not whole is dropped, a source on its way out goes out, one on its way back stays in the bin.
"""

from __future__ import annotations

import json
from typing import Any

from omni_core.catalog.database import Row, Transaction
from omni_core.catalog.members import Members
from omni_core.catalog.rows import count, mapping, shown
from omni_core.catalog.tables import TABLES
from omni_core.errors import NotFoundError, StoreError
from omni_core.types import BinnedSource

_OF_SOURCE = ("sources", "paths", "collections", "speakers", "turns")
_FACTS = (
    "SELECT b.sha256, b.id, b.title, b.uri, b.segments, b.model, b.pipeline, b.state, b.at, b.step,"
    " b.rows,"
    " coalesce((SELECT sum(length(p.body)) FROM bin_points p WHERE p.sha256 = b.sha256), 0)"
    " AS size FROM bin b"
)


class Binned(Members):
    """Reads and writes the bin."""

    def binned(self) -> list[BinnedSource]:
        """What is in the bin and can be brought back, the newest first."""
        rows = self._all(f"{_FACTS} WHERE b.step = 'kept' ORDER BY b.at DESC, b.sha256")
        return [_entry(r) for r in rows]

    def binned_source(self, source: str) -> BinnedSource | None:
        """The entry of a source (id or sha256) that can be brought back."""
        found = self._one(
            f"{_FACTS} WHERE b.step = 'kept' AND (b.sha256 = ? OR b.id = ?)", source, source
        )
        return None if found is None else _entry(found)

    def unfinished_in_bin(self) -> list[tuple[BinnedSource, str]]:
        """Entries on their way into or out of the bin, and their step."""
        rows = self._all(f"{_FACTS} WHERE b.step <> 'kept'")
        return [(_entry(r), str(r["step"])) for r in rows]

    def bin_step(self, sha256: str) -> str:
        """How far the entry of a source is: `copying`, `moving`, `kept`, `restoring`; "" without
        one."""
        found = self._one("SELECT step FROM bin WHERE sha256 = ?", sha256)
        return "" if found is None else str(found["step"])

    def begin_binning(self, source: str) -> None:
        """Begin to copy the points of a source; no other process ingests it meanwhile. Raises
        StoreError BUSY while one does."""
        with self._writing() as db:
            sha256 = self._sha256(source)
            self._take(db, sha256)
            _drop(db, sha256)
            db.execute(
                "INSERT INTO bin (sha256, id, title, uri, segments, model, pipeline, state, at,"
                " step, rows) SELECT sha256, id, title, uri, segments, model, pipeline, state, ?,"
                " 'copying', '' FROM sources WHERE sha256 = ?",
                (self.now(), sha256),
            )
            self._own(db, sha256)

    def keep_in_bin(self, sha256: str, number: int, points: bytes) -> None:
        """Add some of the points of a source, as bytes."""
        with self._writing() as db:
            self._check(db, sha256)
            db.execute("INSERT INTO bin_points VALUES (?, ?, ?)", (sha256, number, points))

    def fill_bin(self, sha256: str) -> None:
        """The points are copied: keep the rows too. The source leaves the library from now on."""
        rows = {table: self._rows_of(table, sha256) for table in _OF_SOURCE}
        with self._writing() as db:
            self._check(db, sha256)
            db.execute(
                "UPDATE bin SET rows = ?, step = 'moving' WHERE sha256 = ?",
                (json.dumps(rows, ensure_ascii=False), sha256),
            )

    def end_binning(self, sha256: str) -> None:
        """The source has left the library."""
        with self._writing() as db:
            db.execute("UPDATE bin SET step = 'kept' WHERE sha256 = ?", (sha256,))

    def begin_restoring(self, sha256: str, *, whole: bool) -> bool:
        """Put the rows of a source back, as one that is being ingested; with `whole` false as one
        without points, which is all that comes back. What the library has of it in part since is
        replaced by a whole one; its paths and collections stay. It comes back into no collection
        that has the same bytes as another source by now. Returns whether it was there in part.
        Raises NotFoundError where it is not in the bin, StoreError BUSY where the library has the
        source already, or another one in each of its collections."""
        with self._writing() as db:
            self._take(db, sha256)
            found = db.execute("SELECT rows FROM bin WHERE sha256 = ?", (sha256,)).fetchone()
            taken = db.execute(
                "UPDATE bin SET step = 'restoring' WHERE sha256 = ? AND step = 'kept'", (sha256,)
            )
            if found is None or not taken.rowcount:
                raise NotFoundError("that is not in the bin any more", code="UNKNOWN_SOURCE")
            now = db.execute("SELECT state FROM sources WHERE sha256 = ?", (sha256,)).fetchone()
            if now is not None and (now["state"] == "ready" or not whole):
                raise StoreError("this source is in the library again", code="BUSY")
            rows: dict[str, list[dict[str, Any]]] = json.loads(found["rows"])
            self._leave_out_taken(db, sha256, rows)
            for table in ("paths", "collections") if now is not None else ():
                rows[table] = [*self._rows_of(table, sha256), *rows[table]]
            db.execute("DELETE FROM sources WHERE sha256 = ?", (sha256,))
            for row in rows["sources"]:
                row |= {"state": "processing", "stage": "restoring", "segments": 0, "resume": "{}"}
            for table in _OF_SOURCE:
                for row in rows[table]:
                    _insert(db, table, row)
            paths = [(row["path"],) for row in rows["paths"]]
            db.executemany("DELETE FROM passed_over WHERE path = ? AND code = 'FORGOTTEN'", paths)
            if whole:
                self._own(db, sha256)
            else:
                db.execute(
                    "UPDATE sources SET state = 'partial', stage = 'done', progress = 0"
                    " WHERE sha256 = ?",
                    (sha256,),
                )
                _drop(db, sha256)
            return now is not None

    def _leave_out_taken(
        self, db: Transaction, sha256: str, rows: dict[str, list[dict[str, Any]]]
    ) -> None:
        """Leave out of the rows of a forgotten source the collections that have its bytes again."""
        content = next((str(r["content"]) for r in rows["sources"] if r.get("content")), "")
        self._hold_bytes(db, content or sha256)
        names = {str(row["name"]) for row in rows["collections"]}
        taken = self.taken(sha256, content, names)
        if taken and taken == names:
            raise StoreError("this source is in the library again", code="BUSY")
        rows["collections"] = [r for r in rows["collections"] if r["name"] not in taken]

    def bin_parts(self, sha256: str) -> list[int]:
        """The numbers of the parts in which the points of a source are kept."""
        rows = self._all("SELECT number FROM bin_points WHERE sha256 = ? ORDER BY number", sha256)
        return [int(r["number"]) for r in rows]

    def bin_part(self, sha256: str, number: int) -> bytes:
        """One of these parts."""
        found = self._one(
            "SELECT body FROM bin_points WHERE sha256 = ? AND number = ?", sha256, number
        )
        if found is None:
            raise StoreError("the bin lost a part of this source; ingest its file again")
        return bytes(found["body"])

    def end_restoring(self, sha256: str) -> None:
        """The points are back: the source is what it was."""
        with self._writing() as db:
            self._check(db, sha256)
            db.execute(
                "UPDATE sources SET state = (SELECT b.state FROM bin b WHERE b.sha256 = ?),"
                " segments = (SELECT b.segments FROM bin b WHERE b.sha256 = ?), stage = 'done'"
                " WHERE sha256 = ?",
                (sha256, sha256, sha256),
            )
            _drop(db, sha256)
            self._let_go(db, sha256)

    def take_over(self, sha256: str) -> None:
        """Own a source that another process left on its way into or out of the bin, where the
        library has it. Raises StoreError BUSY while another process is at it."""
        with self._writing() as db:
            self._take(db, sha256)
            if db.execute("SELECT 1 FROM sources WHERE sha256 = ?", (sha256,)).fetchone():
                self._own(db, sha256)

    def undo_restoring(self, sha256: str) -> None:
        """Its points are deleted again: the source stays in the bin."""
        with self._writing() as db:
            db.execute("DELETE FROM sources WHERE sha256 = ?", (sha256,))
            db.execute("UPDATE bin SET step = 'kept' WHERE sha256 = ?", (sha256,))
            self._let_go(db, sha256)

    def paths_in_bin(self, sha256: str) -> list[str]:
        """The paths of a forgotten source."""
        found = self._one("SELECT rows FROM bin WHERE sha256 = ? AND rows <> ''", sha256)
        if found is None:
            return []
        rows = json.loads(found["rows"])
        paths = [str(row["path"]) for row in rows["paths"]]
        return [*paths, *(str(row["uri"]) for row in rows["sources"] if row.get("content"))]

    def drop_from_bin(self, sha256: str) -> None:
        """Delete an entry for good, whatever its step."""
        with self._writing() as db:
            _drop(db, sha256)

    def drop_kept(self, sha256: str, forgotten_at: float) -> bool:
        """Delete an entry for good; False where it is another one by now, on its way back, or
        gone."""
        with self._writing() as db:
            gone = db.execute(
                "DELETE FROM bin WHERE sha256 = ? AND step = 'kept' AND at = ?",
                (sha256, forgotten_at),
            )
            return bool(gone.rowcount)

    def _rows_of(self, table: str, sha256: str) -> list[dict[str, Any]]:
        key, others = TABLES[table]
        names = ", ".join(f'"{name}"' for name in (*key, *others))
        found = self._all(f"SELECT {names} FROM {table} WHERE sha256 = ?", sha256)  # noqa: S608 - ours
        return [{name: _plain(r[name]) for name in (*key, *others)} for r in found]


def _insert(db: Transaction, table: str, row: dict[str, Any]) -> None:
    names = ", ".join(f'"{name}"' for name in row)
    marks = ", ".join("?" * len(row))
    db.execute(
        f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING",  # noqa: S608
        list(row.values()),
    )


def _drop(db: Transaction, sha256: str) -> None:
    db.execute("DELETE FROM bin_points WHERE sha256 = ?", (sha256,))
    db.execute("DELETE FROM bin WHERE sha256 = ?", (sha256,))


def _plain(value: Any) -> Any:
    """A value of a row; of a text that is damaged, what can be shown of it."""
    return shown(value) if isinstance(value, (str, bytes)) else value


def _entry(r: Row) -> BinnedSource:
    rows = mapping(r["rows"])  # of a copy that is not whole yet there are none
    return BinnedSource(
        id=r["id"], sha256=r["sha256"], title=shown(r["title"]), uri=shown(r["uri"]),
        segments=count(r["segments"]),
        size=int(r["size"]), forgotten_at=float(r["at"]), state=shown(r["state"]),
        model=shown(r["model"]), pipeline=shown(r["pipeline"]),
        collections=tuple(str(c["name"]) for c in rows.get("collections", ())),
        content="".join(str(s.get("content") or "") for s in rows.get("sources", ())),
    )  # fmt: skip
