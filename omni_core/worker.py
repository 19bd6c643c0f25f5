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
from collections.abc import AsyncGenerator, Callable, Mapping
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
    """One child process: started by the first call, and again by the next call after it died."""

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
        self._ready: Future[Any] | None = None
        """Resolves when the running child has built its service, or cannot."""
        self.starts = 0
        """How often a child was started; more than once: it died, or was killed at a deadline."""

    @property
    def pid(self) -> int | None:
        """The child's process id, None while it is not running."""
        child = self._child
        return None if child is None else child.pid

    async def call(self, method: str, *args: Any, deadline_s: float | None = None) -> Any:
        """The method's result. Past the deadline the child is killed and WorkerDied raised."""
        if method.startswith("__"):
            return await self._call(method, args, None, deadline_s)
        with stage(f"{self.name.replace(' ', '_')}.{method}", alone=False):
            return await self._call(method, args, self._answers.get(method), deadline_s)

    async def _call(
        self, method: str, args: tuple[Any, ...], answer: Codec | None, deadline_s: float | None
    ) -> Any:
        future = await asyncio.to_thread(self._submit, method, args, answer)
        if deadline_s is not None:
            await self._until_ready()
        try:
            async with asyncio.timeout(deadline_s) as limit:
                return await asyncio.wrap_future(future)
        except TimeoutError:
            if not limit.expired():
                raise
            await asyncio.to_thread(self.kill)
            raise WorkerDied(
                f"the {self.name} gave no answer within {deadline_s:g} s and was stopped",
                reason="deadline",
            ) from None
        finally:
            del future, limit  # they hold the error, which holds this frame and so the arguments

    async def _until_ready(self) -> None:
        """Wait until the child takes calls, or has died, which the calls themselves report."""
        ready = self._ready
        if ready is None or ready.done():
            return
        waiting = asyncio.wrap_future(ready)
        waiting.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.wait([waiting], timeout=START_S)
        if not ready.done():
            await asyncio.to_thread(self.kill)
            raise WorkerDied(
                f"the {self.name} did not start within {START_S:g} s and was stopped: the machine "
                "is overloaded, or its disk does not answer",
                reason="unstarted",
            )

    async def stream(
        self, method: str, *args: Any, stall_s: float | None = None
    ) -> AsyncGenerator[Any, None]:
        """Items of a method that returns an iterator; one item is requested ahead.

        Closing the generator early (or cancelling) closes the child's iterator.
        """
        handle = await self.call("__open__", method, args, deadline_s=stall_s)
        answer = self._answers.get(method)

        def following() -> asyncio.Task[Any]:  # too many and too small for stages
            return asyncio.ensure_future(self._call("__next__", (handle,), answer, stall_s))

        ahead: asyncio.Task[Any] | None = None  # owned by this generator: ended in `finally`
        try:
            ahead = following()
            while (item := await ahead) is not END:
                ahead = following()
                yield item
        finally:
            if ahead is not None and not ahead.done():
                ahead.cancel()
            if ahead is not None:
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await asyncio.shield(asyncio.wait([ahead], timeout=0))
            if self.pid is not None:
                with contextlib.suppress(WorkerDied):
                    self._send_nowait("__drop__", (handle,))

    async def start(self) -> None:
        """Start the child now, so that the first call does not wait for its imports."""
        await asyncio.to_thread(self._ensure_running)

    def _submit(self, method: str, args: tuple[Any, ...], answer: Codec | None) -> Future[Any]:
        """Send a call; its future resolves on the reader thread. Blocks while the pipe is full."""
        self._prepare(method, args)
        self._ensure_running()
        return self._send_nowait(method, args, answer)

    def _prepare(self, method: str, args: tuple[Any, ...]) -> None:
        """Before each call, in a thread: what a subclass does about the child that will get it."""

    def _send_nowait(
        self, method: str, args: tuple[Any, ...] = (), answer: Codec | None = None
    ) -> Future[Any]:
        child = self._child
        if child is None:
            raise WorkerDied(f"the {self.name} stopped; the next call starts it again")
        return child.send(next(self._ids), method, args, answer)

    def _ensure_running(self) -> None:
        with self._start_lock:
            if self._closed:
                raise WorkerDied(f"the {self.name} is closed", reason="closed")
            if self.pid is not None:
                return
            started: Future[Child] = Future()
            self._reader = threading.Thread(
                target=self._run, args=(started,), name=f"{self.name}-reader", daemon=True
            )
            self._reader.start()
            self._child = started.result()
            self.starts += 1
            self._ready = None
            with contextlib.suppress(WorkerDied):  # its first call says so
                self._ready = self._send_nowait("__sandbox__")

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
        child.read()
        if folder is not None:
            folder.remove()

    async def confined(self) -> str:
        """What the running child is confined by, in words: `Landlock 7, seccomp`."""
        return str(await self._call("__sandbox__", (), None, None))

    def kill(self) -> None:
        """End the child now; pending calls get WorkerDied, the next call starts a new one."""
        if self._child is not None:
            self._child.kill()
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
            self._send_nowait("__close__")
        if not child.wait(timeout_s):
            log.warning("the %s did not close within %s s and was killed", self.name, timeout_s)
            self.kill()
        self._join()
