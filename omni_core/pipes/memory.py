"""Memory that one process fills and seals, and that others map: pixels lie in it once, whoever
looks at them.

It is Linux's `memfd_create(2)`: a file without a name, which is gone with its last descriptor and
mapping, however the processes end. Sealed means that nobody, its maker included, can write to it,
shrink it or let it grow any more. Whoever receives one checks that first: a byte that changes after
it was checked is a way in, and a look past the end of a file ends the process that looks (SIGBUS).
"""

from __future__ import annotations

import contextlib
import mmap
import os
import stat
import sys
from collections.abc import Sequence
from functools import cache
from typing import Any, ClassVar, Self
from weakref import WeakSet

from omni_core.pipes.frames import MAX_FRAME

SHARED_FROM = 3 << 19
"""Bytes from which on an answer lies in sealed memory. Fresh memory costs half a millisecond a MB,
and passing it on 0.4 ms: below, the pipes cost less CPU altogether."""
MOST_HELD = 128
"""Sealed memories that a process keeps open at a time, at two descriptors each (a process often may
have 1,024): what comes beyond is copied. A file that is being read has about ten."""
_NO_PROGRAM = 0x8
"""MFD_NOEXEC_SEAL of Linux 6.3, which some systems demand; older ones refuse it."""


class UnsealedError(ValueError):
    """What was received is no sealed memory, and is not looked at."""


@cache
def available() -> bool:
    """Whether this system has sealed memory; where it has not, everything goes through the pipes.

    Asked once in each process that has children, and nowhere else.
    """
    if sys.platform != "linux" or not hasattr(os, "memfd_create"):
        return False
    try:  # an old kernel or the filter of a container may forbid a step
        return bytes(opened(sealed([b"tried"]))) == b"tried"
    except (OSError, UnsealedError):
        return False


def sealed(parts: Sequence[bytes | memoryview]) -> int:
    """A descriptor of sealed memory that holds these parts, one after the other.

    Raises OSError, where there is no memory or no descriptor left.
    """
    import fcntl

    descriptor = _created()
    try:
        with open(descriptor, "wb", closefd=False) as file:
            for part in parts:
                file.write(part)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _seals() | fcntl.F_SEAL_SEAL)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def opened(descriptor: int) -> memoryview:
    """What lies in a sealed memory, which cannot be written; nothing is read yet.

    The descriptor is taken over, and closed with the last array that shares the memory. Where
    `MOST_HELD` are open the bytes are copied, and it is closed at once. Raises UnsealedError, and
    OSError where it cannot be mapped; it is closed then too.
    """
    try:
        size = _checked_size(descriptor)
        if len(Sealed.held) < MOST_HELD:
            return memoryview(Sealed(descriptor, size))
        copy = memoryview(bytearray(size))
        with open(descriptor, "rb", closefd=False, buffering=0) as file:
            at = 0
            while at < size:
                at += os.preadv(file.fileno(), [copy[at:]], at)
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return copy


def changeable(descriptors: Sequence[int]) -> list[memoryview]:
    """What lies in sealed memories that our own parent checked; what is written there is seen by
    this process alone. The descriptors are taken over. Raises OSError."""
    try:
        return [
            memoryview(
                mmap.mmap(
                    each, os.fstat(each).st_size, flags=mmap.MAP_PRIVATE,
                    prot=mmap.PROT_READ | mmap.PROT_WRITE,
                )
            )
            for each in descriptors
        ]  # fmt: skip
    finally:
        for each in descriptors:
            os.close(each)


class Sealed(mmap.mmap):
    """A sealed memory as it is mapped here, with the descriptor by which it is passed on.

    Private, since a shared mapping of what is sealed against writing was refused before Linux 6.7.
    """

    held: ClassVar[WeakSet[Sealed]] = WeakSet()
    """Those that are open in this process."""
    descriptor: int

    def __new__(cls, descriptor: int, size: int) -> Self:
        """Map it. Raises OSError."""
        made = super().__new__(
            cls, descriptor, size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ
        )  # its own copy of the descriptor cannot be asked for
        made.descriptor = descriptor
        cls.held.add(made)
        return made

    @property
    def address(self) -> int:
        """Where it begins in the memory of this process."""
        import numpy as np

        return int(np.frombuffer(self, np.uint8).__array_interface__["data"][0])

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError):  # it could not be mapped
            os.close(self.descriptor)


def behind(array: Any) -> Sealed | None:
    """The sealed memory that this array, or the array it is a part of, lies in."""
    while (base := getattr(array, "base", None)) is not None:
        array = base
    if isinstance(array, memoryview):
        array = array.obj
    return array if isinstance(array, Sealed) else None


def _created() -> int:
    flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
    try:
        return os.memfd_create("omni", flags | _NO_PROGRAM)
    except OSError:
        return os.memfd_create("omni", flags)


def _checked_size(descriptor: int) -> int:
    """Its size in bytes. Raises UnsealedError."""
    import fcntl

    found = os.fstat(descriptor)
    try:
        seals = fcntl.fcntl(descriptor, fcntl.F_GET_SEALS)
    except OSError:  # a file of another kind
        seals = 0
    if not stat.S_ISREG(found.st_mode) or seals & _seals() != _seals():
        raise UnsealedError("it is no sealed memory")
    if not 0 < found.st_size <= MAX_FRAME:
        raise UnsealedError(f"a sealed memory of {found.st_size:,} bytes")
    if found.st_blocks * 512 < found.st_size:  # pages to be found when they are looked at
        raise UnsealedError(f"a sealed memory of {found.st_size:,} bytes with holes")
    return found.st_size


def _seals() -> int:
    import fcntl

    return fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
