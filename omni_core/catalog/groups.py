"""The checkpoint groups of unfinished sources: one row for each, appended at its checkpoint.

What a checkpoint writes does not depend on how many came before it. A row counts while its number
is below the source's `resume["groups"]`, which is written in the same transaction; rows of an
ingest that was given up are replaced, number by number, by those of the next.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from omni_core.catalog.database import Transaction
from omni_core.catalog.rows import mapping, texts
from omni_core.catalog.spoken import Spoken


@dataclass(frozen=True, slots=True)
class StoredGroup:
    """What one checkpoint made durable, since the one before."""

    number: int
    """From 0, without gaps."""
    segments: tuple[str, ...]
    """Ids of the decoder's segments that were read."""
    points: tuple[str, ...]
    """Ids of the points that were stored for them."""


class Groups(Spoken):
    """Reads what `Catalog.progress` appends."""

    def groups_of(self, source: str) -> tuple[StoredGroup, ...]:
        """The durable groups of an unfinished source (sha256), in order."""
        found = self._one("SELECT resume FROM sources WHERE sha256 = ?", source)
        durable = 0 if found is None else mapping(found["resume"]).get("groups", 0)
        rows = self._all(
            "SELECT number, segments, points FROM checkpoints WHERE sha256 = ? AND number < ?"
            " ORDER BY number",
            source, durable,
        )  # fmt: skip
        return tuple(
            StoredGroup(r["number"], texts(r["segments"]), texts(r["points"])) for r in rows
        )


def keep_group(db: Transaction, sha256: str, group: StoredGroup) -> None:
    """Append a group, or replace that of an ingest that was given up."""
    db.execute(
        "INSERT INTO checkpoints VALUES (?, ?, ?, ?) ON CONFLICT (sha256, number)"
        " DO UPDATE SET segments = excluded.segments, points = excluded.points",
        (sha256, group.number, _text(group.segments), _text(group.points)),
    )


def end_groups(db: Transaction, sha256: str) -> None:
    """Delete the groups of a source that is complete."""
    db.execute("DELETE FROM checkpoints WHERE sha256 = ?", (sha256,))


def _text(ids: Iterable[str]) -> str:
    return json.dumps(list(ids), separators=(",", ":"))
