"""The files of one set, several at a time: in order, but small ones do not wait behind films."""

from __future__ import annotations

import asyncio
import mimetypes
import os
from bisect import insort
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from omni_core import file_calls
from omni_core.engine.ingest.file import ELSEWHERE
from omni_core.engine.results import FolderStatus, IngestRequest, IngestStatus
from omni_core.errors import UnavailableError
from omni_core.tasks import Report

SMALL_BYTES = 2 << 20
"""Up to this size a file is small; an image is whatever its size."""

One = Callable[[IngestRequest, Report[IngestStatus]], Awaitable[IngestStatus]]


class Several:
    """Ingests one set of files, and reports how far it is."""

    def __init__(
        self,
        requests: Sequence[IngestRequest],
        one: One,
        report: Report[FolderStatus],
        at_once: int,
    ) -> None:
        """`one` ingests a file, `at_once` at the same time; while all of these are large, one small
        file more, which has a decoder of its own (`decoder_for`)."""
        self._requests, self._one, self._report = requests, one, report
        self._at_once = at_once
        self._left = deque(range(len(requests)))
        self._small: deque[int] = deque()
        self._is_small: frozenset[int] = frozenset()
        self._taken: set[int] = set()
        self._running: dict[asyncio.Task[IngestStatus], int] = {}
        self._now: dict[int, IngestStatus] = {}
        self._ended: list[tuple[int, IngestStatus]] = []
        self._done: tuple[IngestStatus, ...] = ()
        self._freed = asyncio.Event()
        """Set when a file turns out to be ingested by another process: others go on meanwhile."""

    async def run(self) -> FolderStatus:
        """The outcome, once every file has ended. Raises what `one` raises; then, and when this is
        cancelled, all files are."""
        try:
            self._small = deque(await file_calls.run_long(partial(_small, self._requests)))
        except UnavailableError:  # a drive does not answer, as the ingest of its files will say
            self._small = deque()
        self._is_small = frozenset(self._small)
        try:
            while self._start_more():
                self._freed.clear()
                freed = asyncio.ensure_future(self._freed.wait())
                try:
                    await asyncio.wait({*self._running, freed}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    freed.cancel()
                for task in [t for t in self._running if t.done()]:
                    await self._end(task)
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)
        return self._status(finished=True)

    def _start_more(self) -> bool:
        """Start what may start; whether anything is under way."""
        while (number := self._next()) is not None:
            self._taken.add(number)
            work = self._ingest(number)
            task = asyncio.ensure_future(work)  # ended by `run`
            self._running[task] = number
        return bool(self._running)

    def _next(self) -> int | None:
        here = {n for n in self._running.values() if not self._is_elsewhere(n)}
        if len(here) < self._at_once:
            return self._first(self._left)
        films = not self._is_small & here
        return self._first(self._small) if films and len(here) == self._at_once else None

    def _is_elsewhere(self, number: int) -> bool:
        status = self._now.get(number)
        return status is not None and status.waiting_for.startswith(ELSEWHERE)

    def _first(self, queue: deque[int]) -> int | None:
        while queue:
            number = queue.popleft()
            if number not in self._taken:
                return number
        return None

    async def _ingest(self, number: int) -> IngestStatus:
        async def report(status: IngestStatus) -> None:
            self._now[number] = status
            if self._is_elsewhere(number):
                self._freed.set()
            await self._report(self._status())

        return await self._one(self._requests[number], report)

    async def _end(self, task: asyncio.Task[IngestStatus]) -> None:
        number = self._running[task]
        status = task.result()
        del self._running[task]
        self._now.pop(number, None)
        insort(self._ended, (number, status), key=lambda ended: ended[0])
        self._done = tuple(status for _, status in self._ended)
        await self._report(self._status())

    def _status(self, *, finished: bool = False) -> FolderStatus:
        now = [self._now[number] for number in sorted(self._now)]
        first, beside = (now[0], tuple(now[1:])) if now else (None, ())
        total = len(self._requests)
        return FolderStatus(total, len(self._done), first, self._done, finished, beside)


def _small(requests: Sequence[IngestRequest]) -> list[int]:
    small = []
    for n, request in enumerate(requests):
        file_calls.go_on()
        if _is_small(request.path):
            small.append(n)
    return small


def _is_small(path: str) -> bool:
    kind, _ = mimetypes.guess_type(path)
    if kind is not None and kind.startswith("image/"):
        return True
    try:
        return os.path.getsize(path) <= SMALL_BYTES
    except OSError:  # its ingest says what is wrong
        return True
