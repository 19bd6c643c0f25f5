"""What a re-index has done so far: it goes on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omni_core.engine.results import SourceRow
from omni_core.engine.source_points import changes_of
from omni_core.errors import StoreError
from omni_core.files import write_atomically
from omni_core.ids import source_id
from omni_core.index import versions
from omni_core.payload import source_filter
from omni_core.protocols import Index
from omni_core.types import EncoderInfo

Described = list[Any]
"""What the points of a source say of it, besides its content: see `described`."""


def described(row: SourceRow) -> Described:
    """Title, date and collections of a source, as JSON gives them back."""
    at = row.recorded_at
    return [row.title, "" if at is None else at.isoformat(), sorted(row.collections)]


class Ledger:
    """The sources that the new index holds: one small JSON file, replaced atomically."""

    def __init__(self, store: Path, info: EncoderInfo) -> None:
        """The ledger of this model's index; empty when there is none."""
        self._store = store
        self._path = versions.folder(store) / f"{versions.slug(info)}.reindex.json"
        self.done: dict[str, Described] = {}
        """How each source was described when it was embedded, by sha256; empty where that is not
        known, in a ledger of an earlier version."""
        self.empty: dict[str, str] = {}
        """Of those in which nothing is found, why."""
        self.complete = False
        try:
            held: dict[str, Any] = json.loads(self._path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return
        except (OSError, ValueError) as e:
            raise StoreError(f"{self._path.name} is damaged; remove it and reindex again") from e
        if held.get("fingerprint") == info.fingerprint:
            self.complete = bool(held["complete"])
            done = held["done"]
            self.done = dict(done) if isinstance(done, dict) else {sha256: [] for sha256 in done}
            self.empty = dict(held.get("empty", {}))

    def write(self, info: EncoderInfo) -> None:
        """Durable when this returns."""
        facts = {
            "fingerprint": info.fingerprint, "done": self.done, "complete": self.complete,
            "empty": self.empty,
        }  # fmt: skip
        with versions.writing(self._store):
            write_atomically(self._path, json.dumps(facts).encode())

    def remove(self) -> None:
        """Delete the file, after the swap."""
        with versions.writing(self._store):
            self._path.unlink(missing_ok=True)


async def bring_up_to_date(target: Index, ledger: Ledger, sources: Sequence[SourceRow]) -> None:
    """Do to the new index what was done to sources after they were embedded for it: they were
    forgotten, renamed, dated, or moved between collections; and to what it holds since the model
    was in use before, where a source was forgotten, or could not be embedded again."""
    held = await target.count_by_source(exact=True) or {}
    there = held.keys() | {source_id(sha256) for sha256 in ledger.done}
    for id_ in there - {row.id for row in sources}:
        await target.delete(source_filter(id_))
    for row in sources:
        if row.id in there and ledger.done.get(row.sha256) != described(row):
            await target.set_payload(source_filter(row.id), changes_of(row))
    await target.flush()
