"""WHERE clauses of the catalog's queries."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Any

from omni_core.catalog.schema import aware
from omni_core.ids import PIPELINE

MISSING = "missing"
"""Instead of a state: the sources whose file is gone, whatever their state."""
OUTDATED = "outdated"
"""Instead of a state: the complete sources that an older version read."""
SortKey = tuple[str, str]
"""Sort key of a row: `ingested_at` (ISO 8601) and sha256. A page starts after such a key."""


def where(
    *,
    match: str = "",
    collection: str = "",
    state: str = "",
    since: datetime | None = None,
    before: datetime | None = None,
    after: SortKey | None = None,
) -> tuple[str, list[Any]]:
    """WHERE clause on `sources s` and its values; "" and [] without conditions.

    Every word of `match` must occur in the title or in a file name, or begin the id (`src_ab`).
    """
    parts: list[tuple[str, list[Any]]] = [
        (
            "(instr(s.folded, ?) OR (instr(s.id, ?) = 1 AND ?) OR EXISTS (SELECT 1 FROM paths p"
            " WHERE p.sha256 = s.sha256 AND instr(p.folded, ?)))",
            [word, word, word.startswith("src_"), word],
        )
        for word in fold(match).split()
    ]
    if collection:
        parts.append(
            (
                "EXISTS (SELECT 1 FROM collections c WHERE c.sha256 = s.sha256 AND c.name = ?)",
                [collection],
            )
        )
    if state == MISSING:
        of = "SELECT 1 FROM paths p WHERE p.sha256 = s.sha256"
        here = f"EXISTS ({of} AND p.gone_at IS NULL)"
        parts.append((f"EXISTS ({of}) AND NOT {here}", []))
    elif state == OUTDATED:
        parts.append(("s.state = 'ready' AND s.pipeline <> ?", [PIPELINE]))
    elif state:
        parts.append(("s.state = ?", [state]))
    if since is not None:
        parts.append(("s.recorded_ts >= ?", [aware(since).timestamp()]))
    if before is not None:
        parts.append(("s.recorded_ts < ?", [aware(before).timestamp()]))
    if after is not None:
        at, sha256 = after
        parts.append(
            ("(s.ingested_at < ? OR (s.ingested_at = ? AND s.sha256 > ?))", [at, at, sha256])
        )
    sql = " AND ".join(p[0] for p in parts)
    return (f" WHERE {sql}" if sql else ""), [v for p in parts for v in p[1]]


def fold(text: str) -> str:
    """Text normalised for comparison: NFKC, case-folded, stripped."""
    return unicodedata.normalize("NFKC", text).casefold().strip()
