"""A child process that can be killed: decoders, models and the embedded index run in one each.

The parent holds a `Worker`; the child imports `module:factory`, builds one service object from
plain keyword arguments, and answers calls of its public methods. Frames travel on a private
pipe, between our own two processes only: in the child, file descriptor 1 is pointed at stderr
*before* anything is imported, since MuPDF, ONNX Runtime and plain C code print there. Calls are
pickled, answers are parsed: bytes, plain values, and values of the types that the parent named
(`codec`). A child that was taken over can at worst give wrong answers. `sandbox` says what else a
child may do, and which part of the environment it sees.

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
import os
import pickle
import re
import struct
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Literal

from omni_core import sandbox
from omni_core.codec import Codec, MalformedError, codec, codecs, frames
from omni_core.errors import OmniError, UnavailableError, unpack
from omni_core.sandbox import Rules
from omni_core.sandbox.folders import TemporaryFolder
from omni_core.stages import stage
from omni_core.worker_child import ENDED, FAILED, HEAD, PLAIN, RAW, TYPED, read_frame

log = logging.getLogger(__name__)


NO_THREAD_MEMORY = 127
"""Exit status with which glibc ends a process that has no memory left for a thread."""
START_S = 120.0
"""Seconds in which a child imports what it needs. They count in no deadline of a call: a busy
machine or a cold disk would make every first file one that "takes too long"."""
Death = Literal["deadline", "unstarted", "killed", "crashed", "closed"]
"""Why a child gave no answer. deadline: it was stopped because a call took too long. unstarted:
it was not ready for its first call within `START_S`. killed: by
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


@dataclass(frozen=True, slots=True)
class _Awaited:
    """A call that was sent."""

    future: Future[Any]
    """Where its answer goes."""
    answer: Codec | None
    """Its type; None: a plain value."""
    item: bool
    """Whether it asks for an item of a stream, which may be its end."""


