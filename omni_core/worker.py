"""A child process that can be killed: decoders, models and the embedded index run in one each.

The parent holds a `Worker`; the child imports `module:factory`, builds one service object from
plain keyword arguments, and answers calls of its public methods. Frames travel on a private
pipe, between our own two processes only: in the child, file descriptor 1 is pointed at stderr
*before* anything is imported, since MuPDF, ONNX Runtime and plain C code print there. Calls are
pickled, answers are parsed: bytes, plain values, and values of the types that the parent named
(`codec`). A child that was taken over can at worst give wrong answers. `pipes` has how both travel,
`sandbox` says what else a child may do, and which part of the environment it sees.

A method that returns an iterator is consumed with `Worker.stream`, one request an item, so that
a slow consumer slows the decoder down and a video is never in memory as a whole. Methods run on
named threads (lanes): `service.lanes = {"question": "fast"}` runs `question` on the thread
`fast`; all other methods share one thread, unless `service.lane_of(method, args)` names another.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from concurrent.futures import Future
from typing import Any

from omni_core.codec import Codec, codecs
from omni_core.pipes.answers import END
from omni_core.pipes.child import Boot, Child
from omni_core.pipes.died import Death as Death
from omni_core.pipes.died import WorkerDied as WorkerDied
from omni_core.sandbox import Rules
from omni_core.sandbox.folders import TemporaryFolder
from omni_core.stages import stage

log = logging.getLogger(__name__)

START_S = 120.0
"""Seconds in which a child imports what it needs. They count in no deadline of a call: a busy
machine or a cold disk would make every first file one that "takes too long"."""
_UNCONFINED = Rules(mode="off")


class Worker:
    """One child process: started by the first call, and again by the next call after it died, or
    after it said why its service cannot be built."""

    def __init__(
        self,
        name: str,
        target: str,
        *,
        memory_mb: int = 0,
        nice: int = 0,
        answers: Mapping[str, Any] | None = None,
        shares: bool = False,
        rules: Rules | Callable[[], Rules] = _UNCONFINED,
        **kwargs: Any,
    ) -> None:
        """`target` is `package.module:factory`; `kwargs` must pickle.

        memory_mb caps the child's address space (0: no cap; Linux only). `answers`: for each
        method what it returns, as an annotation; those without return a plain value or bytes.
        shares: large answers come as sealed memory where the system has it (`pipes.memory`); their
        arrays cannot be written, and are passed on to another child without being copied.
        """
        self.name = name
        self.rules = rules
        """What the child may do, or a function that finds out, at each start of it."""
        self._boot = Boot(target, kwargs, dict(answers or {}), memory_mb, nice, shares)
        self._answers = codecs(answers or {})
        self._child: Child | None = None
        self._reader: threading.Thread | None = None
        self._ids = itertools.count(1)
        self._start_lock = threading.Lock()
        self._closed = False
        self.starts = 0
        """How often a child was started; more than once: it died, or was killed at a deadline."""

    @property
    def pid(self) -> int | None:
        """The child's process id, None while it is not running."""
        child = self._child
        return None if child is None else child.pid

    async def call(self, method: str, *args: Any, deadline_s: float | None = None) -> Any:
        """The method's result. Past the deadline the child is killed and WorkerDied raised."""
        return await self._named(None, method, args, deadline_s)

    async def bound(self) -> Bound:
        """For calls that depend on each other: all of them reach the child that runs now, or is
        started for them, and no later one."""
        child = await asyncio.to_thread(self._ensure_running)
        return Bound(self._named, self._send, child)

    async def _named(
        self, child: Child | None, method: str, args: tuple[Any, ...], deadline_s: float | None
    ) -> Any:
        if method.startswith("__"):
            return await self._call(child, method, args, None, deadline_s)
        with stage(f"{self.name.replace(' ', '_')}.{method}", alone=False):
            return await self._call(child, method, args, self._answers.get(method), deadline_s)

    async def _call(
        self, child: Child | None, method: str, args: tuple[Any, ...], answer: Codec | None,
        deadline_s: float | None,
    ) -> Any:  # fmt: skip
        """`child`: the only one that may answer; None: the one that runs, or a new one."""
        taker, future = await asyncio.to_thread(self._submit, child, method, args, answer)
        if deadline_s is not None:
            await self._until_ready(taker)
        try:
            async with asyncio.timeout(deadline_s) as limit:
                return await asyncio.wrap_future(future)
        except TimeoutError:
            if not limit.expired():
                raise
            await asyncio.to_thread(self._end, taker)
            raise WorkerDied(
                f"the {self.name} gave no answer within {deadline_s:g} s and was stopped",
                reason="deadline",
            ) from None
        finally:
            del future, limit  # they hold the error, which holds this frame and so the arguments

    async def _until_ready(self, child: Child) -> None:
        """Wait until the child takes calls, or has died, which the calls themselves report."""
        ready = child.ready
        if ready is None or ready.done():
            return
        waiting = asyncio.wrap_future(ready)
        waiting.add_done_callback(_heard)
        await asyncio.wait([waiting], timeout=START_S)
        if not ready.done():
            await asyncio.to_thread(self._end, child)
            raise WorkerDied(
                f"the {self.name} did not start within {START_S:g} s and was stopped: the machine "
                "is overloaded, or its disk does not answer",
                reason="unstarted",
            )

    async def stream(
        self, method: str, *args: Any, stall_s: float | None = None
    ) -> AsyncGenerator[Any, None]:
        """Items of a method that returns an iterator; one item is requested ahead.

        Closing the generator early (or cancelling) closes the child's iterator. Only the child that
        began it can go on with it: raises WorkerDied where that is gone, also between two items.
        """
        child = await asyncio.to_thread(self._prepared, method, args)
        handle = await self._call(child, "__open__", (method, args), None, stall_s)
        answer = self._answers.get(method)

        def following() -> asyncio.Task[Any]:  # too many and too small for stages
            return asyncio.ensure_future(self._call(child, "__next__", (handle,), answer, stall_s))

        ahead: asyncio.Task[Any] | None = None  # owned by this generator: ended in `finally`
        try:
            ahead = following()
            while (item := await ahead) is not END:
                ahead = following()
                yield item
        finally:
            if ahead is not None:
                ahead.cancel()
                ahead.add_done_callback(_heard)  # an error that came ahead concerns nobody now
            if child.pid is not None:
                with contextlib.suppress(WorkerDied):
                    await asyncio.to_thread(self._send, child, "__drop__", (handle,))

    async def start(self) -> None:
        """Start the child now, so that the first call does not wait for its imports."""
        await asyncio.to_thread(self._ensure_running)

    def _submit(
        self, child: Child | None, method: str, args: tuple[Any, ...], answer: Codec | None
    ) -> tuple[Child, Future[Any]]:
        """Send a call; its future resolves on the reader thread. Blocks while the pipe is full."""
        if child is None:
            child = self._prepared(method, args)
        return child, self._send(child, method, args, answer)

    def _prepared(self, method: str, args: tuple[Any, ...]) -> Child:
        """The running child that may take this call."""
        self._prepare(method, args)
        return self._ensure_running()

    def _prepare(self, method: str, args: tuple[Any, ...]) -> None:
        """Before each call, in a thread: what a subclass does about the child that will get it."""

    def _send(
        self, child: Child, method: str, args: tuple[Any, ...] = (), answer: Codec | None = None
    ) -> Future[Any]:
        return child.send(next(self._ids), method, args, answer)

    def _ensure_running(self) -> Child:
        with self._start_lock:
            if self._closed:
                raise WorkerDied(f"the {self.name} is closed", reason="closed")
            child = self._child
            if child is not None and child.pid is not None:
                if not child.could_not_start:
                    return child
                with contextlib.suppress(WorkerDied):  # it answers those that wait, then ends
                    self._send(child, "__close__")
            started: Future[Child] = Future()
            self._reader = threading.Thread(
                target=self._run, args=(started,), name=f"{self.name}-reader", daemon=True
            )
            self._reader.start()
            child = self._child = started.result()
            self.starts += 1
            with contextlib.suppress(WorkerDied):  # its first call says so
                child.ready = self._send(child, "__sandbox__")
            return child

    def _run(self, started: Future[Child]) -> None:
        """Start the child, then read its answers until it ends; see `Child`."""
        folder: TemporaryFolder | None = None
        try:
            rules = self.rules() if callable(self.rules) else self.rules
            folder = TemporaryFolder() if rules.mode != "off" else None
            child = Child(self.name, self._boot, rules, folder)
        except Exception as e:
            if folder is not None:
                folder.remove()
            started.set_exception(e)
            return
        started.set_result(child)
        try:
            child.read()
        finally:
            if folder is not None:
                folder.remove()

    async def confined(self) -> str:
        """What the running child is confined by, in words: `Landlock 7, seccomp`."""
        return str(await self.call("__sandbox__"))

    def kill(self) -> None:
        """End the child now; pending calls get WorkerDied, the next call starts a new one."""
        if self._child is not None:
            self._end(self._child)

    def end(self) -> None:
        """End the child now, also one that another thread is about to start, and start no other."""
        with self._start_lock:
            self._closed = True
        self.kill()

    def _end(self, child: Child) -> None:
        child.kill()
        if child is self._child:
            self._join()

    def _join(self) -> None:
        """Wait for the reader thread, so that its pipes are closed when we return."""
        reader = self._reader
        if reader is not None and reader is not threading.current_thread():
            reader.join(5)

    def close(self, timeout_s: float = 10.0) -> None:
        """Let the child close its service, then end it; kill it after `timeout_s`."""
        with self._start_lock:
            self._closed = True
        child = self._child
        if child is None or child.pid is None:
            self._join()
            return
        with contextlib.suppress(WorkerDied, OSError):
            self._send(child, "__close__")
        if not child.wait(timeout_s):
            log.warning("the %s did not close within %s s and was killed", self.name, timeout_s)
            self.kill()
        self._join()


class Bound:
    """Calls of one child, which later ones depend on: once it is gone they raise WorkerDied,
    although another child runs by then. See `Worker.bound`."""

    def __init__(
        self, call: Callable[..., Awaitable[Any]], send: Callable[..., object], child: Child
    ) -> None:
        self._call, self._send, self._child = call, send, child

    async def call(self, method: str, *args: Any, deadline_s: float | None = None) -> Any:
        """As `Worker.call`."""
        return await self._call(self._child, method, args, deadline_s)

    async def tell(self, method: str, *args: Any) -> None:
        """Make a call, after those before it, and do not wait for its answer."""
        await asyncio.to_thread(self._send, self._child, method, args)


def _heard(done: asyncio.Future[Any]) -> None:
    """For a future that nobody awaits any more: its error is not logged as one that was missed."""
    if not done.cancelled():
        done.exception()
