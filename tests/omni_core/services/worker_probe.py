"""A service for the worker's own tests: it misbehaves in every way a decoder may."""

from __future__ import annotations

import gc
import json
import os
import pickle
import queue
import signal
import struct
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from omni_core.errors import UnreadableError


class _Evil:
    def __init__(self, proof: str) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (self.proof, "w")


class Probe:
    lanes = {"quick": "quick", "release": "quick"}  # noqa: RUF012

    def __init__(self, offset: int) -> None:
        self._offset = offset
        self._gate = threading.Event()
        self._at_start = os.nice(0)
        self._other: queue.SimpleQueue[queue.SimpleQueue[int]] = queue.SimpleQueue()
        threading.Thread(target=lambda: self._other.get().put(os.nice(0)), daemon=True).start()

    def priorities(self) -> str:
        """While it was built; now; and now of a thread that was started meanwhile."""
        answer: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._other.put(answer)
        return f"{self._at_start} {os.nice(0)} {answer.get(timeout=10)}"

    def add(self, number: int) -> int:
        return number + self._offset

    def double(self, array: Any) -> Any:
        return array * 2

    def wait_for_release(self) -> str:
        self._gate.wait()
        return "released"

    def quick(self) -> str:
        return "quick"

    def release(self) -> None:
        self._gate.set()

    def print_noise(self) -> int:
        sys.stdout.write("noise from Python\n")
        sys.stdout.flush()
        return os.write(1, b"noise from C\n")

    def count(self, path: str, n: int) -> Iterator[int]:
        try:
            for i in range(n):
                with open(path, "a") as f:
                    f.write(f"{i}\n")
                yield i
        finally:
            with open(path, "a") as f:
                f.write("closed\n")

    def fail_midway(self) -> Iterator[int]:
        yield 1
        raise UnreadableError("the rest is damaged", code="CORRUPT_MEDIA")

    def no_memory(self) -> None:
        raise MemoryError

    def raise_ours(self) -> None:
        raise UnreadableError("no such kind", code="UNSUPPORTED_TYPE")

    def raise_theirs(self) -> None:
        raise ValueError("first line\nsecond line")

    def die(self) -> None:
        os.kill(os.getpid(), signal.SIGSEGV)

    def hang(self) -> None:
        threading.Event().wait()

    def allocate(self, megabytes: int) -> int:
        return int(np.ones(megabytes << 20, np.uint8).sum()) >> 20

    def pid(self) -> int:
        return os.getpid()

    def garble(self) -> None:
        """Write a frame that is too short to be an answer."""
        self._send(b"no")
        self.hang()

    def endless(self) -> None:
        """Announce a frame of a million terabytes."""
        self._send(b"", size=1 << 60)
        self.hang()

    def lie(self, kind: int, proof: str) -> None:
        """Answer the call that runs with a pickle that makes a file, as an answer of any kind."""
        evil = pickle.dumps(_Evil(proof))
        self._send(struct.pack("<QB7x", self._number(), kind) + evil)

    def ended(self) -> None:
        """Answer that a stream has ended."""
        self._send(struct.pack("<QB7x", self._number(), 4))

    def shout(self) -> None:
        """Report an error of many lines, with a code that is none."""
        said = json.dumps({"error": "a\nb\n" * 10_000, "code": "<b>", "kind": "OmniError"})
        self._send(struct.pack("<QB7x", self._number(), 3) + said.encode())

    def _number(self) -> int:
        """That of the call that runs."""
        frame = sys._getframe()
        while "number" not in frame.f_locals:
            assert frame.f_back is not None
            frame = frame.f_back
        return int(frame.f_locals["number"])

    def _send(self, frame: bytes, size: int | None = None) -> None:
        child = next(o for o in gc.get_objects() if type(o).__name__ == "_Child")
        child._writer.write(struct.pack("<Q", len(frame) if size is None else size) + frame)
        child._writer.flush()


def service(offset: int = 0) -> Probe:
    return Probe(offset)


def slow(offset: int = 0) -> Probe:
    """As on a busy machine, or with a cold disk."""
    time.sleep(3)
    return Probe(offset)


def broken(offset: int = 0) -> Probe:
    raise UnreadableError("cannot start", code="MODEL_UNAVAILABLE")
