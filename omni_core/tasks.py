"""Asyncio tasks with an owner, and tasks shared by several callers.

Why not `asyncio.TaskGroup`: a group ends all its tasks when one fails, wraps the error, and must
be left by the task that entered it. An engine's jobs fail independently, their errors go to
their callers, and an engine may be closed by another task than the one that opened it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from omni_core.errors import OmniError, StoppedError

log = logging.getLogger(__name__)

T = TypeVar("T")
Key = TypeVar("Key", bound=Hashable)
Status = TypeVar("Status")
Result = TypeVar("Result")

CLOSE_S = 10.0
"""How long `TaskOwner.close` waits for tasks to end before it says which ones did not."""
MAX_KEPT = 256
"""Outcomes that are kept for callers who have not come back."""
CANCEL_S = 2.0
"""How long a cancelled caller waits for the work that it cancelled to end."""


async def result_of(task: asyncio.Task[T]) -> T:
    """The result of a shared task: cancelling this caller does not cancel the task.

    Raises StoppedError when somebody else cancelled the task: its CancelledError would mean that
    this caller itself is cancelled.
    """
    await asyncio.wait([task])
    return _result(task)


def _result(task: asyncio.Task[T]) -> T:
    if task.cancelled():
        raise StoppedError(f"{task.get_name()} was cancelled by another request; ask again")
    return task.result()


def heard(done: asyncio.Future[Any]) -> None:
    """For a task or a future that nobody may await any more: its error is not logged as one that
    was missed."""
    if not done.cancelled() and (error := done.exception()) is not None:
        log.debug("%s: %s", type(error).__name__, error)


async def finish_first(work: Coroutine[Any, Any, T]) -> T:
    """Await `work` to its end even if this task is cancelled; then raise the cancellation.

    For the few steps that must not be interrupted, such as recording the state of an ingest.
    """
    task = asyncio.ensure_future(work)  # owned by this call, which does not return before it
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as e:
            cancelled = e
    if cancelled is not None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("while being cancelled: %s", error)
        raise cancelled
    return task.result()


async def in_thread(work: Callable[..., T], *args: Any) -> T:
    """The result of `work(*args)`, run to its end in a thread even if this task is cancelled.

    For what writes files that a clean-up removes: with `asyncio.to_thread` alone, a cancelled task
    would clean up while the thread goes on writing, and leave what it writes.
    """
    return await finish_first(asyncio.to_thread(work, *args))


class TaskOwner:
    """Background tasks that end with their owner. Opened and closed from any task."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False

    def start(
        self, work: Coroutine[Any, Any, T], *, name: str, log_failure: bool = True
    ) -> asyncio.Task[T]:
        """Run `work`; its failure is logged, unless someone else reports it, or nobody needs it.

        Raises StoppedError after `close`.
        """
        if self._closed:
            work.close()
            raise StoppedError(f"{self._name} is closed")
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(report_failure if log_failure else heard)
        return task

    async def close(self, timeout_s: float = CLOSE_S) -> None:
        """Cancel every task and wait until all have ended, at most `timeout_s`."""
        self._closed = True
        for task in self._tasks:
            if not task.cancelling():  # a second cancellation would interrupt its cleanup
                task.cancel()
        if self._tasks:
            _, late = await asyncio.wait([*self._tasks], timeout=timeout_s)
            for task in late:
                log.warning("%s: %r has not ended within %g s", self._name, task.get_name(),
                            timeout_s)  # fmt: skip


def report_failure(task: asyncio.Task[Any]) -> None:
    """Log the failure of a task: one line for an OmniError, the traceback for any other."""
    if task.cancelled() or (error := task.exception()) is None:
        return
    unexpected = None if isinstance(error, OmniError) else error
    log.warning("%s: %s", task.get_name(), error, exc_info=unexpected)


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Status, Result]):
    """Status of shared work; `result` is None until it has ended."""

    status: Status
    result: Result | None


Report = Callable[[Status], Awaitable[None]]


