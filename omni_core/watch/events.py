"""What a watcher reports, to whom, and by which clock."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "scan", "working", "ready", "renamed", "back", "failed", "passed_over", "gone", "replaced",
    "forgotten", "away", "trouble", "polling",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    scan         a folder was looked through: `files`, `new` and `missing` are counts
    working      a file is being ingested: `progress` from 0 to 1
    ready        a file is searchable; `known` when its bytes were before
    renamed      a source is at `path` now; it was at `old`
    back         a file that was gone is there again
    failed       a file could not be ingested; tried again in `retry_s` seconds
    passed_over  a file cannot be ingested, and is not tried again until it changes
    gone         a file is no longer there
    replaced     `source_id` was forgotten: its file at `path` has other content now
    forgotten    `source_id` was forgotten: its file was gone for longer than the settings allow
    away         a folder cannot be reached or is empty: nothing in it counts as gone
    trouble      the library could not be used; tried again in `retry_s` seconds
    polling      a folder has no events: it is looked through every `retry_s` seconds
    """

    kind: Kind
    path: str
    source_id: str = ""
    title: str = ""
    old: str = ""
    segments: int = 0
    stage: str = ""
    progress: float = 0.0
    known: bool = False
    error_code: str = ""
    error: str = ""
    retry_s: float | None = None
    seconds: float | None = None
    """From the first look at the finished file to this event."""
    left: int = 0
    """Files that wait for their turn."""
    files: int = 0
    new: int = 0
    missing: int = 0


Report = Callable[[Event], Awaitable[None]]


@dataclass(frozen=True)
class Clock:
    """Seconds that only grow, and seconds of the day as files have them."""

    now: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
