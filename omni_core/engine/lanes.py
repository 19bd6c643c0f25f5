"""Decoders in lanes: taken in order of arrival, and who waits is told for what."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from omni_core.worker import Worker

Waiting = Callable[[str], Awaitable[None]]
"""Awaited with the names of what is ahead, again whenever that changes."""


@dataclass(eq=False, slots=True)
class _Ticket:
    name: str
    granted: asyncio.Future[Worker]


class Lane:
    """Workers that one task each may hold at a time."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        self._free = deque(workers)
        self._held: dict[Worker, str] = {}
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
    async def worker(self, name: str, waiting: Waiting | None = None) -> AsyncIterator[Worker]:
        """A worker for the task `name`, once those that came before have theirs."""
        worker = self._free.popleft() if self._free else await self._wait(name, waiting)
        self._held[worker] = name
        try:
            yield worker
        finally:
            del self._held[worker]
            self._release(worker)

    async def _wait(self, name: str, waiting: Waiting | None) -> Worker:
        loop = asyncio.get_running_loop()
        ticket = _Ticket(name, loop.create_future())
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
        names = list(self._held.values())
        before = self._queue.index(ticket)
        more = len(names) - 1 + before
        first = names[0] if names else "another file"
        return first if more < 1 else f"{first} and {more} more file{'s' * (more > 1)}"
