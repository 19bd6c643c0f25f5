"""Conditions and cursors of the catalog's questions."""

from __future__ import annotations

import base64
import binascii
import unicodedata
from datetime import datetime
from typing import Any

from omni_core.catalog.schema import aware
from omni_core.errors import BadRequestError


def where(
    *,
    match: str = "",
    collection: str = "",
    state: str = "",
    since: datetime | None = None,
    before: datetime | None = None,
    after: tuple[str, str] | None = None,
) -> tuple[str, list[Any]]:
    """Conditions on `sources s`; every word of `match` must be in the title or a file name."""
    parts: list[tuple[str, list[Any]]] = [
        (
            "(instr(s.folded, ?) OR s.id = ? OR EXISTS (SELECT 1 FROM paths p"
            " WHERE p.sha256 = s.sha256 AND instr(p.folded, ?)))",
            [word, word, word],
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
    if state:
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
    """Text as it is compared: no case, no compatibility forms, no outer spaces."""
    return unicodedata.normalize("NFKC", text).casefold().strip()


def encode_cursor(ingested_at: str, sha256: str) -> str:
    """The place after this row."""
    return base64.urlsafe_b64encode(f"{ingested_at}|{sha256}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> tuple[str, str]:
    """The inverse; raises BadRequestError BAD_CURSOR."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        at, _, sha256 = raw.decode("ascii").partition("|")
        datetime.fromisoformat(at)
    except (binascii.Error, ValueError) as e:
        raise BadRequestError(
            "that cursor is not one that list_sources gave; start again without it",
            code="BAD_CURSOR",
        ) from e
    return at, sha256
