"""What is known of each watched file, and what is to be done for it. No input or output here.

A file that was seen waits until it is quiet, then in the queue for its ingest. A file that is no
longer seen waits a little too: programs save by deleting and writing anew, and a renamed file is
ingested under its new name first.
"""

from __future__ import annotations

import heapq
import itertools
import os
from collections.abc import Container, Iterable
from dataclasses import dataclass

from omni_core.engine.results import KnownFile
from omni_core.watch.disk import FileStat

QUIET_S = 1.0
"""Seconds without a change after which a small file counts as finished."""
QUIET_LARGE_S = 3.0
"""The same for files of LARGE bytes and more: copies of these pause."""
LARGE = 1 << 20
QUIET_AGAIN_S = 10.0
"""The same for a file that was ingested less than AGAIN_S ago: editors save while one types."""
AGAIN_S = 60.0
GONE_S = 2.0
"""Seconds of absence after which a file counts as gone."""
RETRY_S = (5.0, 20.0, 60.0, 300.0)
"""Pauses before an unreadable file that changed lately is tried again."""
YOUNG_S = 600.0
"""For so long after its last change an unreadable file may still be in the making."""


def quiet_s(size: int) -> float:
    """Seconds without a change after which a file of this size counts as finished."""
    return QUIET_S if size < LARGE else QUIET_LARGE_S


@dataclass
class Waiting:
    """A file that was seen and is not known as it is."""

    stat: FileStat
    since: float
    """When this stat was first seen, in seconds of the watcher's clock."""
    due: float
    """When to look again."""
    live: bool
    """Whether it came while the folder was watched, and not from a scan of everything."""
    tries: int = 0


@dataclass(frozen=True)
class Job:
    """A finished file whose turn to be ingested has come."""

    path: str
    stat: FileStat
    since: float
    live: bool
    tries: int
    before: KnownFile | None


