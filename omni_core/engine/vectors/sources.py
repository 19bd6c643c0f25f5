"""A source as JSON, and back: what the catalog knows of it; checked, as it may come from anywhere.

`sha256`, `uri` (where its file was), `title`, `modality`, `mime`, `size`, `duration_s`, `pages`,
`recorded_at` (ISO 8601) and where that comes from, `collections`, `state`, `pipeline` (the version
that read it), `warnings`, `empty`; `turns` ([start, end, speaker] of who speaks) and `speakers`
(names that people or subtitles gave, by number), which may be absent, as `content` is, the hash of
the bytes of a copy that is kept apart for one collection. Voices stay where they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from omni_core import ids
from omni_core.collection_names import DEFAULT, collection_names
from omni_core.errors import OmniError, UnreadableError
from omni_core.points import Point
from omni_core.text import bm25
from omni_core.types import Axis, Channel, Modality, SourceRow, Speaker, Turn

STATES = ("ready", "partial")
"""States of sources that have something to give."""
_TEXTS = ("uri", "title", "mime", "recorded_at_from", "pipeline", "empty")


@dataclass(frozen=True, slots=True)
class Spoken:
    """Who speaks in a source."""

    turns: tuple[Turn, ...] = ()
    given: Mapping[int, str] = field(default_factory=dict)
    """Names that people gave, by number of the speaker."""
    found: Mapping[int, str] = field(default_factory=dict)
    """Names that subtitles gave."""

    @classmethod
    def of(cls, turns: Iterable[Turn], speakers: Iterable[Speaker]) -> Spoken:
        """Of what the catalog holds; names that were recognised by voice are left out."""
        named = {
            kind: {s.number: s.name for s in speakers if s.name_from == kind}
            for kind in ("person", "subtitles")
        }
        return cls(tuple(turns), named["person"], named["subtitles"])


def to_json(row: SourceRow, spoken: Spoken) -> str:
    """One line."""
    facts: dict[str, Any] = {name: getattr(row, name) for name in _TEXTS}
    facts |= {
        "sha256": row.sha256,
        "modality": row.modality.value,
        "size": row.size,
        "duration_s": row.duration_s,
        "pages": row.pages,
        "recorded_at": None if row.recorded_at is None else row.recorded_at.isoformat(),
        "collections": list(row.collections),
        "state": row.state,
        "warnings": list(row.warnings),
    }
    if row.content:
        facts["content"] = row.content
    if spoken.turns:
        facts["turns"] = [[t.start, t.end, t.speaker] for t in spoken.turns]
        facts["speakers"] = {"given": spoken.given, "found": spoken.found}
    return json.dumps(facts, ensure_ascii=False, sort_keys=True)


def of_json(text: str) -> SourceRow:
    """The source; raises UnreadableError saying what is wrong with it."""
    try:
        facts = json.loads(text)
        if not re.fullmatch("[0-9a-f]{64}", facts["sha256"]):
            raise ValueError("sha256 is no hash")
        if not re.fullmatch("([0-9a-f]{64})?", facts.get("content", "")):
            raise ValueError("content is no hash")
        if facts["state"] not in STATES:
            raise ValueError(f"state is {facts['state']!r}")
        for name in _TEXTS:
            if not isinstance(facts[name], str):
                raise TypeError(f"{name} is no text")
        at = facts["recorded_at"]
        return SourceRow(
            id=ids.source_id(facts["sha256"]),
            sha256=facts["sha256"],
            modality=Modality(facts["modality"]),
            size=int(facts["size"]),
            state=facts["state"],
            segments=0,
            duration_s=None if facts["duration_s"] is None else float(facts["duration_s"]),
            pages=None if facts["pages"] is None else int(facts["pages"]),
            recorded_at=None if at is None else datetime.fromisoformat(at),
            collections=collection_names(facts["collections"]) or (DEFAULT,),
            warnings=tuple(str(w) for w in facts["warnings"]),
            content=facts.get("content", ""),
            **{name: facts[name] for name in _TEXTS},
        )
    except (ValueError, KeyError, TypeError, OmniError) as e:
        raise UnreadableError(f"a source of the file is damaged: {e}") from e


def spoken_of_json(text: str) -> Spoken:
    """Who speaks in that source; raises UnreadableError."""
    try:
        facts = json.loads(text)
        turns = tuple(Turn(float(a), float(b), int(n)) for a, b, n in facts.get("turns", ()))
        given, found = (
            {int(n): str(name) for n, name in facts.get("speakers", {}).get(kind, {}).items()}
            for kind in ("given", "found")
        )
    except (ValueError, TypeError, AttributeError) as e:
        raise UnreadableError(f"the turns of a source of the file are damaged: {e}") from e
    return Spoken(turns, given, found)


def checked(point: Point, row: SourceRow) -> Point:
    """The point as it is stored: of this source, in its collections, with term weights of its text
    where the file has none. Raises UnreadableError for what is none of a library."""
    stored = point.stored
    try:
        UUID(point.id)
        if stored.source_id != row.id:
            raise ValueError(f"source_id is {stored.source_id!r:.60}, its source is {row.id}")
        if stored.modality is not row.modality or stored.channel not in Channel:
            raise ValueError(f"modality is {stored.modality}")
        if stored.span.axis not in get_args(Axis) or stored.span.end < stored.span.start:
            raise ValueError(f"the span is {stored.span}")
    except (ValueError, KeyError, TypeError) as e:
        raise UnreadableError(f"segment {point.id[:60]} of the file is damaged: {e}") from e
    weights = point.bm25 or (bm25.document(stored.text) if stored.text else None)
    return replace(point, bm25=weights, stored=stored.in_collections(row.collections))