_Pending = dict[int, _Awaited]
_JSON = codec(Any)
_ERROR = codec(dict[str, Any])
_CODE = re.compile(r"[A-Z][A-Z_]{0,40}")
MAX_MESSAGE = 4000
"""Characters of an error that a child reports."""
_END = object()
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
        rules: Rules | Callable[[], Rules] = _UNCONFINED,
        **kwargs: Any,
    ) -> None:
        """`target` is `package.module:factory`; `kwargs` must pickle.

        memory_mb caps the child's address space (0: no cap; Linux only). `answers`: for each
        method what it returns, as an annotation; those without return a plain value or bytes.
        """
        self.name = name
        self.rules = rules
        """What the child may do, or a function that finds out, at each start of it."""
        self._limits = (memory_mb, nice)
        self._boot = (target, kwargs, dict(answers or {}))
        self._answers = codecs(answers or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._pending: _Pending = {}
        self._ids = itertools.count(1)
        self._start_lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._closed = False
        self._ready: Future[Any] | None = None
        """Resolves when the running child has built its service, or cannot."""
        self.starts = 0
        """How often a child was started; more than once: it died, or was killed at a deadline."""

    @property
    def pid(self) -> int | None:
        """The child's process id, None while it is not running."""
        p = self._process
        return p.pid if p is not None and p.poll() is None else None

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
            while (item := await ahead) is not _END:
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
        number = next(self._ids)
        future: Future[Any] = Future()
        # Read together: calls pending for a child that died are not those of its successor.
        process, pending = self._process, self._pending
        pending[number] = _Awaited(future, answer, method == "__next__")
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
            pending: _Pending = {}
            self._reader = threading.Thread(
                target=self._run, args=(started, pending), name=f"{self.name}-reader", daemon=True
            )
            self._reader.start()
            process = started.result()
            self._pending, self._process = pending, process
            self.starts += 1
            self._ready = None
            with contextlib.suppress(WorkerDied):  # its first call says so
                self._ready = self._send_nowait("__sandbox__")

    def _run(self, started: Future[subprocess.Popen[bytes]], pending: _Pending) -> None:
        """Start the child, then read its answers until it ends.

        The thread that starts a child must outlive it: Linux sends the parent-death signal when
        the starting *thread* ends, and pool threads come and go.
        """
        folder: TemporaryFolder | None = None
        try:
            rules = self.rules() if callable(self.rules) else self.rules
            folder = TemporaryFolder() if rules.mode != "off" else None
            process = self._start(rules, folder)
        except Exception as e:
            if folder is not None:
                folder.remove()
            started.set_exception(e)
            return
        started.set_result(process)
        self._read(process, pending)
        if folder is not None:
            folder.remove()

    def _start(self, rules: Rules, folder: TemporaryFolder | None) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            # -P: modules in the current directory must not be importable
            [sys.executable, "-P", "-m", "omni_core.worker_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(rules, folder),
            close_fds=True,
            start_new_session=True,  # the parent handles Ctrl-C
        )
        assert process.stdin is not None  # noqa: S101 - PIPE above
        with contextlib.suppress(OSError):
            for part in ((os.getpid(), *self._limits, rules), self._boot):
                boot = pickle.dumps(part, 5)
                process.stdin.write(struct.pack("<Q", len(boot)) + boot)
            process.stdin.flush()
        return process

    def _read(self, process: subprocess.Popen[bytes], pending: _Pending) -> None:
        assert process.stdout is not None  # noqa: S101 - PIPE above
        try:
            while (frame := read_frame(process.stdout)) is not None:
                self._deliver(frame, pending)
                del frame  # a picture is not kept until the next answer comes
        except (MalformedError, MemoryError) as e:  # nothing after it can be believed
            log.warning("the %s sent what is no answer and is ended: %s", self.name, e)
            process.kill()
        code = process.wait()
        process.stdout.close()
        with self._write_lock:
            _close_pipe(process)
        death: Death = "killed" if code in (-9, NO_THREAD_MEMORY) else "crashed"
        error = WorkerDied(f"the {self.name} died ({_describe_exit(code)})", reason=death)
        while pending:
            _, awaited = pending.popitem()
            if awaited.future.set_running_or_notify_cancel():
                awaited.future.set_exception(error)

    def _deliver(self, frame: memoryview, pending: _Pending) -> None:
        if len(frame) < HEAD.size:
            raise MalformedError(f"{len(frame)} bytes")
        number, kind = HEAD.unpack_from(frame)
        awaited = pending.pop(number, None)
        if awaited is None or not awaited.future.set_running_or_notify_cancel():
            return
        try:
            awaited.future.set_result(self._answer(kind, frame[HEAD.size :], awaited))
        except OmniError as e:
            awaited.future.set_exception(e)

    def _answer(self, kind: int, body: memoryview, awaited: _Awaited) -> Any:
        """What a call returned. Raises what it raised, OmniError for an answer of another kind."""
        answer = awaited.answer
        try:
            if kind == FAILED:
                raise _error(frames.decoded(_ERROR, bytes(body)))
            if kind == ENDED and awaited.item:
                return _END
            if kind == TYPED and answer is not None:
                return frames.unpack(answer, body)
            if kind == RAW and answer is None:
                return bytes(body)
            if kind == PLAIN and answer is None:
                return _plain(frames.decoded(_JSON, bytes(body)))
            raise MalformedError(f"kind {kind}")
        except (MalformedError, MemoryError) as e:
            raise OmniError(f"unreadable answer of the {self.name}: {e}") from e

    async def confined(self) -> str:
        """What the running child is confined by, in words: `Landlock 7, seccomp`."""
        return str(await self._call("__sandbox__", (), None, None))

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


def _plain(value: Any) -> Any:
    if isinstance(value, list | dict):
        raise MalformedError("no plain value")
    return value


def _environment(rules: Rules, folder: TemporaryFolder | None) -> dict[str, str]:
    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    found = sandbox.allowed(
        os.environ, models=rules.devices, network=rules.network, more=rules.variables
    )
    found["PYTHONPATH"] = os.pathsep.join([*sandbox.import_path(), home])
    if folder is not None:
        found |= dict.fromkeys(("TMPDIR", "TMP", "TEMP"), folder.path)
    return found


def _error(packed: dict[str, Any]) -> OmniError:
    """The error that a child reports: one line, with a code that is one."""
    said = str(packed.get("error", "no message"))[:MAX_MESSAGE]
    line = "".join(c if c.isprintable() or "\ud800" <= c <= "\udfff" else " " for c in said)
    code = str(packed.get("code") or "")
    given = {**packed, "error": line, "code": code if _CODE.fullmatch(code) else None}
    return unpack(given)


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