class _Shared(Generic[Key, Status, Result]):
    """One shared task, its last status and the number of callers that wait for it."""

    task: asyncio.Task[Result]

    def __init__(self, key: Key, serial_key: Hashable, first: Status) -> None:
        self.key, self.serial_key, self.status = key, serial_key, first
        self.waiting = 0
        self.accepted = False
        """Whether a caller was told that the task goes on without it."""
        self.ending: asyncio.Task[None] | None = None
        """Cancels the task when the grace of its last caller is over."""
        self.changed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def report(self, status: Status) -> None:
        """Set a new status and wake the waiting callers."""
        self.status = status
        changed, self.changed = self.changed, asyncio.get_running_loop().create_future()
        changed.set_result(None)


class SharedTasks(Generic[Key, Status, Result]):
    """Starts tasks by key; a caller with the key of a running task joins it."""

    def __init__(
        self,
        owner: TaskOwner,
        *,
        keep: bool = False,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`keep`: when a task ends while no caller waits, its outcome is kept for the next one; of
        the last `MAX_KEPT` such tasks.

        `sleep` measures the grace of callers that went away.
        """
        self._owner, self._keep, self._sleep = owner, keep, sleep
        self._by_key: dict[Key, _Shared[Key, Status, Result]] = {}
        self._live: dict[_Shared[Key, Status, Result], None] = {}
        self._kept: deque[_Shared[Key, Status, Result]] = deque()

    async def join(
        self,
        key: Key,
        work: Callable[[Report[Status]], Awaitable[Result]],
        *,
        first: Status,
        name: str,
        serial_key: Hashable = None,
        behind: Callable[[Status], Status] | None = None,
        wait_s: float | None = None,
        grace_s: float = 0.0,
        progress: Report[Status] | None = None,
    ) -> Outcome[Status, Result]:
        """Wait at most `wait_s` seconds for the task of this key, which runs on afterwards.

        `work(report)` is started unless it is running already; until its first report its status
        is `first`. A task that is being cancelled is never joined: its successor starts when it
        has ended. Tasks with different keys and the same `serial_key` (by default the key) run
        one after another; `behind` makes the status of one that waits from that of the other.

        `progress` is awaited with each new status. Cancelling the last waiting caller cancels the
        task at once or, with `grace_s`, after so many seconds in which nobody joins it; with a
        grace, a task of which a caller was told that it goes on is not cancelled. Raises what the
        work raised, and StoppedError when it was cancelled by others.
        """
        shared = self._by_key.get(key)
        if shared is None or shared.task.cancelling() or shared.task.cancelled():
            lane = key if serial_key is None else serial_key
            shared = self._start(key, work, first, name, lane, behind)
        if shared.ending is not None:
            shared.ending.cancel()
            shared.ending = None
        until = None if wait_s is None else asyncio.get_running_loop().time() + wait_s
        shared.waiting += 1
        stays = False
        try:
            await _follow(shared, until, progress)
            stays = True
        except asyncio.CancelledError:
            if shared.waiting == 1 and not shared.task.cancelling():
                await self._abandon(shared, grace_s)
            raise
        finally:
            shared.waiting -= 1
            if not stays and shared not in self._live:  # it ended for this caller, which has gone
                self._unheard(shared)
        if not shared.task.done():
            shared.accepted = True
            return Outcome(shared.status, None)
        self._forget(shared)
        return Outcome(shared.status, _result(shared.task))

    async def _abandon(self, shared: _Shared[Key, Status, Result], grace_s: float) -> None:
        """The last waiting caller was cancelled."""
        if not grace_s:
            shared.task.cancel()
            await asyncio.wait([shared.task], timeout=CANCEL_S)
        elif not shared.accepted and not shared.task.done():
            name = f"the grace of {shared.task.get_name()}"
            shared.ending = self._owner.start(self._end_after(shared, grace_s), name=name)

    async def _end_after(self, shared: _Shared[Key, Status, Result], grace_s: float) -> None:
        await self._sleep(grace_s)
        if not shared.task.cancelling():
            log.info("%s is suspended: nobody asked again", shared.task.get_name())
            shared.task.cancel()

    def _start(
        self,
        key: Key,
        work: Callable[[Report[Status]], Awaitable[Result]],
        first: Status,
        name: str,
        serial_key: Hashable,
        behind: Callable[[Status], Status] | None,
    ) -> _Shared[Key, Status, Result]:
        before = [s for s in self._live if s.serial_key == serial_key]
        shared: _Shared[Key, Status, Result] = _Shared(key, serial_key, first)

        async def run() -> Result:
            for other in before:
                await _follow(other, None, behind and _reporting(behind, shared))
            return await work(shared.report)

        shared.task = self._owner.start(run(), name=name, log_failure=False)
        shared.task.add_done_callback(lambda _: self._ended(shared))
        self._by_key[key] = shared
        self._live[shared] = None
        return shared

    def _ended(self, shared: _Shared[Key, Status, Result]) -> None:
        self._live.pop(shared, None)
        if shared.ending is not None:
            shared.ending.cancel()
        if shared.task.cancelled() or not self._keep:
            self._forget(shared)
        self._unheard(shared)

    def _unheard(self, shared: _Shared[Key, Status, Result]) -> None:
        """It has ended: where no caller waits for that, keep how, and log its failure."""
        if shared.waiting:
            return
        if self._keep and not shared.task.cancelled():
            self._kept.append(shared)
            if len(self._kept) > MAX_KEPT:
                self._forget(self._kept.popleft())
        report_failure(shared.task)

    def _forget(self, shared: _Shared[Key, Status, Result]) -> None:
        if self._by_key.get(shared.key) is shared:
            del self._by_key[shared.key]

    def status(self, key: Key) -> Status | None:
        """The last status of the task of this key; None when there is none."""
        shared = self._by_key.get(key)
        return None if shared is None else shared.status

    @property
    def running(self) -> list[Status]:
        """The last status of every running task."""
        return [s.status for s in self._live]

    @property
    def live(self) -> list[tuple[Key, Status]]:
        """Key and last status of every running task, in the order in which they were started."""
        return [(s.key, s.status) for s in self._live]

    async def cancel(
        self, chosen: Callable[[Status], bool], timeout_s: float = CLOSE_S
    ) -> list[Status]:
        """Cancel the tasks whose status satisfies `chosen`, and wait until they have ended.

        Returns the last status of each.
        """
        found = [s for s in self._live if chosen(s.status)]
        return await self._cancel(found, timeout_s)

    async def cancel_keys(
        self,
        chosen: Callable[[Key], bool],
        *,
        unless_awaited: bool = False,
        timeout_s: float = CLOSE_S,
    ) -> list[Status]:
        """`cancel` by key; `unless_awaited` leaves out tasks for which a caller waits."""
        found = [s for s in self._live if chosen(s.key) and not (unless_awaited and s.waiting)]
        return await self._cancel(found, timeout_s)

    async def _cancel(
        self, found: list[_Shared[Key, Status, Result]], timeout_s: float
    ) -> list[Status]:
        for shared in found:
            if not shared.task.cancelling():
                shared.task.cancel()
        if found:
            await asyncio.wait([s.task for s in found], timeout=timeout_s)
        return [s.status for s in found]


def _reporting(
    change: Callable[[Status], Status], shared: _Shared[Any, Status, Any]
) -> Report[Status]:
    async def report(status: Status) -> None:
        await shared.report(change(status))

    return report


async def _follow(
    shared: _Shared[Key, Status, Result], until: float | None, progress: Report[Status] | None
) -> None:
    loop = asyncio.get_running_loop()
    reported: Status | None = None
    while not shared.task.done():
        left = None if until is None else until - loop.time()
        if left is not None and left <= 0:
            return
        if progress is not None and shared.status is not reported:
            reported = shared.status
            await progress(reported)  # a newer status may come meanwhile: look again before waiting
            continue
        either: tuple[asyncio.Future[Any], ...] = (shared.task, shared.changed)
        await asyncio.wait(either, timeout=left, return_when=asyncio.FIRST_COMPLETED)
