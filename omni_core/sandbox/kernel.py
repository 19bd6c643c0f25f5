"""What this kernel offers, and the calls of it that Python has no function for. Linux only."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import sys
from dataclasses import dataclass
from functools import cache
from typing import Any

LINUX = sys.platform == "linux"
PR_SET_DUMPABLE = 4
PR_SET_NO_NEW_PRIVS = 38
PR_SET_SECCOMP = 22
_FILTER = 2
_CREATE_RULESET = 444
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Kernel:
    """What it can confine a process with."""

    seccomp: bool
    """Filters of system calls, on a processor whose calls `seccomp` knows."""
    landlock: int
    """Version of Landlock: 1 files, 2 files that move, 4 TCP, 6 signals; 0: none."""
    wanted: str = "Landlock (Linux 5.13)"
    """What is missing where there is none."""

    @property
    def lacks(self) -> str:
        """What is missing, in words; "" for nothing."""
        parts = (
            "" if self.landlock else self.wanted,
            "" if self.seccomp else "seccomp",
        )
        return " and ".join(filter(None, parts))


@cache
def libc() -> Any:
    """The C library, which sets errno."""
    return ctypes.CDLL(None, use_errno=True)


def syscall(number: int, *args: object) -> int:
    """Call the kernel; raises OSError."""
    result = int(libc().syscall(ctypes.c_long(number), *args))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def prctl(option: int, *args: object) -> None:
    """`prctl(2)`; raises OSError."""
    given = [a if not isinstance(a, int) else ctypes.c_ulong(a) for a in args]
    given += [ctypes.c_ulong(0)] * (4 - len(given))
    if libc().prctl(option, *given) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


@cache
def kernel() -> Kernel:
    """What is there; nothing is changed by asking."""
    if not LINUX or platform.machine() not in ("x86_64", "aarch64") or sys.maxsize < 2**32:
        return Kernel(False, 0)
    try:
        landlock = syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))
    except OSError:
        landlock = 0
    try:
        prctl(PR_SET_SECCOMP, _FILTER, None)
        seccomp = False
    except OSError as e:  # EFAULT: it would have read the filter
        seccomp = e.errno == errno.EFAULT
    return Kernel(seccomp, landlock)


def hide_memory() -> None:
    """Keep other processes of the same user from reading this one's memory and environment, where
    the system has a way for it; root may still. Children that are started become readable again."""
    if LINUX:
        prctl(PR_SET_DUMPABLE, 0)