class Files:
    """The files of all watched folders."""

    def __init__(self, *, again: bool = False) -> None:
        """`again`: what was passed over as unreadable is tried once more."""
        self.known: dict[str, KnownFile] = {}
        self.waiting: dict[str, Waiting] = {}
        self.missing: dict[str, float] = {}
        """Known files that are no longer seen, and when they count as gone."""
        self._queued: dict[str, Waiting] = {}
        self._heap: list[tuple[bool, int, int, str]] = []
        self._order = itertools.count()
        self._ingested: dict[str, float] = {}
        """When a file that came while the folder was watched was ingested."""
        self._again = again
        self.working: Job | None = None

    def load(self, folder: str, known: Iterable[KnownFile]) -> None:
        """Replace what is known of the files under a folder."""
        first = folder.rstrip(os.sep) + os.sep
        others = {p: k for p, k in self.known.items() if not p.startswith(first)}
        self.known = others | {k.path: k for k in known}

    def leave(self, folder: str) -> None:
        """Wait for nothing under a folder, which is away."""
        first = folder.rstrip(os.sep) + os.sep
        for noted in (self.waiting, self._queued, self.missing):
            for path in [p for p in noted if p.startswith(first)]:
                del noted[path]

    def seen(self, paths: Container[str]) -> None:
        """These files are there, so they are not missing."""
        for path in [p for p in self.missing if p in paths]:
            del self.missing[path]

    def saw(self, path: str, stat: FileStat, *, now: float, wall: float, live: bool) -> None:
        """A file is there; what is to be done for it is noted.

        `now` is the watcher's clock, `wall` the time of day in seconds, as in `stat`.
        """
        self.missing.pop(path, None)
        if self.is_done(path, stat) or (self.working and self.working.path == path):
            self.waiting.pop(path, None)
            return
        queued = self._queued.get(path)
        if queued is not None and queued.stat == stat:
            if live and not queued.live:  # somebody may be waiting for it: to the front
                queued.live = True
                self._push(path, queued)
            return
        was = self.waiting.get(path)
        if was is None or was.stat != stat:
            was = self.waiting[path] = Waiting(stat, now, now, live)
        if now < was.due:
            return
        pause = quiet_s(stat.size)
        if now - self._ingested.get(path, float("-inf")) < AGAIN_S:
            pause = QUIET_AGAIN_S
        left = min(pause - (now - was.since), pause - (wall - stat.changed_ns / 1e9))
        if left > 0:
            was.due = now + left
            return
        del self.waiting[path]
        self._queued[path] = was
        self._push(path, was)

    def _push(self, path: str, file: Waiting) -> None:
        heapq.heappush(self._heap, (not file.live, file.stat.size, next(self._order), path))

    def is_done(self, path: str, stat: FileStat) -> bool:
        """Whether a file as it is now needs nothing."""
        known = self.known.get(path)
        if known is None or (known.size, known.mtime_ns) != (stat.size, stat.mtime_ns):
            return False
        if self._again and known.passed_over not in ("", "FORGOTTEN"):
            return False
        return known.complete

    def lost(self, paths: Iterable[str], now: float) -> None:
        """Nothing is at these paths: whatever is known at or under them may be gone."""
        at: list[str] = []
        folders: list[str] = []
        for path in paths:
            here = (path in self.known, path in self.waiting, path in self._queued)
            (at if any(here) else folders).append(path)
        if folders:
            first = tuple(sorted(f + os.sep for f in folders))
            everything = (*self.known, *self.waiting, *self._queued)
            at += [p for p in everything if p.startswith(first)]
        for path in at:
            self.waiting.pop(path, None)
            self._queued.pop(path, None)
            known = self.known.get(path)
            if known is not None and not known.gone:
                self.missing.setdefault(path, now + GONE_S)

    def gone(self, now: float) -> list[str]:
        """Files that count as gone now, apart from those that are being renamed: a file of the
        same size and time is in the making elsewhere."""
        due = [path for path, at in self.missing.items() if at <= now]
        if not due:
            return []
        coming = [f.stat for f in (*self.waiting.values(), *self._queued.values())]
        if self.working is not None:
            coming.append(self.working.stat)
        arriving = {(s.size, s.mtime_ns) for s in coming}
        found = []
        for path in due:
            known = self.known.get(path)
            if known is None:
                del self.missing[path]
            elif (known.size, known.mtime_ns) in arriving:
                self.missing[path] = now + GONE_S
            else:
                found.append(path)
        return found

    def take(self) -> Job | None:
        """The next file to ingest: what came just now before what a scan found, and of these the
        smaller ones first."""
        while self._heap:
            path = heapq.heappop(self._heap)[-1]
            file = self._queued.pop(path, None)
            if file is not None:
                before = self.known.get(path)
                self.working = Job(path, file.stat, file.since, file.live, file.tries, before)
                return self.working
        return None

    def ended(self, job: Job, known: KnownFile | None, now: float) -> None:
        """The ingest of a file has ended; `known` is what is known of it now."""
        self.working = None
        if job.live:
            recent = {p: at for p, at in self._ingested.items() if now - at < AGAIN_S}
            self._ingested = recent | {job.path: now}
        if known is not None:
            self.known[job.path] = known

    def forget(self, path: str) -> None:
        """The library knows nothing of this path any more."""
        self.known.pop(path, None)
        self.missing.pop(path, None)

    def retry(self, job: Job, pause: float, now: float) -> None:
        """Look at this file again after `pause` seconds."""
        self.working = None
        self.waiting[job.path] = Waiting(
            job.stat, job.since, now + pause, job.live, tries=job.tries + 1
        )

    def due(self, now: float) -> list[str]:
        """Files to look at again."""
        return [path for path, file in self.waiting.items() if file.due <= now]

    @property
    def next_due(self) -> float:
        """When something is to be looked at again; infinity for never."""
        times = itertools.chain((w.due for w in self.waiting.values()), self.missing.values())
        return min(times, default=float("inf"))

    @property
    def queued(self) -> bool:
        """Whether a file's turn has come."""
        return bool(self._queued)

    @property
    def left(self) -> int:
        """Files that are waiting or queued."""
        return len(self.waiting) + len(self._queued)
