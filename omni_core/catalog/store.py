"""The catalog's writes. Each is one transaction, durable when it returns."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from omni_core.catalog import mending, rows, schema, writes
from omni_core.catalog.binned import Binned
from omni_core.catalog.groups import StoredGroup, end_groups, keep_group
from omni_core.catalog.holding import Holding, before
from omni_core.catalog.query import fold
from omni_core.types import Source, SourceRow, State

_RESUMED_COLUMNS = ("segments", "progress", "resume", "timings", "ingested_at")
"""Columns that a resumed ingest keeps from the interrupted one."""


class Catalog(Binned, Holding):
    """Sources by hash, path, id, title and collection: the contract that `SqliteCatalog` and
    `PostgresCatalog` keep. Thread-safe."""

    def set_meta(self, key: str, value: str) -> None:
        """Set a value about the whole store."""
        with self._writing() as db:
            writes.put_meta(db, key, value)

    def set_meta_once(self, key: str, value: str) -> str:
        """Set a value about the whole store where there is none yet; returns the one there is."""
        with self._writing() as db:
            db.execute("INSERT INTO meta VALUES (?, ?) ON CONFLICT DO NOTHING", (key, value))
            return str(self.get_meta(key))

    def begin(
        self,
        source: Source,
        *,
        collection: str,
        mtime_ns: int,
        ctime_ns: int = 0,
        inode: int = 0,
        model: str,
        pipeline: str,
        state: State = "processing",
        unless_ready: bool = False,
    ) -> dict[str, Any]:
        """Record that the ingest of `source` starts; returns the last `progress(resume=...)`.

        It is empty for a new or a complete source, and when the model or the pipeline has changed:
        the ingest then starts from the beginning. Raises StoreError BUSY while another process
        ingests it; with `unless_ready` also when one has completed it in this pipeline, since the
        caller looked, and SAME_BYTES where the collection has the same bytes as another source;
        MODEL_MISMATCH where another model has filled the library.
        """
        values: dict[str, Any] = {
            **writes.described(source),
            "state": state,
            "model": model,
            "pipeline": pipeline,
            "ingested_at": datetime.now(UTC).isoformat(),
            **schema.INITIAL_PROGRESS,
        }
        with self._writing() as db:
            writes.take_model(db, model)
            self._take(db, source.sha256)
            old = db.execute("SELECT * FROM sources WHERE sha256 = ?", (source.sha256,)).fetchone()
            if unless_ready and old is not None:
                writes.refuse_ready(old, pipeline)
            lost = old is not None and before(old["resume"])
            if old is not None and not lost and writes.is_resumable(old, model, pipeline):
                values |= {key: old[key] for key in _RESUMED_COLUMNS}
            else:
                writes.keep_readers(db, source.sha256, b"")
            if old is not None and lost:  # should this ingest fail, what was lost may still return
                values["resume"] = old["resume"]
            writes.upsert(db, values)
            if not source.content:
                writes.add_path(
                    db, source.sha256, source.uri, (source.size, mtime_ns, ctime_ns, inode)
                )
            self._join(db, source.sha256, collection)
            self._own(db, source.sha256)
        return {} if before(values["resume"]) else rows.mapping(values["resume"])

    def progress(
        self,
        source: str,
        *,
        progress: float | None = None,
        stage: str | None = None,
        segments: int | None = None,
        warnings: Sequence[str] | None = None,
        timings: Mapping[str, float] | None = None,
        resume: Mapping[str, Any] | None = None,
        readers: bytes | None = None,
        group: StoredGroup | None = None,
    ) -> None:
        """Record progress. At a checkpoint `group` is what the index holds durably since the one
        before (flush the index first), `resume` what the ingest needs to go on from there, with
        the number of groups so far under `groups`, and `readers` the readers' buffers."""
        self._update(
            source, progress=progress, stage=stage, segments=segments, warnings=warnings,
            timings=timings, resume=resume, readers=readers, group=group, leased=True,
        )  # fmt: skip

    def finish(
        self,
        source: str,
        *,
        state: State = "ready",
        segments: int,
        duration_s: float | None = None,
        warnings: Sequence[str] = (),
        timings: Mapping[str, float] | None = None,
        empty: str = "",
    ) -> None:
        """Commit the result: `ready` clears `resume` and groups, `partial` keeps them. `empty`: why
        nothing in the source can be found. Raises StoreError LEASE_LOST where another process has
        taken the source over meanwhile: its result counts, not this one."""
        done = state == "ready"
        self._update(
            source, state=state, stage="done", segments=segments, duration_s=duration_s,
            warnings=warnings, timings=timings, empty=empty, progress=1.0 if done else None,
            resume={} if done else None, readers=b"" if done else None, leased=True, ended=True,
        )  # fmt: skip

    def put_back(self, row: SourceRow) -> None:
        """Undo `begin` for a source whose earlier points are still there; where it was not complete
        its next ingest starts from the beginning."""
        values: dict[str, Any] = {
            **writes.described(row.source),
            "state": row.state,
            "model": row.model,
            "pipeline": row.pipeline,
            "ingested_at": (row.ingested_at or datetime.now(UTC)).isoformat(),
            **schema.INITIAL_PROGRESS,
            "stage": "done",
            "progress": row.progress,
            "segments": row.segments,
            "warnings": json.dumps(list(row.warnings), ensure_ascii=False),
            "empty": row.empty,
        }
        with self._writing() as db:
            self._check(db, row.sha256)
            writes.keep_readers(db, row.sha256, b"")
            old = db.execute(
                "SELECT resume FROM sources WHERE sha256 = ?", (row.sha256,)
            ).fetchone()
            if old is not None and before(old["resume"]):
                values["resume"] = old["resume"]
            writes.upsert(db, values)
            self._let_go(db, row.sha256)

    def remove(self, source: str) -> SourceRow | None:
        """Delete a source, its paths and collections; delete its points from the index first."""
        row = self.get(source)
        if row is not None:
            with self._writing() as db:
                self._check(db, row.sha256)
                db.execute("DELETE FROM sources WHERE sha256 = ?", (row.sha256,))
                self._let_go(db, row.sha256)
        return row

    def begin_forgetting(self, source: str, *, unless_ready: bool = False) -> None:
        """Record that nothing of a source is stored any more, before its points are deleted: where
        that is interrupted, or a backup is made of it, its next ingest begins anew. No other
        process ingests it until `forget` or `end_forgetting`. Raises StoreError BUSY while one
        does; with `unless_ready` also when one has completed it, since the caller looked."""
        with self._writing() as db:
            sha256 = self._sha256(source)
            self._take(db, sha256)
            known = self.get(sha256) if unless_ready else None
            if known is not None and known.state == "ready":
                raise writes.completed_meanwhile()
            writes.keep_readers(db, sha256, b"")
            end_groups(db, sha256)
            db.execute(
                "UPDATE sources SET state = 'partial', stage = 'done', resume = '{}',"
                " segments = 0, progress = 0, empty = '' WHERE sha256 = ?",
                (sha256,),
            )
            self._own(db, sha256)

    def end_forgetting(self, source: str) -> None:
        """Let the source (sha256) be ingested again, which `forget` has not reached."""
        with self._writing() as db:
            self._let_go(db, source)

    def forget(self, source: str) -> None:
        """`remove` what a person no longer wants: its files that still exist are passed over from
        now on, until they change or are named in an ingest."""
        sha256 = self._sha256(source)
        with self._writing() as db:
            self._check(db, sha256)
            db.execute(
                "INSERT INTO passed_over (path, size, mtime_ns, code, error)"
                " SELECT path, size, mtime_ns, 'FORGOTTEN', ''"
                " FROM paths WHERE sha256 = ? AND gone_at IS NULL ON CONFLICT (path) DO UPDATE SET"
                " size = excluded.size, mtime_ns = excluded.mtime_ns, code = excluded.code,"
                " error = excluded.error, pipeline = '1'",
                (sha256,),
            )
            db.execute("DELETE FROM sources WHERE sha256 = ?", (sha256,))
            self._let_go(db, sha256)

    def amend(self, source: str, title: str, recorded_at: datetime | None = None) -> None:
        """Change the title of a source, and its date if one is given."""
        self._update(source, title=title, folded=fold(title))
        if recorded_at is not None:
            at = schema.aware(recorded_at)
            self._update(
                source, recorded_at=at.isoformat(), recorded_ts=at.timestamp(),
                recorded_at_from="caller",
            )  # fmt: skip

    def replace_index(
        self,
        model: str,
        present: Collection[str],
        empty: Mapping[str, str] | None = None,
        held: Mapping[str, int] | None = None,
    ) -> None:
        """Record that the index was replaced by one of `model` with the sources `present` (sha256).

        All other sources become partial: ingesting them again completes them. `empty`: why nothing
        in a source can be found, for those. `held`: how many segments the new index has of each
        source, by id: another model may cut a file into more or fewer.
        """
        with self._writing() as db:
            writes.put_meta(db, "fingerprint", model)
            db.execute("CREATE TEMP TABLE IF NOT EXISTS present (sha256 TEXT PRIMARY KEY)")
            db.execute("DELETE FROM present")
            db.executemany(
                "INSERT INTO present VALUES (?) ON CONFLICT DO NOTHING", [(s,) for s in present]
            )
            db.execute(
                "UPDATE sources SET model = ?, empty = ''"
                " WHERE sha256 IN (SELECT sha256 FROM present)",
                (model,),
            )
            # Another model may cut files otherwise: where one that is not whole stopped is void.
            for table in ("checkpoints", "readers"):
                db.execute(
                    f"DELETE FROM {table} WHERE sha256 IN"  # noqa: S608 - ours
                    " (SELECT sha256 FROM sources WHERE state = 'partial')"
                )
            db.execute("UPDATE sources SET resume = '{}' WHERE state = 'partial'")
            db.executemany(
                "UPDATE sources SET empty = ? WHERE sha256 = ?",
                [(why, sha256) for sha256, why in (empty or {}).items()],
            )
            if held is not None:
                db.execute(
                    "UPDATE sources SET segments = 0 WHERE sha256 IN (SELECT sha256 FROM present)"
                )
                db.executemany(
                    "UPDATE sources SET segments = ?"
                    " WHERE id = ? AND sha256 IN (SELECT sha256 FROM present)",
                    [(count, id_) for id_, count in held.items()],
                )
            db.execute(
                "UPDATE sources SET state = 'partial', resume = '{}', segments = 0, progress = 0"
                " WHERE sha256 NOT IN (SELECT sha256 FROM present)"
            )

    def add_path(
        self,
        source: str,
        path: str,
        *,
        size: int,
        mtime_ns: int,
        ctime_ns: int = 0,
        inode: int = 0,
    ) -> None:
        """Record another path with the same bytes, and the state of the file there; of a copy that
        is kept apart only the path of its ingest is known."""
        row = self.get(source)
        if row is not None and row.content:
            return
        with self._writing() as db:
            writes.add_path(db, self._sha256(source), path, (size, mtime_ns, ctime_ns, inode))

    def note_state(
        self, source: str, path: str, *, size: int, mtime_ns: int, ctime_ns: int, inode: int
    ) -> None:
        """Record the state in which the file at a known path has still these bytes."""
        with self._writing() as db:
            db.execute(
                "UPDATE paths SET size = ?, mtime_ns = ?, ctime_ns = ?, inode = ?"
                " WHERE path = ? AND sha256 = ?",
                (size, mtime_ns, ctime_ns, inode, path, self._sha256(source)),
            )

    def unmended(self) -> dict[tuple[str, ...], list[str]]:
        """Sources whose points may still hold collection names of an older version: their ids by
        the names that belong there."""
        found: dict[tuple[str, ...], list[str]] = {}
        for row in self._sources(mending.pending(self.get_meta(mending.PENDING))):
            found.setdefault(row.collections, []).append(row.id)
        return found

    def mended(self) -> None:
        """Record that the index holds the names of the catalog: flush the index first."""
        if self.get_meta(mending.PENDING) is not None:
            with self._writing() as db:
                db.execute("DELETE FROM meta WHERE key = ?", (mending.PENDING,))

    def _sources(self, hashes: Sequence[str]) -> list[SourceRow]:
        return [row for sha256 in hashes if (row := self.get(sha256)) is not None]

    def _update(
        self,
        source: str,
        *,
        readers: bytes | None = None,
        group: StoredGroup | None = None,
        leased: bool = False,
        ended: bool = False,
        **columns: Any,
    ) -> None:
        set_ = {k: v for k, v in columns.items() if v is not None}
        for key in ("warnings", "timings", "resume"):
            if key in set_:
                value = set_[key]
                plain = list(value) if isinstance(value, (tuple, list)) else dict(value)
                set_[key] = json.dumps(plain, ensure_ascii=False)
        if not set_ and readers is None:
            return
        with self._writing() as db:
            sha256 = self._sha256(source)
            if leased:
                self._check(db, sha256)
            if readers is not None:
                writes.keep_readers(db, sha256, readers)
            if group is not None:
                keep_group(db, sha256, group)
            if columns.get("state") == "ready":
                end_groups(db, sha256)
            if set_:
                assignments = ", ".join(f"{k} = ?" for k in set_)
                db.execute(
                    f"UPDATE sources SET {assignments} WHERE sha256 = ?",  # noqa: S608 - ours
                    (*set_.values(), sha256),
                )
            if ended:
                self._let_go(db, sha256)
