"""Calls of the file system on files of the user, which may hang: a drive of the network that is
gone, a tree of millions of files.

Each runs in a thread of its own, a few at a time, with a deadline, after which the caller is
answered whatever the thread does. What may rightly take long, as reading a large file, has none
but must show that it goes on. The threads are not those of `asyncio.to_thread`, which the
catalog needs, and no process waits for them at its end.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from typing import TypeVar
from weakref import WeakKeyDictionary

from omni_core.errors import UnavailableError

AT_ONCE = 4
"""Calls that run at a time; the others wait, within their own deadlines."""
STUCK = 32
"""Threads that may hang past their deadline; with more of them calls are refused at once."""
DEADLINE_S = 20.0
SILENT_S = 1.0
"""A call that is given up hangs if it has not gone on for so long."""

Result = TypeVar("Result")


@dataclass(eq=False)
class _Sign:
    """Between a call and who waits for it."""

    given_up: bool = False
    at: float = field(default_factory=time.monotonic)
    """When the call last went on."""


_sign: ContextVar[_Sign | None] = ContextVar("omni_file_call", default=None)


class GivenUpError(Exception):
    """Ends a call that nobody waits for any more."""


def go_on() -> None:
    """For loops over files and over the bytes of one: show that the call goes on; raises
    GivenUpError once nobody waits for it any more."""
    sign = _sign.get()
    if sign is not None:
        if sign.given_up:
            raise GivenUpError
        sign.at = time.monotonic()


class FileCalls:
    """The calls of one event loop."""

    def __init__(self, at_once: int = AT_ONCE, stuck: int = STUCK) -> None:
        self._slots, self._long = asyncio.Semaphore(at_once), asyncio.Semaphore(at_once)
        self._most_stuck = stuck
        self._stuck: dict[_Sign, str] = {}
        """Calls that nobody waits for any more, and on what; "" for what was merely cancelled."""

    @property
    def stuck(self) -> int:
        """Threads that have not ended although nobody waits for them any more."""
        return len(self._stuck)

    async def run(
        self, work: Callable[[], Result], deadline_s: float = DEADLINE_S, *, on: str = ""
    ) -> Result:
        """The result of `work`, in a thread.

        Raises UnavailableError FILES_SLOW past the deadline, and at once where another call on the
        same (`on`: a folder) hangs. A call that is cancelled or late ends at its next `go_on`.
        """
        self._refuse_stuck(on)
        try:
            async with asyncio.timeout(deadline_s), self._slots:
                return await self._in_thread(work, on, deadline_s)
        except TimeoutError:
            raise UnavailableError(
                f"the file system gave no answer within {deadline_s:g} s: name a smaller folder "
                "or one file, and see that its drive answers",
                code="FILES_SLOW",
            ) from None

    async def run_long(
        self, work: Callable[[], Result], stall_s: float = DEADLINE_S, *, on: str = ""
    ) -> Result:
        """The result of `work`, which may take any time, and wait for its turn, as long as it says
        `go_on` at least every `stall_s`. Raises as `run` does."""
        async with self._long:
            self._refuse_stuck(on)
            return await self._in_thread(work, on, stall_s, stalls=True)

    def _refuse_stuck(self, on: str) -> None:
        if on and on in self._stuck.values():
            raise UnavailableError(
                "an earlier look-up in the same folder hangs: see that its drive answers",
                code="FILES_SLOW",
            )
        if self.stuck >= self._most_stuck:
            raise UnavailableError(
                f"{self.stuck} look-ups in the file system hang: a drive does not answer; bring it "
                "back or restart the server without it",
                code="FILES_SLOW",
            )

    async def _in_thread(
        self, work: Callable[[], Result], on: str, limit_s: float, *, stalls: bool = False
    ) -> Result:
        """`limit_s`: the deadline, which the caller keeps; with `stalls` that of each step, which
        is kept here."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[Result] = loop.create_future()
        sign = _Sign()
        context = copy_context()
        context.run(_sign.set, sign)

        def done(result: Result | None, error: BaseException | None) -> None:
            self._stuck.pop(sign, None)
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
            while stalls and not ended.done():
                left = sign.at + limit_s - time.monotonic()
                if left <= 0:
                    raise UnavailableError(
                        f"the file system gave nothing for {limit_s:g} s: see that its drive "
                        "answers, and try again",
                        code="FILES_SLOW",
                    )
                await asyncio.wait([ended], timeout=left)
            return await ended
        finally:
            if not ended.done() or ended.cancelled():
                ended.cancel()
                sign.given_up = True
                silent = time.monotonic() - sign.at >= min(SILENT_S, limit_s / 2)
                self._stuck[sign] = on if silent else ""


_of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, FileCalls] = WeakKeyDictionary()


async def run(work: Callable[[], Result], *, on: str = "") -> Result:
    """`FileCalls.run` with the calls of the running event loop."""
    return await _calls().run(work, on=on)


async def run_long(work: Callable[[], Result], *, on: str = "") -> Result:
    """`FileCalls.run_long` with the calls of the running event loop."""
    return await _calls().run_long(work, on=on)


def _calls() -> FileCalls:
    loop = asyncio.get_running_loop()
    calls = _of_loops.get(loop)
    if calls is None:
        calls = _of_loops[loop] = FileCalls()
    return calls
