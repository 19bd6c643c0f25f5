"""The conditions and the order of the catalog's queries."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from omni_core import limits
from omni_core.catalog.schema import aware
from omni_core.ids import PIPELINE, is_id_shaped

MISSING = "missing"
"""Instead of a state: the sources whose file is gone, whatever their state."""
OUTDATED = "outdated"
"""Instead of a state: the complete sources that an older version read."""
SortKey = tuple[str, str]
"""Sort key of a row: `ingested_at` (ISO 8601) and sha256. A page starts after such a key."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The sources `s` that meet conditions, newest ingest first."""

    tables: str
    conditions: tuple[tuple[str, tuple[Any, ...]], ...]
    """Each with the values of its placeholders."""
    age: str = "s"
    """The table whose index gives the order."""

    @property
    def sql(self) -> str:
        """FROM and WHERE."""
        where = " AND ".join(condition for condition, _ in self.conditions)
        return f" FROM {self.tables}" + (f" WHERE {where}" if where else "")

    @property
    def values(self) -> list[Any]:
        """The values of the placeholders of `sql`."""
        return [value for _, values in self.conditions for value in values]

    @property
    def first(self) -> str:
        """FROM, WHERE and ORDER BY of the first sources: as many as the one value more. Their keys
        are found in an index, before a row is read."""
        order = f"ORDER BY {self.age}.ingested_at DESC, {self.age}.sha256 LIMIT ?"
        return (
            f" FROM sources s WHERE s.sha256 IN (SELECT {self.age}.sha256{self.sql} {order})"
            " ORDER BY s.ingested_at DESC, s.sha256"
        )

    def after(self, key: SortKey | None) -> Selection:
        """What follows this key in that order."""
        if key is None:
            return self
        at, sha256 = key
        later = f"{self.age}.ingested_at <= ? AND ({self.age}.ingested_at < ?"
        later += f" OR {self.age}.sha256 > ?)"
        return replace(self, conditions=(*self.conditions, (later, (at, at, sha256))))


def select(
    *,
    match: str = "",
    collection: str = "",
    state: str = "",
    since: datetime | None = None,
    before: datetime | None = None,
) -> Selection:
    """The sources that meet every condition.

    Every word of `match` must occur in the title or in a file name, or begin the id (`src_ab`). A
    word with the shape of an id is only compared with the ids. Raises BadRequestError for more than
    `limits.WORDS` words.
    """
    tables, age = "sources s", "s"
    conditions: list[tuple[str, tuple[Any, ...]]] = []
    if collection and not match and state in ("", "ready"):  # most of it: in its own order
        tables, age = "collections c JOIN sources s ON s.sha256 = c.sha256", "c"
        conditions.append(("c.name = ?", (collection,)))
    elif collection:
        conditions.append(_within(collection))
    words = dict.fromkeys(fold(match).split())
    limits.check_count("the title", len(words), limits.WORDS, "words")
    conditions += [_holds(word) for word in words]
    if state == MISSING:
        conditions.append((_MISSING, ()))
    elif state == OUTDATED:
        conditions.append(("s.state = 'ready' AND s.pipeline <> ?", (PIPELINE,)))
    elif state:
        conditions.append(("s.state = ?", (state,)))
    if since is not None:
        conditions.append(("s.recorded_ts >= ?", (aware(since).timestamp(),)))
    if before is not None:
        conditions.append(("s.recorded_ts < ?", (aware(before).timestamp(),)))
    return Selection(tables, tuple(conditions), age)


def named_exactly(folded: str, collection: str = "") -> Selection:
    """The sources with this title or file name, as `fold` writes it."""
    named = (
        "s.sha256 IN (SELECT t.sha256 FROM sources t WHERE t.folded = ?"
        " UNION SELECT p.sha256 FROM paths p WHERE p.folded = ?"
        " UNION SELECT c.sha256 FROM sources c WHERE c.content <> '' AND c.file_name = ?)"
    )
    within = (_within(collection),) if collection else ()
    return Selection("sources s", (*within, (named, (folded,) * 3)))


def _within(collection: str) -> tuple[str, tuple[str]]:
    of = "SELECT 1 FROM collections c WHERE c.sha256 = s.sha256 AND c.name = ?"
    return f"EXISTS ({of})", (collection,)


_MISSING = (
    "s.sha256 IN (SELECT g.sha256 FROM paths g WHERE g.gone_at IS NOT NULL) AND NOT EXISTS"
    " (SELECT 1 FROM paths p WHERE p.sha256 = s.sha256 AND p.gone_at IS NULL)"
)


def _holds(word: str) -> tuple[str, tuple[str, ...]]:
    """The condition that a word occurs in the names, or begins the id."""
    if is_id_shaped(word):
        return "(s.id = ? OR s.sha256 = ?)", (word, word)
    if word.startswith("src_"):
        return "(instr(s.names, ?) > 0 OR (s.id >= ? AND s.id < ?))", (word, word, word + "~")
    return "instr(s.names, ?) > 0", (word,)


def fold(text: str) -> str:
    """Text normalised for comparison: NFKC, case-folded, stripped."""
    return unicodedata.normalize("NFKC", text).casefold().strip()
