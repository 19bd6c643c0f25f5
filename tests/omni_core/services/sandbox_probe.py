"""A service that tries what a decoder that was taken over would try."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from omni_core.sandbox import Rules, entering, seccomp


def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def _call(name: str, *args: object) -> None:
    if getattr(_libc(), name)(*args) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _read(path: str) -> None:
    with open(path, "rb") as f:
        f.read(10)


def _write(path: str) -> None:
    with open(path, "wb") as f:
        f.write(b"x")


def _mapped() -> None:
    """Read the parent's memory."""
    buffer = ctypes.create_string_buffer(8)
    local = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 8)
    remote = (ctypes.c_void_p * 2)(id(None), 8)
    _call("process_vm_readv", os.getppid(), local, 1, remote, 1, 0)


def _forked() -> None:
    if os.fork() == 0:
        os._exit(0)


def _thread() -> None:
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()


def _linked() -> None:
    """What a decoder does to give an open file another suffix."""
    with tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, "bytes")
        _write(target)
        descriptor = os.open(target, os.O_RDONLY)
        link = os.path.join(folder, "link.mp4")
        os.symlink(f"/proc/self/fd/{descriptor}", link)
        _read(link)
        os.close(descriptor)


def _limits() -> None:
    import resource

    resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (0, 0))


ATTEMPTS: dict[str, Callable[..., object]] = {
    "internet socket": lambda: socket.socket().close(),
    "unix socket": lambda: socket.socket(socket.AF_UNIX).close(),
    "datagram socket": lambda: socket.socket(type=socket.SOCK_DGRAM).close(),
    "program": lambda: subprocess.run([sys.executable, "-c", ""], check=True),
    "run": lambda path: subprocess.run([path], check=True),
    "shell": lambda: os.execv("/bin/sh", ["sh", "-c", "true"]),  # noqa: S606
    "fork": _forked,
    "signal to the parent": lambda: os.kill(os.getppid(), 0),
    "parent's memory": _mapped,
    "parent traced": lambda: _call("ptrace", 16, os.getppid(), 0, 0),
    "parent's environment": lambda: _read(f"/proc/{os.getppid()}/environ"),
    "parent's limits": _limits,
    "namespace": lambda: _call("unshare", 0x10000000),
    "mount": lambda: _call("mount", b"none", b"/mnt", b"tmpfs", 0, None),
    "kernel keys": lambda: _call("syscall", 250 if os.uname().machine == "x86_64" else 219, 0),
    "read": _read,
    "write": _write,
    "temporary file": lambda: tempfile.TemporaryFile().close(),
    "thread": _thread,
    "signal to itself": lambda: signal.raise_signal(signal.SIGURG),
    "link to an open file": _linked,
}


class Attempts:
    def __init__(self) -> None:
        self._peer: socket.socket | None = None

    def connect(self, port: int) -> None:
        """Open a connection, and keep it."""
        self._peer = socket.create_connection(("127.0.0.1", port))

    def say(self) -> str:
        """Send a byte over it; "" where that could be done."""
        assert self._peer is not None
        try:
            self._peer.sendall(b"x")
        except OSError as e:
            return type(e).__name__
        return ""

    def loaded(self) -> None:
        entering.loaded()

    def filter_of_one_thread(self) -> None:
        """Let one thread have a filter that the others have not."""
        self._thread.submit(seccomp.restrict, Rules(network=True, programs=True)).result()

    def in_thread(self, what: str) -> str:
        """`attempt` in a thread that was there before everything was loaded."""
        return self._thread.submit(self.attempt, what).result()

    _thread = ThreadPoolExecutor(1)

    def attempt(self, what: str, *args: str) -> str:
        """ "" where it was done, else the name of the error."""
        try:
            ATTEMPTS[what](*args)
        except OSError as e:
            return type(e).__name__
        return ""

    def environ(self) -> dict[str, str]:
        return dict(os.environ)

    def descriptors(self) -> list[str]:
        found = [f"/proc/self/fd/{n}" for n in os.listdir("/proc/self/fd")]
        return [os.readlink(path) for path in found if os.path.lexists(path)]

    def status(self, name: str) -> str:
        with open("/proc/self/status") as f:
            return next(line.split()[1] for line in f if line.startswith(f"{name}:"))


def service() -> Attempts:
    return Attempts()
