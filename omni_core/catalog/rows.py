"""Rows of the catalog as SourceRows. Nonsense in a row costs that row its value, and its warnings
name it: a damaged disk or an unfinished copy leaves anything in a column."""

from __future__ import annotations

import json
import math
import mimetypes
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, get_args

from omni_core.catalog.database import Row
from omni_core.collection_names import collection_names
from omni_core.ids import source_id
from omni_core.text.titles import title_of
from omni_core.types import Modality, SourceRow, State

NONSENSE = (ValueError, TypeError, KeyError, AttributeError, OverflowError)
"""What reading a value raises that makes no sense."""
DAMAGED = "its row in the catalog is damaged"
"""How the warning of a source begins in whose row a value makes no sense."""


def row(r: Row) -> SourceRow:
    """A row of `schema.SELECT`. Where a value makes no sense a plain one stands for it, the source
    counts as partial, so that ingesting its file again mends it, and a warning names the column."""
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for name, (read, plain) in COLUMNS.items():
        try:
            values[name] = read(r[name])
        except NONSENSE:
            wrong.append(name)
            values[name] = plain(r)
    if values["id"] != _id(r):
        wrong.append("id")
        values["id"] = _id(r)
    if wrong:
        advice = "ingest the file again, or run `omni-mcp doctor --repair`"
        line = f"{DAMAGED} ({', '.join(dict.fromkeys(wrong))}): {advice}"
        values["warnings"] = (line, *values["warnings"])
        if values["state"] == "ready":
            values["state"] = "partial"
    values["collections"] = values.pop("held_by")
    values["missing_since"] = values.pop("gone_at")
    return SourceRow(**values)


def makes_sense(r: Row) -> bool:
    """Whether every value of a row of the table `sources` makes sense."""
    there = set(r.keys())
    try:
        for name, (read, _) in COLUMNS.items():
            if name in there:
                read(r[name])
        return bool(r["id"] == _id(r))
    except NONSENSE:
        return False


def damage(r: Row) -> str:
    """What is wrong with a row, in words; "" for nothing."""
    return next((w for w in row(r).warnings if w.startswith(DAMAGED)), "")


def texts(value: Any) -> tuple[str, ...]:
    """The texts of a list in JSON; () where it is none."""
    try:
        return _texts(value)
    except (ValueError, TypeError):
        return ()


def mapping(value: Any) -> dict[str, Any]:
    """The object in JSON; an empty one where it is none."""
    try:
        found = json.loads(value)
    except (ValueError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def count(value: object) -> int:
    """A number of segments; 0 where the row holds something else."""
    return value if isinstance(value, int) and value > 0 else 0


def numbers(*values: Any) -> bool:
    """Whether all of these are finite numbers."""
    return all(isinstance(v, (int, float)) and math.isfinite(v) for v in values)


def _texts(value: Any) -> tuple[str, ...]:
    found = json.loads(_text(value))
    if not isinstance(found, list):
        raise TypeError("no list")
    return tuple(_text(item) for item in found)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    value.encode()  # bytes that are no UTF-8 are read as lone surrogates
    return value


def _hash(value: Any) -> str:
    if len(bytes.fromhex(_text(value))) != 32:
        raise ValueError("no sha256")
    return str(value)


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 63:
        raise ValueError("no number")
    return value


def _seconds(value: Any) -> float | None:
    if value is None:
        return None
    if not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise ValueError("no length")
    return float(value)


def _pages(value: Any) -> int | None:
    return None if value is None else _count(value)


def _share(value: Any) -> float:
    if not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ValueError("no share")
    return float(value)


def _when(value: Any) -> datetime | None:
    return None if value is None else datetime.fromisoformat(_text(value))


def _state(value: Any) -> str:
    if value not in get_args(State):
        raise ValueError("no state")
    return str(value)


def _nothing(value: Any) -> Callable[[Row], Any]:
    return lambda _: value


def shown(value: Any) -> str:
    """What can be shown of a text, or of what should be one."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
    return text.encode("utf-8", "replace").decode()


def _shown(name: str) -> Callable[[Row], str]:
    return lambda r: shown(r[name])


def _id(r: Row) -> str:
    """The id that belongs to the hash; the one in the row where that is no hash."""
    try:
        return source_id(_hash(r["sha256"]))
    except (ValueError, TypeError):
        return _shown("id")(r)


def _title(r: Row) -> str:
    """The name of the file, which most titles are; what can be shown where that is none either."""
    return title_of(_shown("uri")(r)) or _shown("title")(r)


def _modality(r: Row) -> Modality:
    """What the type or the name of the file says."""
    named = mimetypes.guess_type(_shown("uri")(r))[0] or ""
    for kind in (_shown("mime")(r), named):
        first = kind.partition("/")[0]
        if first in ("video", "audio", "image"):
            return Modality(first)
    return Modality.DOCUMENT


COLUMNS: Mapping[str, tuple[Callable[[Any], Any], Callable[[Row], Any]]] = {
    "id": (_text, _id),
    "title": (_text, _title),
    "modality": (Modality, _modality),
    "uri": (_text, _shown("uri")),
    "sha256": (_hash, _shown("sha256")),
    "mime": (_text, _shown("mime")),
    "size": (_count, _nothing(0)),
    "state": (_state, _nothing("partial")),
    "segments": (_count, _nothing(0)),
    "progress": (_share, _nothing(0.0)),
    "duration_s": (_seconds, _nothing(None)),
    "pages": (_pages, _nothing(None)),
    "recorded_at": (_when, _nothing(None)),
    "recorded_at_from": (_text, _nothing("")),
    "ingested_at": (_when, _nothing(None)),
    "held_by": (lambda value: collection_names(_texts(value)), _nothing(())),
    "model": (_text, _shown("model")),
    "pipeline": (_text, _nothing("")),
    "warnings": (_texts, _nothing(())),
    "error_code": (_text, _nothing("")),
    "error": (_text, _nothing("")),
    "gone_at": (_when, _nothing(None)),
    "empty": (_text, _nothing("")),
    "content": (_text, _nothing("")),
}
"""How each value of a row is read, and what stands for one that makes no sense."""
