"""A child process that can be killed: decoders, models and the embedded index run in one each.

The parent holds a `Worker`; the child imports `module:factory`, builds one service object from
plain keyword arguments, and answers calls of its public methods. Frames travel on a private
pipe, between our own two processes only: in the child, file descriptor 1 is pointed at stderr
*before* anything is imported, since MuPDF, ONNX Runtime and plain C code print there. Calls are
pickled; a child answers in bytes, JSON or pickles (`worker_child`), of which a `ParsedWorker` takes
only the first two.

A method that returns an iterator is consumed with `Worker.stream`, one request an item, so that
a slow consumer slows the decoder down and a video is never in memory as a whole. Methods run on
named threads (lanes): `service.lanes = {"question": "fast"}` runs `question` on the thread
`fast`; all other methods share one thread, unless `service.lane_of(method, args)` names another.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import os
import pickle
import struct
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator
from concurrent.futures import Future
from typing import Any, Literal

from omni_core.errors import OmniError, UnavailableError, unpack
from omni_core.stages import stage
from omni_core.worker_child import END, FAILED, HEAD, PICKLED, PLAIN, RAW, read_frame

log = logging.getLogger(__name__)


NO_THREAD_MEMORY = 127
"""Exit status with which glibc ends a process that has no memory left for a thread."""
Death = Literal["deadline", "killed", "crashed", "closed"]
"""Why a child gave no answer. deadline: it was stopped because a call took too long. killed: by
SIGKILL, which is how Linux ends a process when memory runs out, or by itself for want of memory.
crashed: another signal, or it ended by itself. closed: its owner had closed it."""


class WorkerDied(UnavailableError):
    """The child process is gone; `reason` says how it ended."""

    code = "WORKER_DIED"

    def __init__(self, message: str, *, reason: Death = "crashed", code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.reason: Death = reason

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle with the reason and the code."""
        return _rebuild, (type(self), str(self), self.reason, self.code)


def _rebuild(kind: type[WorkerDied], message: str, reason: Death, code: str) -> WorkerDied:
    return kind(message, reason=reason, code=code)


