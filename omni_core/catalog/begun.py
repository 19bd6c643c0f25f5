"""What was begun and has not ended: requests, and the readers' buffers of unfinished sources."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from omni_core.catalog.rows import mapping
from omni_core.catalog.watched import WatchedFiles


class Begun(WatchedFiles):
    """Survives kill -9: an ingest goes on where it was when the store is opened again."""

    def note_begun(self, key: str, request: Mapping[str, Any]) -> None:
        """Record that this request was taken; again with the same key replaces it."""
        with self._writing() as db:
            db.execute(
                "INSERT INTO begun (key, request, at) VALUES (?, ?, ?) ON CONFLICT (key)"
                " DO UPDATE SET request = excluded.request, at = excluded.at",
                (key, json.dumps(dict(request)), datetime.now(UTC).isoformat()),
            )

    def end_begun(self, key: str) -> None:
        """Record that it has ended, or shall not go on; unknown keys are ignored."""
        with self._writing() as db:
            db.execute("DELETE FROM begun WHERE key = ?", (key,))

    def begun(self) -> dict[str, dict[str, Any]]:
        """The requests that have not ended, by key, oldest first."""
        rows = self._all("SELECT key, request FROM begun ORDER BY at, key")
        return {r["key"]: request for r in rows if (request := mapping(r["request"]))}

    def readers_of(self, source: str) -> bytes:
        """The readers' buffers at the last checkpoint of a source (sha256); b"" without any."""
        found = self._one("SELECT state FROM readers WHERE sha256 = ?", source)
        return b"" if found is None else bytes(found[0])

    def ask_to_stop(
        self, paths: Sequence[str] | None, collections: Iterable[str] | None
    ) -> tuple[str, ...]:
        """Ask the other processes that ingest some of these files (also those in a folder that is
        named; None: any) to stop them, of these collections alone where given. Returns a key for
        each process; there are none where no other process can write."""
        return ()

    def stop_answers(self, keys: Iterable[str]) -> tuple[dict[str, object], set[str]]:
        """The answers that are there, by key, and the keys of processes that have nothing under
        way any more."""
        return {}, set(keys)

    def end_stops(self, keys: Iterable[str]) -> None:
        """Ask no more."""
        return

    def stops_asked(self, within_s: float) -> dict[str, Mapping[str, Any]]:
        """What this process was asked to stop in so many seconds, by key: `paths` and
        `collections`."""
        return {}

    def answer_stop(self, key: str, answer: object) -> None:
        """Answer such a request, with JSON values."""
        return
