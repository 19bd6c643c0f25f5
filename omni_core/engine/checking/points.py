"""Whether every point of an index is sound: its payload can be read, its vector has length 1."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from omni_core.engine.checking.payloads import Says, says
from omni_core.points import Point
from omni_core.protocols import Index

PAGE = 500
LOOK_S = 60.0
"""Seconds after which no more points are read: about 500,000."""
LENGTH_OFF = 0.02
"""How far the length of a stored vector may be from 1."""
_NEEDED: Mapping[str, type | tuple[type, ...]] = {
    "source_id": str, "modality": str, "channel": str, "axis": str, "start": (int, float),
    "end": (int, float), "text": str, "title": str, "extra": dict, "collections": list,
}  # fmt: skip


@dataclass
class Sound:
    """What was read, and what of it is damaged."""

    read: int = 0
    damaged: dict[str, list[str]] = field(default_factory=dict)
    """Ids of damaged points by the id of their source, "" where it is unknown."""
    says: dict[str, set[Says]] = field(default_factory=dict)
    """What the sound ones say of their source, by its id."""
    whole: bool = True
    """Whether all points were read."""


async def look_at_points(index: Index, *, seconds: float = LOOK_S, vectors: bool = True) -> Sound:
    """Read the points of an index, at most for so many seconds; their vectors too, or not."""
    found, offset, until = Sound(), None, time.monotonic() + seconds
    while True:
        page, offset = await index.scroll(limit=PAGE, offset=offset)
        whole = await index.get([p.id for p in page], vectors=True) if vectors else page
        for point in whole:
            if is_sound(point):
                stored = point.stored
                found.says.setdefault(stored.source_id, set()).add(says(stored.fields))
            else:
                found.damaged.setdefault(point.stored.claimed_source, []).append(point.id)
        found.read += len(page)
        if offset is None:
            return found
        if time.monotonic() > until:
            found.whole = False
            return found


def is_sound(point: Point) -> bool:
    """Whether the point can be shown and compared."""
    fields = point.stored.fields
    if not all(isinstance(fields.get(key), kind) for key, kind in _NEEDED.items()):
        return False
    try:
        stored = point.stored
        _ = stored.modality, stored.channel, stored.span, stored.recorded_at
    except (ValueError, TypeError):
        return False
    return _has_length_1(point.dense) and _has_length_1(point.late)


def _has_length_1(vector: Any) -> bool:
    if vector is None:
        return True
    lengths = np.linalg.norm(np.asarray(vector, np.float32), axis=-1)
    return bool(np.all(np.abs(lengths - 1) < LENGTH_OFF))
