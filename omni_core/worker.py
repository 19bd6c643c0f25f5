"""A child process that can be killed: decoders, models and the embedded index live in one each.

The parent holds a `Worker`; the child imports `module:factory`, builds one service object from
plain keyword arguments, and answers calls of its public methods. Frames travel on a private
pipe (8-byte length + pickle, between our own two processes only): in the child, file descriptor
1 is pointed at stderr *before* anything is imported, since MuPDF, ONNX Runtime and plain C code
print there.

A method that returns an iterator is consumed with `Worker.stream`, one pull an item, so a slow
reader holds the decoder back and a film is never held whole. Methods run on lanes (threads):
`service.lanes = {"question": "fast"}` puts that method on its own thread; all else is serial.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import itertools
import logging
import os
import pickle
import queue
import struct
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Future
from typing import IO, Any, BinaryIO

from omni_core.errors import OmniError, UnavailableError

log = logging.getLogger(__name__)

_END = "__end_of_stream__"


class WorkerDied(UnavailableError):
    """The child is gone: crashed, ran out of memory, or was killed at its deadline."""

    code = "WORKER_DIED"


class Worker:
    """One child process, started on first use, restarted by the next call after a death."""

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

    @property
    def pid(self) -> int | None:
        """The child's process id, None while it is not running."""
        p = self._process
        return p.pid if p is not None and p.poll() is None else None

    async def call(self, method: str, *args: Any, deadline_s: float | None = None) -> Any:
        """The method's result. Past the deadline the child is killed and WorkerDied raised."""
        future = await asyncio.to_thread(self.submit, method, *args)
        try:
            async with asyncio.timeout(deadline_s) as limit:
                return await asyncio.wrap_future(future)
        except TimeoutError:
            if not limit.expired():
                raise
            await asyncio.to_thread(self.kill)
            raise WorkerDied(
                f"the {self.name} gave no answer within {deadline_s:g} s and was stopped"
            ) from None

    async def stream(
        self, method: str, *args: Any, stall_s: float | None = None
    ) -> AsyncGenerator[Any, None]:
        """Items of a method that returns an iterator; one item is decoded ahead.

        Closing the generator early (or cancelling) closes the child's iterator.
        """
        handle = await self.call("__open__", method, args, deadline_s=stall_s)
        ahead: asyncio.Task[Any] | None = None
        try:
            ahead = asyncio.ensure_future(self.call("__next__", handle, deadline_s=stall_s))
            while True:
                item = await ahead
                if isinstance(item, str) and item == _END:
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

    def submit(self, method: str, *args: Any) -> Future[Any]:
        """Send a call; the future resolves on the reader thread. Blocking only on the pipe."""
        self._ensure()
        return self._send_nowait(method, *args)

    def _send_nowait(self, method: str, *args: Any) -> Future[Any]:
        number = next(self._ids)
        future: Future[Any] = Future()
        # Read together: what waits for a child that died is not what waits for the next one.
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

    def _ensure(self) -> None:
        with self._start_lock:
            if self._closed:
                raise WorkerDied(f"the {self.name} is closed")
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
                # -P: a folder that one happens to stand in must not lend its modules
                [sys.executable, "-P", "-m", "omni_core.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=env,
                close_fds=True,
                start_new_session=True,  # Ctrl-C is the parent's business
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
        while (frame := _read_frame(process.stdout)) is not None:
            number, ok, value = pickle.loads(frame)  # noqa: S301 - from our own child
            future = pending.pop(number, None)
            if future is None or not future.set_running_or_notify_cancel():
                continue
            if ok:
                future.set_result(value)
            else:
                future.set_exception(value)
        code = process.wait()
        process.stdout.close()
        with self._write_lock:
            _close_pipe(process)
        error = WorkerDied(f"the {self.name} died ({_why(code)})")
        while pending:
            _, future = pending.popitem()
            if future.set_running_or_notify_cancel():
                future.set_exception(error)

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
        """Let the child close its service, then end it."""
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


def _close_pipe(process: subprocess.Popen[bytes]) -> None:
    """Close the write end; what was buffered for a dead child cannot be delivered."""
    assert process.stdin is not None  # noqa: S101 - PIPE at start
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()


def _why(code: int) -> str:
    if code == -9:
        return "killed: out of memory, past its deadline, or by hand"
    return f"signal {-code}" if code < 0 else f"exit status {code}"


def _read_frame(pipe: IO[bytes]) -> bytes | None:
    head = pipe.read(8)
    if head is None or len(head) < 8:
        return None
    (size,) = struct.unpack("<Q", head)
    body = pipe.read(size)
    return body if body is not None and len(body) == size else None


# ---- the child ---------------------------------------------------------------------------


class _Child:
    def __init__(self, reader: BinaryIO, writer: BinaryIO) -> None:
        self._reader, self._writer = reader, writer
        self._write_lock = threading.Lock()
        self._lanes: dict[str, queue.SimpleQueue[Any]] = {}
        self._streams: dict[int, Iterator[Any]] = {}
        self._handles = itertools.count(1)
        self._service: Any = None
        self._built = threading.Event()
        self._stop = threading.Event()

    def run(self) -> None:
        boot = _read_frame(self._reader)
        if boot is None:
            return
        parent, target, memory_mb, nice, kwargs = pickle.loads(boot)  # noqa: S301 - our parent
        _die_with(parent)
        _limit(memory_mb, nice)
        threading.Thread(target=self._listen, name="pipe", daemon=True).start()
        module, _, factory = target.partition(":")
        failed: BaseException | None = None
        try:
            self._service = getattr(importlib.import_module(module), factory)(**kwargs)
        except Exception as e:  # the reason travels to every caller, then the process goes on
            log.debug("start of %s failed", target, exc_info=True)
            failed = e
        self._built.set()
        self._work(self._lane(""), failed)

    def _listen(self) -> None:
        while (frame := _read_frame(self._reader)) is not None:
            # Arguments name classes: to import them here while the service's own imports are
            # under way finds modules half made.
            self._built.wait()
            (number,) = struct.unpack("<Q", frame[:8])
            try:
                method, args = pickle.loads(frame[8:])  # noqa: S301 - our parent
            except Exception as e:
                self._reply(number, False, OmniError(f"unreadable call: {e}"))
                continue
            lanes: dict[str, str] = getattr(self._service, "lanes", {})
            self._lane(lanes.get(method, "")).put((number, method, args))
            if method == "__close__":
                break
        else:
            # The parent is gone. A lane deep in C code may never look up again.
            self._lane("").put((0, "__close__", ()))
        if not self._stop.wait(8.0):
            os._exit(1)

    def _lane(self, name: str) -> queue.SimpleQueue[Any]:
        lane = self._lanes.get(name)
        if lane is None:
            lane = self._lanes[name] = queue.SimpleQueue()
            if name:
                threading.Thread(
                    target=self._work, args=(lane, None), name=name, daemon=True
                ).start()
        return lane

    def _work(self, lane: queue.SimpleQueue[Any], failed: BaseException | None) -> None:
        while True:
            number, method, args = lane.get()
            if method == "__close__":
                self._close()
                return
            try:
                if failed is not None:
                    raise failed
                self._reply(number, True, self._invoke(method, args))
            except Exception as e:
                self._reply(number, False, _portable(e))

    def _invoke(self, method: str, args: tuple[Any, ...]) -> Any:
        if method == "__open__":
            handle = next(self._handles)
            self._streams[handle] = iter(getattr(self._service, args[0])(*args[1]))
            return handle
        if method == "__next__":
            stream = self._streams.get(args[0])
            return _END if stream is None else next(stream, _END)
        if method == "__drop__":
            stream = self._streams.pop(args[0], None)
            if stream is not None and hasattr(stream, "close"):
                stream.close()
            return None
        return getattr(self._service, method)(*args)

    def _reply(self, number: int, ok: bool, value: Any) -> None:
        try:
            frame = pickle.dumps((number, ok, value), 5)
        except Exception as e:
            frame = pickle.dumps((number, False, OmniError(f"the answer cannot travel: {e}")), 5)
        with self._write_lock, contextlib.suppress(BrokenPipeError):
            self._writer.write(struct.pack("<Q", len(frame)))
            self._writer.write(frame)
            self._writer.flush()

    def _close(self) -> None:
        close: Callable[[], None] | None = getattr(self._service, "close", None)
        if close is not None:
            try:
                close()
            except Exception:
                log.exception("closing failed")
        self._stop.set()


def _portable(e: Exception) -> Exception:
    """Our errors travel as they are; a library's becomes its class name and first line."""
    if isinstance(e, OmniError):
        return e
    log.debug("call failed", exc_info=e)
    lines = str(e).strip().splitlines()
    return OmniError(f"{type(e).__name__}: {lines[0][:300] if lines else 'no message'}")


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        import ctypes
        import signal

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: the end of the pipe is the
        if os.getppid() != parent:  # portable way; this one also ends a child stuck in C
            os._exit(1)


def _limit(memory_mb: int, nice: int) -> None:
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory_mb and sys.platform == "linux":
        size = memory_mb << 20
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
    if nice:
        with contextlib.suppress(OSError):
            os.nice(nice)


def main() -> None:
    """The child's entry: take the pipe, hand stdout to stderr, then import anything."""
    reader = os.fdopen(os.dup(0), "rb")
    writer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    logging.basicConfig(
        level=os.environ.get("OMNI_LOG", "WARNING").upper(),
        format=f"%(levelname)s {os.getpid()} %(name)s: %(message)s",
        stream=sys.stderr,
    )
    _Child(reader, writer).run()
    sys.stderr.flush()
    # The service is closed. A thread still deep in C++ (a model that loads) would make the
    # interpreter's own shutdown call std::terminate, so leave without it.
    os._exit(0)


if __name__ == "__main__":
    main()
