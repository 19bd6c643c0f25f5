"""Starts children through `tests.forking.parent`, as `omni_core.pipes.child` does with Popen."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

from tests.forking.parent import NUMBER

REPO = Path(__file__).resolve().parents[2]


class Forked:
    """What is used of `subprocess.Popen`, for a process that is another one's child."""

    def __init__(self, stdin: IO[bytes], stdout: IO[bytes], told: int) -> None:
        """`told`: where its pid and then its exit status are read."""
        self.stdin, self.stdout = stdin, stdout
        self.returncode: int | None = None
        self._told, self._lock = told, threading.Lock()
        (self.pid,) = NUMBER.unpack(os.read(told, NUMBER.size))
        os.set_blocking(told, False)  # it is read only when there is something

    def __del__(self) -> None:
        os.close(self._told)

    def poll(self) -> int | None:
        """Its exit status, None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status. Raises TimeoutExpired."""
        ends = select.poll()  # one for each thread that waits
        ends.register(self._told, select.POLLIN)
        until = None if timeout is None else time.monotonic() + timeout
        while self.returncode is None:
            left = None if until is None else max(0.0, until - time.monotonic()) * 1e3
            if not ends.poll(left):
                raise subprocess.TimeoutExpired("worker_child", timeout or 0.0)
            with self._lock:
                if self.returncode is None:
                    said = os.read(self._told, NUMBER.size)
                    self.returncode = NUMBER.unpack(said)[0] if said else -signal.SIGKILL
        return self.returncode

    def kill(self) -> None:
        """End it now."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


class Forks:
    """Children of one parent process, which ends with `close`."""

    def __init__(self) -> None:
        self._link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        path = os.pathsep.join([str(REPO), str(REPO / "server"), *sys.path])
        with theirs:
            self._parent = subprocess.Popen(
                [sys.executable, "-m", "tests.forking.parent", str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                env=os.environ | {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"},
                cwd=REPO,
                stdin=subprocess.DEVNULL,
            )

    def start(self, environment: dict[str, str], passed: tuple[int, ...]) -> Forked:
        """A new child."""
        to_stdin, from_stdout, from_told = os.pipe(), os.pipe(), os.pipe()
        asked = {
            "environment": environment,
            "folder": os.getcwd(),
            "tests": os.getpid(),
            "number": passed[0] if passed else -1,
        }
        given = [to_stdin[0], from_stdout[1], 2, from_told[1], *passed]
        with self._lock:
            socket.send_fds(self._link, [json.dumps(asked).encode()], given)
        for each in (to_stdin[0], from_stdout[1], from_told[1]):
            os.close(each)
        return Forked(os.fdopen(to_stdin[1], "wb"), os.fdopen(from_stdout[0], "rb"), from_told[0])

    def close(self) -> None:
        """End the parent process, and so all of its children."""
        self._link.close()
        self._parent.wait(20)
