"""Decoders in lanes: taken in order of arrival, and who waits is told for what."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice

from omni_core.worker import Worker

Waiting = Callable[[str], Awaitable[None]]
"""Awaited with what is ahead in words, again whenever that changes."""


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose file is read, and of which others the names may be told to who asked for it."""

    store: str = ""
    collection: str = ""
    seen: tuple[str, ...] = ()
    """The collections of that store; () for all of them."""

    def sees(self, other: Whose) -> bool:
        """Whether it may be told that it waits for this one."""
        return self.store == other.store and (not self.seen or other.collection in self.seen)


NOBODY = Whose()


@dataclass(frozen=True, slots=True)
class _Task:
    name: str
    whose: Whose


@dataclass(eq=False, slots=True)
class _Ticket:
    task: _Task
    granted: asyncio.Future[Worker]


class Lane:
    """Workers that one task each may hold at a time."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        self._free = deque(workers)
        self._held: dict[Worker, _Task] = {}
        self._queue: deque[_Ticket] = deque()
        self._changed: asyncio.Future[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether the next one to come must wait."""
        return not self._free

    @property
    def idle(self) -> bool:
        """Whether nobody holds a worker."""
        return not self._held

    @asynccontextmanager
    async def worker(
        self, name: str, waiting: Waiting | None = None, whose: Whose = NOBODY
    ) -> AsyncIterator[Worker]:
        """A worker for the task `name`, once those that came before have theirs."""
        task = _Task(name, whose)
        worker = self._free.popleft() if self._free else await self._wait(task, waiting)
        self._held[worker] = task
        try:
            yield worker
        finally:
            del self._held[worker]
            self._release(worker)

    async def _wait(self, task: _Task, waiting: Waiting | None) -> Worker:
        loop = asyncio.get_running_loop()
        ticket = _Ticket(task, loop.create_future())
        self._queue.append(ticket)
        told = ""
        try:
            while not ticket.granted.done():
                if waiting is not None and (ahead := self._ahead(ticket)) != told:
                    told = ahead
                    await waiting(ahead)
                    continue
                if self._changed is None or self._changed.done():
                    self._changed = loop.create_future()
                either: tuple[asyncio.Future[Worker] | asyncio.Future[None], ...] = (
                    ticket.granted, self._changed,
                )  # fmt: skip
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        except BaseException:
            if ticket.granted.done():
                self._release(ticket.granted.result())
            else:
                self._queue.remove(ticket)
                self._tell()
            raise
        return ticket.granted.result()

    def _release(self, worker: Worker) -> None:
        if self._queue:
            self._queue.popleft().granted.set_result(worker)
        else:
            self._free.append(worker)
        self._tell()

    def _tell(self) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)

    def _ahead(self, ticket: _Ticket) -> str:
        before = islice(self._queue, self._queue.index(ticket))
        ahead = [*self._held.values(), *(t.task for t in before)]
        seen = [task.name for task in ahead if ticket.task.whose.sees(task.whose)]
        if not seen:
            return "other files" if ahead else "another file"
        if len(seen) < len(ahead):
            return f"{seen[0]} and other files"
        more = len(seen) - 1
        return seen[0] if more < 1 else f"{seen[0]} and {more} more file{'s' * (more > 1)}"
