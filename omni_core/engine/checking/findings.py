"""What a look at a library finds."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

GONE = "the right --qdrant and OMNI_QDRANT_COLLECTION; where it is lost, omni-mcp doctor --repair"
"""What to do about a collection that a Qdrant server does not have."""
UNINDEXED = "omni-mcp serve or ingest once, with a key that may write: it makes them"
"""What to do about a collection without indexes of its payloads."""
ROOM = 1 << 20
"""Bytes that a look needs: SQLite makes a file beside the catalog to read it."""


def no_room(store: Path) -> str:
    """That the disk of a library is full, which makes what is sound look damaged; "" where it is
    not, on one that only reads, which has no room by nature, and on one that tells no sizes."""
    disk = shutil.disk_usage(store)
    free = disk.free if disk.total and os.access(store, os.W_OK) else ROOM
    return f"its disk is full: {free >> 10} kB are free" if free < ROOM else ""


@dataclass(frozen=True, slots=True)
class Fault:
    """Damage, or something to know, in a library."""

    where: Literal["catalog", "index", "thumbnails", "files", "cache"]
    detail: str
    """One line: what is wrong."""
    get: str = "omni-mcp doctor --repair"
    """What to do."""
    harmless: bool = False
    """Whether every answer is as it should be all the same."""


@dataclass(frozen=True, slots=True)
class Look:
    """A library, looked over."""

    store: str
    sources: int = 0
    segments: int = 0
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
    """What could not be looked at, and why."""
    full: str = ""
    """Why not all was looked at, where that is too little room on its disk; "" for enough."""


@dataclass
class Mended:
    """What a repair did, and what it could not do; a line each."""

    store: str
    done: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
