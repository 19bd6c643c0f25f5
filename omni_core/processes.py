"""Which process this is, so that another one on the same machine can tell that it has ended.

A number of a process is used again, inside a container it is another one than outside, and a
machine may have the name of another. So a process is known by the boot of its machine, the
namespace of its number, its number, and when it was started. Linux alone says all four; nothing is
concluded where one of them is missing.
"""

from __future__ import annotations

import os
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE = "/proc/self/ns/pid"
_STATE, _STARTED = 0, 19
"""Positions in `/proc/PID/stat` after the name of the program (proc_pid_stat(5): 3 and 22)."""
_ENDED = ("Z", "X", "x")


def identity(pid: int | None = None) -> str:
    """Of this process, or of another one that this one can see; "" where it cannot be told."""
    number = os.getpid() if pid is None else pid
    try:
        here, started = _here(), _stat(number)[_STARTED]
    except (OSError, IndexError):
        return ""
    return f"{here}.{number}.{started}"


def has_ended(identity: str) -> bool:
    """Whether the process certainly runs no more; False also where that cannot be told."""
    try:
        boot, namespace, number, started = identity.split(".")
        if f"{boot}.{namespace}" != _here():
            return False
        os.kill(int(number), 0)  # asks only
    except ProcessLookupError:
        return True
    except (OSError, ValueError, OverflowError):
        return False
    try:
        now = _stat(int(number))
        return now[_STATE] in _ENDED or now[_STARTED] != started
    except (OSError, IndexError):  # hidden from this user, or just ended
        return False


def _here() -> str:
    """The boot of this machine, and the namespace of the numbers of its processes."""
    boot = _BOOT.read_text(encoding="ascii").strip()
    namespace = os.readlink(_NAMESPACE).strip("pid:[]")
    if not boot or not namespace.isdigit():
        raise OSError("neither boot nor namespace is known")
    return f"{boot}.{namespace}"


def _stat(pid: int) -> list[str]:
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    return text.rpartition(")")[2].split()
