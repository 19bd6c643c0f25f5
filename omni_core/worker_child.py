"""The child's side of `omni_core.worker`: claim the pipe, build the service, answer calls.

Run as `python -m omni_core.worker_child` by the parent; it imports nothing but the standard
library and our errors before file descriptor 1 points at stderr.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import itertools
import json
import logging
import os
import pickle
import queue
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from omni_core.errors import OmniError, TooLargeError, pack
from omni_core.pipes import calls, memory
from omni_core.pipes.descriptors import Descriptors
from omni_core.pipes.frames import (
    ENDED,
    FAILED,
    HEAD,
    PLAIN,
    RAW,
    SEALED,
    TYPED,
    read_frame,
    write_frame,
)
from omni_core.sandbox.entering import Entered, enter

if TYPE_CHECKING:
    from omni_core.codec import Blob, Codec

log = logging.getLogger(__name__)

_END = object()


class _Child:
    def __init__(self, reader: BinaryIO, writer: BinaryIO) -> None:
        self._reader, self._writer = reader, writer
        self._write_lock = threading.Lock()
        self._lanes: dict[str, queue.SimpleQueue[Any]] = {}
        self._streams: dict[int, tuple[Iterator[Any], Codec | None]] = {}
        self._answers: Mapping[str, Codec] = {}
        self._descriptors: Descriptors | None = None
        self._shares = False
        """Whether large answers go as sealed memory."""
        self._entered = Entered()
        self._handles = itertools.count(1)
        self._service: Any = None
        self._built = threading.Event()
        self._stop = threading.Event()

    def run(self) -> None:
        first, boot = read_frame(self._reader), read_frame(self._reader)
        if first is None or boot is None:
            return
        parent, memory_mb, nice, rules, number, shares = pickle.loads(first)  # noqa: S301 - our parent
        if number >= 0:
            self._descriptors, self._shares = Descriptors.of(number), shares
        _die_with(parent)
        _limit(memory_mb)
        failed: BaseException | None = None
        try:
            self._entered = enter(rules)
        except Exception as e:  # nothing of strangers is read outside the sandbox
            failed = e
        threading.Thread(target=self._listen, name="pipe", daemon=True).start()
        try:
            if failed is None:
                target, kwargs, answers = pickle.loads(boot)  # noqa: S301 - our parent
                module, _, factory = target.partition(":")
                self._answers = _codecs(answers)
                self._service = getattr(importlib.import_module(module), factory)(**kwargs)
        except Exception as e:  # every caller gets it; the process keeps running
            log.debug("the start failed", exc_info=True)
            failed = e
        _lower(nice)
        self._built.set()
        self._work(self._lane(""), failed)

    def _listen(self) -> None:
        while (frame := read_frame(self._reader)) is not None:
            method = self._take(frame)
            del frame  # what it holds is not kept until the next call comes
            if method == "__close__":
                break
        else:
            # The parent is gone. A thread inside C code may never return to Python.
            self._lane("").put((0, "__close__", ()))
        if not self._stop.wait(8.0):
            os._exit(1)

    def _take(self, frame: memoryview) -> str:
        """Put the call of a frame into its lane; its method."""
        number, count = calls.number_of(frame), calls.count_of_descriptors(frame)
        try:
            call = calls.unpack(frame, self._given(count))
            # Unpickling arguments imports their modules: while the service is still importing,
            # they may be partly initialised.
            self._built.wait()
            method, args = _Arguments(call).load()
            lane = self._lane_of(method, args)
        except Exception as e:
            self._fail(number, OmniError(f"unreadable call: {e}"))
            return ""
        self._lane(lane).put((number, method, args))
        return str(method)

    def _given(self, count: int) -> list[memoryview]:
        """The sealed memories whose descriptors came before a frame. Raises ValueError, OSError."""
        if not count or self._descriptors is None:
            return []
        return memory.changeable(self._descriptors.receive(count))

    def _lane_of(self, method: str, args: tuple[Any, ...]) -> str:
        if hasattr(self._service, "lane_of") and not method.startswith("__"):
            return str(self._service.lane_of(method, args))
        lanes: dict[str, str] = getattr(self._service, "lanes", {})
        return lanes.get(method, "")

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
        while self._serve(lane.get(), failed):
            pass  # nothing of a call is kept until the next one comes

    def _serve(self, call: tuple[int, str, tuple[Any, ...]], failed: BaseException | None) -> bool:
        """Answer one call; False for the last."""
        number, method, args = call
        del call
        if method == "__close__":
            self._close()
            return False
        try:
            if failed is not None:
                raise failed
            value, codec = self._invoke(method, args)
            del args  # nothing of a call is in use when its answer arrives
            self._reply(number, value, codec)
        except Exception as e:
            self._fail(number, _to_omni_error(e))
        return True

    def _invoke(self, method: str, args: tuple[Any, ...]) -> tuple[Any, Codec | None]:
        """The result, and how it travels where it is no plain value."""
        if method == "__open__":
            handle = next(self._handles)
            items = iter(getattr(self._service, args[0])(*args[1]))
            self._streams[handle] = items, self._answers.get(args[0])
            return handle, None
        if method == "__next__":
            items, codec = self._streams[args[0]]  # of another child? it must not look ended
            return next(items, _END), codec
        if method == "__sandbox__":
            return self._entered.summary, None
        if method == "__drop__":
            items, _ = self._streams.pop(args[0], (iter(()), None))
            if hasattr(items, "close"):
                items.close()
            return None, None
        return getattr(self._service, method)(*args), self._answers.get(method)

    def _reply(self, number: int, value: Any, codec: Codec | None) -> None:
        try:
            kind, parts = _packed(value, codec)
        except Exception as e:
            self._fail(number, OmniError(f"the result cannot be sent: {e}"))
        else:
            large = kind == TYPED and sum(map(len, parts)) >= memory.SHARED_FROM
            if not (large and self._shares and self._share(number, parts)):
                self._write(number, kind, parts)

    def _fail(self, number: int, error: OmniError) -> None:
        self._write(number, FAILED, [json.dumps(pack(error)).encode()])

    def _share(self, number: int, parts: Sequence[Blob]) -> bool:
        """Send an answer as sealed memory; False where the system has none left for it."""
        assert self._descriptors is not None  # noqa: S101 - else nothing is shared
        try:
            descriptor = memory.sealed(parts)
        except OSError:
            return False
        try:
            with self._write_lock, contextlib.suppress(ConnectionError):
                if not self._descriptors.send([descriptor]):
                    return False
                write_frame(self._writer, [HEAD.pack(number, SEALED)])
        finally:
            os.close(descriptor)
        return True

    def _write(self, number: int, kind: int, parts: Sequence[Blob]) -> None:
        """Send one frame: its head, then the parts."""
        with self._write_lock, contextlib.suppress(BrokenPipeError):
            write_frame(self._writer, [HEAD.pack(number, kind), *parts])

    def _close(self) -> None:
        close: Callable[[], None] | None = getattr(self._service, "close", None)
        if close is not None:
            try:
                close()
            except Exception:
                log.exception("closing failed")
        self._stop.set()


class _Arguments(pickle.Unpickler):  # of our parent
    """Reads the pickle of a call, with the arrays that lie beside it."""

    def __init__(self, call: calls.Received) -> None:
        super().__init__(io.BytesIO(call.pickled))
        self._call = call

    def persistent_load(self, pid: Any) -> Any:
        return self._call.array(pid)


def _codecs(answers: Mapping[str, Any]) -> Mapping[str, Codec]:
    if not answers:
        return {}
    from omni_core.codec import codecs  # imports NumPy

    return codecs(answers)


def _packed(value: Any, codec: Codec | None) -> tuple[int, Sequence[Blob]]:
    """How a result travels."""
    if value is _END:
        return ENDED, ()
    if codec is not None:
        from omni_core.codec import frames

        return TYPED, frames.pack(codec, value)
    if isinstance(value, bytes):
        return RAW, [value]
    if value is None or type(value) in (bool, int, float, str):  # an enum is a str as well
        return PLAIN, [json.dumps(value).encode()]
    raise TypeError(f"{type(value).__name__} is no plain value, and the caller named no type")


def _to_omni_error(e: Exception) -> OmniError:
    """An OmniError as it is; of any other exception the class name and the first line."""
    if isinstance(e, OmniError):
        return e
    log.debug("call failed", exc_info=e)
    if isinstance(e, MemoryError):
        return TooLargeError("it needs more memory than this process may use; raise memory_mb")
    lines = str(e).strip().splitlines()
    return OmniError(f"{type(e).__name__}: {lines[0][:300] if lines else 'no message'}")


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        import ctypes
        import signal

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: the end of the pipe is the
        if os.getppid() != parent:  # portable way; this one also ends a child stuck in C
            os._exit(1)


def _limit(memory_mb: int) -> None:
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory_mb and sys.platform == "linux":
        size = memory_mb << 20
        resource.setrlimit(resource.RLIMIT_AS, (size, size))


def _lower(nice: int) -> None:
    """Give way to other processes from now on, with every thread that the service has started.

    Not before it is built: on a busy machine the imports of a child that gives way take minutes.
    """
    if nice and sys.platform != "win32":
        with contextlib.suppress(OSError):  # our group: a session of its own
            os.setpriority(os.PRIO_PGRP, 0, os.getpriority(os.PRIO_PROCESS, 0) + nice)


def main() -> None:
    """Entry of the child: claim the pipe, redirect stdout to stderr, then import the service."""
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
