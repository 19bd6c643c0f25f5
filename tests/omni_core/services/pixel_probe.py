"""A child that makes arrays, one that looks at them, and one that was taken over."""

from __future__ import annotations

import fcntl
import gc
import hashlib
import os
import resource
import socket
import struct
import tempfile
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from omni_core.codec import codec, frames
from omni_core.errors import UnreadableError
from omni_core.pipes import memory
from omni_core.pipes.frames import HEAD, SEALED
from omni_core.types import Pixels, Samples

ALL = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
SEALS = {
    "unsealed": 0,
    "may shrink": ALL & ~fcntl.F_SEAL_SHRINK,
    "may grow": ALL & ~fcntl.F_SEAL_GROW,
    "may be written": ALL & ~fcntl.F_SEAL_WRITE,
    "sealed later writes only": ALL & ~fcntl.F_SEAL_WRITE | 0x10,
}


def picture(number: int, edge: int = 800) -> NDArray[np.uint8]:
    return np.random.default_rng(number).integers(0, 255, (edge, edge, 3), np.uint8)


class Probe:
    lanes = {"quick": "quick", "hangs": "quick", "sound": "sound"}  # noqa: RUF012
    _hangs = False

    def pixels(self, number: int, edge: int = 800) -> NDArray[np.uint8]:
        return picture(number, edge)

    def shots(self, count: int, edge: int = 800) -> Iterator[NDArray[np.uint8]]:
        for number in range(count):
            yield picture(number, edge)

    def hang(self) -> None:
        self._hangs = True
        threading.Event().wait()

    def hangs(self) -> bool:
        return self._hangs

    def fail(self) -> None:
        raise UnreadableError("no picture")

    def quick(self) -> int:
        return 1

    def sound(self, array: Any) -> str:
        return self.look([array])

    def look(self, arrays: Sequence[Any]) -> str:
        """What lies in them, and, for each, where: in `memory` of another or its own; and whether
        it can be written."""
        digest = hashlib.sha256(b"".join(a.tobytes() for a in arrays)).hexdigest()
        where = ["memory" if _in_memory(a) else "own" for a in arrays]
        return f"{digest} {' '.join(where)} {all(a.flags.writeable for a in arrays)}"

    def paint(self, array: Any) -> int:
        array[:] = 0
        return int(array.sum())

    def descriptors(self) -> int:
        return sum("/memfd:omni" in os.readlink(f"/proc/self/fd/{n}") for n in _open())

    def mappings(self) -> int:
        with open("/proc/self/maps") as f:
            return sum("/memfd:omni" in line for line in f)

    def few_descriptors(self) -> None:
        """As in a process that has as many open as it may."""
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, resource.getrlimit(7)[1]))

    def give_and_keep(self) -> NDArray[np.uint8]:
        """Answer in sealed memory, and keep a descriptor of it."""
        self._kept = memory.sealed(frames.pack(codec(Pixels), picture(1)))
        self._send([self._kept])
        return picture(1)  # nobody waits for it any more

    def tamper(self) -> str:
        """What becomes of the tries to change what was given."""
        said = []
        for change in (
            lambda: os.ftruncate(self._kept, 10),
            lambda: os.ftruncate(self._kept, 1 << 30),
            lambda: os.pwrite(self._kept, b"x", 0),
            lambda: fcntl.fcntl(self._kept, fcntl.F_ADD_SEALS, 0x10),
        ):
            try:
                change()
                said.append("done")
            except OSError as e:
                said.append(type(e).__name__)
        os.close(self._kept)
        return " ".join(said)

    def forge(self, kind: str) -> NDArray[np.uint8]:
        """Answer in sealed memory that is none, or not as it should be."""
        message = b"".join(frames.pack(codec(Pixels), picture(1)))
        given = [os.memfd_create("omni", os.MFD_ALLOW_SEALING)]
        os.write(given[0], {"short": message[: len(message) // 2], "empty": b""}.get(kind, message))
        seals = SEALS.get(kind, ALL)
        if kind == "holes":
            os.ftruncate(given[0], 1 << 30)
        elif kind == "of another type":
            given = [memory.sealed(frames.pack(codec(Samples), np.ones(70_001, np.float32)))]
            seals = 0
        fcntl.fcntl(given[0], fcntl.F_ADD_SEALS, seals) if seals else None
        if kind == "a file":
            given = [tempfile.mkstemp()[0]]
        elif kind == "a pipe":
            given = [os.pipe()[0]]
        elif kind == "a folder":
            given = [os.open(tempfile.gettempdir(), os.O_RDONLY)]
        elif kind == "a socket":
            given = [_child()._descriptors._socket.fileno()]
        elif kind == "none":
            given = []
        elif kind in ("two", "two hundred"):
            given *= {"two": 2, "two hundred": 200}[kind]
        elif kind == "words instead":
            _child()._descriptors._socket.send(b"descriptor")
            given = []
        self._send(given)
        self.hang()
        return picture(1)

    def _send(self, descriptors: list[int]) -> None:
        child = _child()
        if descriptors:
            socket.send_fds(child._descriptors._socket, [b"\0"], descriptors)
        frame = HEAD.pack(_number(), SEALED)
        child._writer.write(struct.pack("<Q", len(frame)) + frame)
        child._writer.flush()


def _child() -> Any:
    return next(o for o in gc.get_objects() if type(o).__name__ == "_Child")


def _number() -> int:
    import sys

    frame = sys._getframe()
    while "number" not in frame.f_locals:
        assert frame.f_back is not None
        frame = frame.f_back
    return int(frame.f_locals["number"])


def _in_memory(array: Any) -> bool:
    at = array.__array_interface__["data"][0]
    with open("/proc/self/maps") as f:
        for line in f:
            first, _, last = line.split()[0].partition("-")
            if int(first, 16) <= at < int(last, 16):
                return "/memfd:omni" in line
    return False


def _open() -> list[str]:
    return [n for n in os.listdir("/proc/self/fd") if os.path.lexists(f"/proc/self/fd/{n}")]


def service() -> Probe:
    return Probe()
