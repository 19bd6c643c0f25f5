"""Calls of the file system on folders of the user, which may hang: a drive of the network that is
gone, a tree of millions of files.

Each runs in a thread of its own, a few at a time, with a deadline, after which the caller is
answered whatever the thread does. The threads are not those of `asyncio.to_thread`, which the
catalog needs, and no process waits for them at its end.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from typing import TypeVar
from weakref import WeakKeyDictionary

from omni_core.errors import UnavailableError

AT_ONCE = 4
"""Calls that run at a time; the others wait, within their own deadlines."""
STUCK = 32
"""Threads that may hang past their deadline; with more of them calls are refused at once."""
DEADLINE_S = 20.0

Result = TypeVar("Result")

_given_up: ContextVar[threading.Event | None] = ContextVar("omni_file_call_given_up", default=None)


class GivenUpError(Exception):
    """Ends a call that nobody waits for any more."""


def go_on() -> None:
    """For loops over files: raise GivenUpError once nobody waits for this call any more."""
    given_up = _given_up.get()
    if given_up is not None and given_up.is_set():
        raise GivenUpError


class FileCalls:
    """The calls of one event loop."""

    def __init__(self, at_once: int = AT_ONCE, stuck: int = STUCK) -> None:
        self._slots = asyncio.Semaphore(at_once)
        self._most_stuck = stuck
        self._stuck: set[object] = set()

    @property
    def stuck(self) -> int:
        """Threads that have not ended although nobody waits for them any more."""
        return len(self._stuck)

    async def run(self, work: Callable[[], Result], deadline_s: float = DEADLINE_S) -> Result:
        """The result of `work`, in a thread.

        Raises UnavailableError FILES_SLOW past the deadline. A call that is cancelled or late ends
        at its next `go_on`.
        """
        if self.stuck >= self._most_stuck:
            raise UnavailableError(
                f"{self.stuck} look-ups in the file system hang: a drive does not answer; bring it "
                "back or restart the server without it",
                code="FILES_SLOW",
            )
        try:
            async with asyncio.timeout(deadline_s), self._slots:
                return await self._in_thread(work)
        except TimeoutError:
            raise UnavailableError(
                f"the file system gave no answer within {deadline_s:g} s: name a smaller folder "
                "or one file, and see that its drive answers",
                code="FILES_SLOW",
            ) from None

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[Result] = loop.create_future()
        given_up = threading.Event()
        this = object()
        context = copy_context()
        context.run(_given_up.set, given_up)

        def done(result: Result | None, error: BaseException | None) -> None:
            self._stuck.discard(this)
            if ended.done():
                return
            if error is not None:
                ended.set_exception(error)
            else:
                ended.set_result(result)  # type: ignore[arg-type]

        def thread() -> None:
            result, error = None, None
            try:
                result = context.run(work)
            except BaseException as e:
                error = e
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(done, result, error)

        threading.Thread(target=thread, name="file call", daemon=True).start()
        try:
            return await ended
        finally:
            if not ended.done() or ended.cancelled():
                given_up.set()
                self._stuck.add(this)


_of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, FileCalls] = WeakKeyDictionary()


async def run(work: Callable[[], Result]) -> Result:
    """`FileCalls.run` with the calls of the running event loop."""
    loop = asyncio.get_running_loop()
    calls = _of_loops.get(loop)
    if calls is None:
        calls = _of_loops[loop] = FileCalls()
    return await calls.run(work)
