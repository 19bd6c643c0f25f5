"""One child process as its parent sees it: its pipes, and the calls that it has not answered."""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from omni_core import sandbox
from omni_core.codec import Codec, MalformedError
from omni_core.errors import OmniError
from omni_core.pipes import answers, calls, memory
from omni_core.pipes.answers import Awaited
from omni_core.pipes.descriptors import Descriptors
from omni_core.pipes.died import WorkerDied, ended
from omni_core.pipes.frames import HEAD, SEALED, TYPED, read_frame, write_frame
from omni_core.sandbox import Rules
from omni_core.sandbox.folders import TemporaryFolder

log = logging.getLogger(__name__)

ENDS_S = 5.0
"""How long a child that takes no more calls may take to end."""


@dataclass(frozen=True, slots=True)
class Boot:
    """What is told to a child at its start."""

    target: str
    """`package.module:factory`."""
    kwargs: Mapping[str, Any]
    """What the factory is called with; they must pickle."""
    answers: Mapping[str, Any]
    """For each method what it returns, as an annotation."""
    memory_mb: int = 0
    nice: int = 0
    shares: bool = False
    """Whether large answers come as sealed memory, where there is one."""


class Child:
    """A child process from its start to its end.

    It must be started and read by one thread, which outlives it: Linux sends the parent-death
    signal when the starting *thread* ends, and pool threads come and go.
    """

    def __init__(self, name: str, boot: Boot, rules: Rules, folder: TemporaryFolder | None) -> None:
        """Start it. Raises OSError."""
        self._name = name
        self.ready: Future[Any] | None = None
        """Of its first call, which is answered when it has built its service, or cannot."""
        self._pending: dict[int, Awaited] = {}
        self._write_lock = threading.Lock()
        self._descriptors: Descriptors | None
        theirs: socket.socket | None
        self._descriptors, theirs = Descriptors.pair()
        try:
            passed = () if theirs is None else (theirs.fileno(),)
            self._process = _started(_environment(rules, folder), passed)
        except BaseException:
            if self._descriptors is not None:
                self._descriptors.close()
            raise
        finally:
            number = -1 if theirs is None else theirs.fileno()
            if theirs is not None:
                theirs.close()
        first = os.getpid(), boot.memory_mb, boot.nice, rules, number, boot.shares
        assert self._process.stdin is not None  # noqa: S101 - PIPE above
        with contextlib.suppress(OSError):
            for part in (first, (boot.target, dict(boot.kwargs), dict(boot.answers))):
                write_frame(self._process.stdin, [pickle.dumps(part, 5)])

    @property
    def pid(self) -> int | None:
        """Its process id, None when it has ended."""
        return self._process.pid if self._process.poll() is None else None

    @property
    def could_not_start(self) -> bool:
        """Whether it has no service: what it lacked may be there by now."""
        ready = self.ready
        return ready is not None and ready.done() and ready.exception() is not None

    def send(
        self, number: int, method: str, args: tuple[Any, ...], answer: Codec | None
    ) -> Future[Any]:
        """Send a call; its future resolves on the thread that reads. Blocks while the pipe is full.

        Raises WorkerDied.
        """
        future: Future[Any] = Future()
        share = self._descriptors is not None
        packed = calls.pack(number, method, args, share=share)
        assert self._process.stdin is not None  # noqa: S101 - PIPE at start
        self._pending[number] = Awaited(future, answer, method == "__next__")
        try:
            with self._write_lock:
                if packed.shared and not self._give(packed.shared):
                    packed = calls.pack(number, method, args, share=False)
                write_frame(self._process.stdin, packed.parts)
        except (OSError, ValueError):
            self._pending.pop(number, None)
            raise self._gone() from None
        return future

    def _gone(self) -> WorkerDied:
        """The error for a call that it did not take: it has ended, or is about to."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(ENDS_S)
        self.kill()
        return ended(self._name, self._process.returncode)

    def _give(self, shared: list[memory.Sealed]) -> bool:
        assert self._descriptors is not None  # noqa: S101 - else nothing is shared
        return self._descriptors.send([each.descriptor for each in shared])

    def read(self) -> None:
        """Deliver its answers until it ends; then every call that waits gets WorkerDied."""
        process = self._process
        assert process.stdout is not None  # noqa: S101 - PIPE at start
        try:
            while (frame := read_frame(process.stdout)) is not None:
                self._deliver(frame)
                del frame  # a picture is not kept until the next answer comes
        except (MalformedError, MemoryError) as e:  # nothing after it can be believed
            log.warning("the %s sent what is no answer and is ended: %s", self._name, e)
            process.kill()
        code = process.wait()
        process.stdout.close()
        with self._write_lock:
            self._close_ends()
        error = ended(self._name, code)
        for number in [*self._pending]:  # a call that could not be sent takes itself away
            awaited = self._pending.pop(number, None)
            if awaited is not None and awaited.future.set_running_or_notify_cancel():
                awaited.future.set_exception(error)

    def _deliver(self, frame: memoryview) -> None:
        if len(frame) < HEAD.size:
            raise MalformedError(f"{len(frame)} bytes")
        number, kind = HEAD.unpack_from(frame)
        awaited = self._pending.pop(number, None)
        if awaited is not None and not awaited.future.set_running_or_notify_cancel():
            awaited = None
        body = frame[HEAD.size :]
        if kind == SEALED:
            try:
                kind, body = TYPED, self._opened()
            except (ValueError, OSError, MemoryError) as e:
                self.kill()  # it is no child of ours any more, and its socket is out of step
                why = str(e) or "no memory for it"
                if awaited is not None:
                    awaited.future.set_exception(answers.unreadable(self._name, why))
                raise MalformedError(why) from None
        if awaited is None:
            return
        try:
            awaited.future.set_result(answers.value(self._name, kind, body, awaited))
        except OmniError as e:
            awaited.future.set_exception(e.with_traceback(None))  # it would keep the memory

    def _opened(self) -> memoryview:
        """The sealed memory that came with an answer. Raises ValueError, OSError, MemoryError."""
        if self._descriptors is None:
            raise MalformedError("it was given no socket")
        (descriptor,) = self._descriptors.receive(1)
        return memory.opened(descriptor)

    def kill(self) -> None:
        """End it now, and wait for that."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)

    def wait(self, timeout_s: float) -> bool:
        """Whether it ends within this time."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _close_ends(self) -> None:
        """Close what leads to it; what was buffered for a dead child cannot be delivered."""
        assert self._process.stdin is not None  # noqa: S101 - PIPE at start
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        if self._descriptors is not None:
            self._descriptors.close()


def _started(environment: dict[str, str], passed: tuple[int, ...]) -> subprocess.Popen[bytes]:
    """A new child, with these descriptors and pipes to its stdin and stdout. Raises OSError."""
    return subprocess.Popen(
        # -P: modules in the current directory must not be importable
        [sys.executable, "-P", "-m", "omni_core.worker_child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        close_fds=True,
        pass_fds=passed,
        start_new_session=True,  # the parent handles Ctrl-C
    )


def _environment(rules: Rules, folder: TemporaryFolder | None) -> dict[str, str]:
    found = sandbox.allowed(
        os.environ, models=rules.devices, network=rules.network, more=rules.variables
    )
    home = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    found["PYTHONPATH"] = os.pathsep.join([*sandbox.import_path(), home])
    if folder is not None:
        found |= dict.fromkeys(("TMPDIR", "TMP", "TEMP"), folder.path)
    return found