class Worker:
    """One child process: started by the first call, and again by the next call after it died."""

    _takes_pickles = True

    def __init__(
        self, name: str, target: str, *, memory_mb: int = 0, nice: int = 0, **kwargs: Any
    ) -> None:
        """`target` is `package.module:factory`; `kwargs` must pickle.

        memory_mb caps the child's address space (0: no cap; Linux only).
        """
        self.name = name
        self._boot = (target, memory_mb, nice, kwargs)
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._pending: dict[int, Future[Any]] = {}
        self._ids = itertools.count(1)
        self._start_lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._closed = False
        self.starts = 0
        """How often a child was started; more than once: it died, or was killed at a deadline."""

    @property
    def pid(self) -> int | None:
        """The child's process id, None while it is not running."""
        p = self._process
        return p.pid if p is not None and p.poll() is None else None

    async def call(self, method: str, *args: Any, deadline_s: float | None = None) -> Any:
        """The method's result. Past the deadline the child is killed and WorkerDied raised."""
        if method.startswith("__"):  # an item of a stream: too many and too small for stages
            return await self._call(method, args, deadline_s)
        with stage(f"{self.name.replace(' ', '_')}.{method}", alone=False):
            return await self._call(method, args, deadline_s)

    async def _call(self, method: str, args: tuple[Any, ...], deadline_s: float | None) -> Any:
        future = await asyncio.to_thread(self.submit, method, *args)
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

    async def stream(
        self, method: str, *args: Any, stall_s: float | None = None
    ) -> AsyncGenerator[Any, None]:
        """Items of a method that returns an iterator; one item is requested ahead.

        Closing the generator early (or cancelling) closes the child's iterator.
        """
        handle = await self.call("__open__", method, args, deadline_s=stall_s)
        ahead: asyncio.Task[Any] | None = None  # owned by this generator: ended in `finally`
        try:
            ahead = asyncio.ensure_future(self.call("__next__", handle, deadline_s=stall_s))
            while True:
                item = await ahead
                if isinstance(item, str) and item == END:
                    return
                ahead = asyncio.ensure_future(self.call("__next__", handle, deadline_s=stall_s))
                yield item
        finally:
            if ahead is not None and not ahead.done():
                ahead.cancel()
            if ahead is not None:
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await asyncio.shield(asyncio.wait([ahead], timeout=0))
            if self.pid is not None:
                with contextlib.suppress(WorkerDied):
                    self._send_nowait("__drop__", handle)

    async def start(self) -> None:
        """Start the child now, so that the first call does not wait for its imports."""
        await asyncio.to_thread(self._ensure_running)

    def submit(self, method: str, *args: Any) -> Future[Any]:
        """Send a call; its future resolves on the reader thread. Blocks while the pipe is full."""
        self._ensure_running()
        return self._send_nowait(method, *args)

    def _send_nowait(self, method: str, *args: Any) -> Future[Any]:
        number = next(self._ids)
        future: Future[Any] = Future()
        # Read together: calls pending for a child that died are not those of its successor.
        process, pending = self._process, self._pending
        pending[number] = future
        frame = struct.pack("<Q", number) + pickle.dumps((method, args), 5)
        try:
            if process is None or process.stdin is None:
                raise BrokenPipeError
            with self._write_lock:
                process.stdin.write(struct.pack("<Q", len(frame)))
                process.stdin.write(frame)
                process.stdin.flush()
        except (OSError, ValueError):
            pending.pop(number, None)
            raise WorkerDied(f"the {self.name} stopped; the next call starts it again") from None
        return future

    def _ensure_running(self) -> None:
        with self._start_lock:
            if self._closed:
                raise WorkerDied(f"the {self.name} is closed", reason="closed")
            if self._process is not None and self._process.poll() is None:
                return
            started: Future[subprocess.Popen[bytes]] = Future()
            pending: dict[int, Future[Any]] = {}
            self._reader = threading.Thread(
                target=self._run, args=(started, pending), name=f"{self.name}-reader", daemon=True
            )
            self._reader.start()
            process = started.result()
            self._pending, self._process = pending, process
            self.starts += 1

    def _run(
        self, started: Future[subprocess.Popen[bytes]], pending: dict[int, Future[Any]]
    ) -> None:
        """Start the child, then read its answers until it ends.

        The thread that starts a child must outlive it: Linux sends the parent-death signal when
        the starting *thread* ends, and pool threads come and go.
        """
        home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        env = {**os.environ, "PYTHONPATH": os.pathsep.join([*filter(None, sys.path), home])}
        try:
            process = subprocess.Popen(
                # -P: modules in the current directory must not be importable
                [sys.executable, "-P", "-m", "omni_core.worker_child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=env,
                close_fds=True,
                start_new_session=True,  # the parent handles Ctrl-C
            )
            assert process.stdin is not None  # noqa: S101 - PIPE above
            boot = pickle.dumps((os.getpid(), *self._boot), 5)
            with contextlib.suppress(OSError):
                process.stdin.write(struct.pack("<Q", len(boot)) + boot)
                process.stdin.flush()
        except Exception as e:
            started.set_exception(e)
            return
        started.set_result(process)
        self._read(process, pending)

    def _read(self, process: subprocess.Popen[bytes], pending: dict[int, Future[Any]]) -> None:
        assert process.stdout is not None  # noqa: S101 - PIPE above
        while (frame := read_frame(process.stdout)) is not None:
            if len(frame) < HEAD.size:  # nothing after it can be believed
                process.kill()
                break
            number, kind = HEAD.unpack_from(frame)
            future = pending.pop(number, None)
            if future is None or not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(self._answer(kind, frame[HEAD.size :]))
            except OmniError as e:
                future.set_exception(e)
        code = process.wait()
        process.stdout.close()
        with self._write_lock:
            _close_pipe(process)
        death: Death = "killed" if code in (-9, NO_THREAD_MEMORY) else "crashed"
        error = WorkerDied(f"the {self.name} died ({_describe_exit(code)})", reason=death)
        while pending:
            _, future = pending.popitem()
            if future.set_running_or_notify_cancel():
                future.set_exception(error)

    def _answer(self, kind: int, body: bytes) -> Any:
        """What a call returned. Raises what it raised, OmniError for an answer of no kind."""
        if kind == RAW:
            return body
        try:
            if kind == PLAIN:
                return json.loads(body)
            if kind == PICKLED and self._takes_pickles:
                return pickle.loads(body)  # noqa: S301 - from our own child
            failed = json.loads(body) if kind == FAILED else None
        except Exception as e:  # a class that cannot be imported here, a body cut short
            raise OmniError(f"unreadable answer of the {self.name}: {e}") from e
        if not isinstance(failed, dict):
            raise OmniError(f"unreadable answer of the {self.name}")
        raise unpack(failed)

    def kill(self) -> None:
        """End the child now; pending calls get WorkerDied, the next call starts a new one."""
        p = self._process
        if p is not None and p.poll() is None:
            p.kill()
            p.wait(10)
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
        p = self._process
        if p is None or p.poll() is not None:
            self._join()
            return
        with contextlib.suppress(WorkerDied, OSError):
            self._send_nowait("__close__")
        try:
            p.wait(timeout_s)
        except subprocess.TimeoutExpired:
            log.warning("the %s did not close within %s s and was killed", self.name, timeout_s)
            self.kill()
        self._join()


class ParsedWorker(Worker):
    """A worker whose methods return bytes or plain values: no pickle of its child is loaded, so
    that a child which was taken over cannot run code in this process."""

    _takes_pickles = False


def _close_pipe(process: subprocess.Popen[bytes]) -> None:
    """Close the write end; what was buffered for a dead child cannot be delivered."""
    assert process.stdin is not None  # noqa: S101 - PIPE at start
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()


def _describe_exit(code: int) -> str:
    if code == -9:
        return "killed: out of memory, past its deadline, or by hand"
    if code == NO_THREAD_MEMORY:
        return "out of memory"
    return f"signal {-code}" if code < 0 else f"exit status {code}"
