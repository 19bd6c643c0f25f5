"""What the catalog knows of files on disk: known, gone, moved, replaced, passed over."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from omni_core.catalog import rows, schema
from omni_core.catalog.query import fold
from omni_core.catalog.reads import Reads
from omni_core.ids import PIPELINE
from omni_core.types import SourceRow


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file that was ingested, or passed over; `source` and `state` are "" for the latter."""

    path: str
    size: int
    mtime_ns: int
    source: str = ""
    state: str = ""
    pipeline: str = ""
    """The version that read it, or could not."""
    in_collection: bool = False
    gone: bool = False
    code: str = ""
    """Why it was passed over."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A source whose path is now another one."""

    source: str
    old: str
    new: str


class WatchedFiles(Reads):
    """Queries and writes by path; `Catalog` adds the writes of an ingest."""

    def files(self, folder: str, collection: str, after: str, limit: int) -> list[FileRow]:
        """Files under a folder in order of path, those after the path `after`.

        `in_collection` says whether the source is in `collection`, or a copy that is kept apart
        for that and is as far.
        """
        first, last = _range(folder)
        first = max(first, after)
        ingested = self._all(
            "SELECT p.path, p.size, p.mtime_ns, p.gone_at, s.id, s.state, s.pipeline,"
            " EXISTS (SELECT 1 FROM collections c WHERE c.sha256 = s.sha256 AND c.name = ?)"
            " OR EXISTS (SELECT 1 FROM sources o WHERE o.content = s.sha256 AND o.content <> ''"
            " AND o.state || '' = s.state AND o.pipeline = s.pipeline AND EXISTS"  # by content
            " (SELECT 1 FROM collections c WHERE c.sha256 = o.sha256 AND c.name = ?)) AS it"
            " FROM paths p JOIN sources s ON s.sha256 = p.sha256"
            " WHERE p.path > ? AND p.path < ? ORDER BY p.path LIMIT ?",
            collection, collection, first, last, limit,
        )  # fmt: skip
        passed = self._all(
            "SELECT * FROM passed_over WHERE path > ? AND path < ? ORDER BY path LIMIT ?",
            first, last, limit,
        )  # fmt: skip
        listed = [
            FileRow(
                r["path"], r["size"], r["mtime_ns"], r["id"], r["state"], r["pipeline"],
                bool(r["it"]), r["gone_at"] is not None,
            )
            for r in ingested
        ]  # fmt: skip
        listed += [
            FileRow(r["path"], r["size"], r["mtime_ns"], pipeline=r["pipeline"], code=r["code"])
            for r in passed
        ]
        return sorted(listed, key=lambda r: r.path)[:limit]

    def pass_over(self, files: Iterable[tuple[str, int, int, str, str]]) -> None:
        """Record files that cannot be ingested: path, size, mtime_ns, code and message of why. One
        whose name is not UTF-8 cannot be recorded, and is passed over at each look."""
        noted = [f for f in files if not any("\ud800" <= c <= "\udfff" for c in f[0])]
        with self._writing() as db:
            db.executemany(
                "INSERT INTO passed_over VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (path) DO UPDATE"
                " SET size = excluded.size, mtime_ns = excluded.mtime_ns, code = excluded.code,"
                " error = excluded.error, pipeline = excluded.pipeline",
                [(*file, PIPELINE) for file in noted],
            )

    def gone(self, paths: Sequence[str]) -> tuple[list[str], list[Moved]]:
        """Record that these files are gone, since now by the clock that all processes share. A
        source with a copy elsewhere follows to that path.

        Returns the ids of the sources that have no file now, and those that moved.
        """
        lost: list[str] = []
        moved: list[Moved] = []
        at = datetime.fromtimestamp(self.now(), UTC).isoformat()
        with self._writing() as db:
            db.executemany("DELETE FROM passed_over WHERE path = ?", [(p,) for p in paths])
            for path in paths:
                row = db.execute(
                    "SELECT s.sha256, s.id, s.uri FROM paths p JOIN sources s USING (sha256)"
                    " WHERE p.path = ? AND p.gone_at IS NULL",
                    (path,),
                ).fetchone()
                if row is None:
                    continue
                copy = db.execute(
                    "SELECT path FROM paths WHERE sha256 = ? AND path <> ? AND gone_at IS NULL"
                    " ORDER BY path LIMIT 1",
                    (row["sha256"], path),
                ).fetchone()
                if copy is None:
                    db.execute("UPDATE paths SET gone_at = ? WHERE path = ?", (at, path))
                    lost.append(row["id"])
                    continue
                db.execute("DELETE FROM paths WHERE path = ?", (path,))
                if row["uri"] == path:
                    db.execute(
                        "UPDATE sources SET uri = ? WHERE sha256 = ?", (copy[0], row["sha256"])
                    )
                    moved.append(Moved(row["id"], path, copy[0]))
        return lost, moved

    def move(self, source: str, old: str, new: str) -> None:
        """Record that the file of a source is now at `new` and no longer at `old`."""
        sha256 = self._sha256(source)
        with self._writing() as db:
            db.execute("DELETE FROM paths WHERE path = ? AND sha256 = ?", (old, sha256))
            db.execute("UPDATE sources SET uri = ? WHERE sha256 = ?", (new, sha256))
            db.execute(
                "UPDATE sources SET file_name = ? WHERE sha256 = ? AND content <> ''",
                (fold(Path(new).name), sha256),
            )

    def replaced(self, path: str) -> list[SourceRow]:
        """Sources that name this path as theirs, while it holds the bytes of another source now;
        not copies that are kept apart.

        One that has a copy elsewhere gets that path, and is left out.
        """
        with self._writing() as db:
            db.execute(
                "UPDATE sources SET uri = (SELECT min(path) FROM paths p"
                " WHERE p.sha256 = sources.sha256) WHERE uri = ? AND EXISTS"
                " (SELECT 1 FROM paths p WHERE p.sha256 = sources.sha256) AND NOT EXISTS"
                " (SELECT 1 FROM paths p WHERE p.sha256 = sources.sha256 AND p.path = ?)",
                (path, path),
            )
        now = self._one("SELECT sha256 FROM paths WHERE path = ?", path)
        if now is None:
            return []
        nowhere = "NOT EXISTS (SELECT 1 FROM paths p WHERE p.sha256 = s.sha256)"
        clause = f" WHERE s.uri = ? AND s.sha256 <> ? AND s.content = '' AND {nowhere}"
        found = self._all(schema.SELECT + clause, path, now[0])
        return [rows.row(r) for r in found]


def _range(folder: str) -> tuple[str, str]:
    """Bounds (both exclusive) of the paths under a folder."""
    first = folder.rstrip(os.sep) + os.sep
    return first, first[:-1] + chr(ord(os.sep) + 1)
