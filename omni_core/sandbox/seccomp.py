"""A filter of system calls: those of the table below fail with EPERM, whatever else a child does.

The table lists what no child of ours calls: ways into other processes and the kernel (ptrace,
process memory, io_uring, BPF, keys, mounts, namespaces, modules), and, by `Rules`, sockets and new
programs. Calls are filtered by number and by the register of one argument, as seccomp can; it
cannot follow pointers. Calls of another architecture (32 bit) fail as well.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from dataclasses import dataclass

from omni_core.sandbox.kernel import PR_SET_SECCOMP, prctl, syscall
from omni_core.sandbox.rules import Rules

_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Column of the tables, and the number by which the kernel calls it (AUDIT_ARCH)."""

_SECCOMP = {"x86_64": 317, "aarch64": 277}
_SET_FILTER, _ALL_THREADS = 1, 1

_Numbers = tuple[int | None, int | None]
"""Of a call on x86-64 and on ARM64; None: it has no such call."""

NEVER: dict[str, _Numbers] = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "kcmp": (312, 272), "pidfd_getfd": (438, 438),
    "perf_event_open": (298, 241), "bpf": (321, 280), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "mount_setattr": (442, 442), "unshare": (272, 97), "setns": (308, 268),
    "open_by_handle_at": (304, 265), "fanotify_init": (300, 262), "quotactl": (179, 60),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105),
    "finit_module": (313, 273), "delete_module": (176, 106), "reboot": (169, 142),
    "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89), "syslog": (103, 116),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "adjtimex": (159, 171),
    "clock_adjtime": (305, 266), "sethostname": (170, 161), "setdomainname": (171, 162),
    "vhangup": (153, 58), "iopl": (172, None), "ioperm": (173, None), "modify_ldt": (154, None),
    "migrate_pages": (256, 238), "move_pages": (279, 239), "personality": (135, 92),
}  # fmt: skip
NETWORK: dict[str, _Numbers] = {
    "socket": (41, 198), "connect": (42, 203), "bind": (49, 200),
}  # fmt: skip
ANSWERING: dict[str, _Numbers] = {
    "listen": (50, 201), "accept": (43, 202), "accept4": (288, 242),
}  # fmt: skip
PROGRAMS: dict[str, _Numbers] = {
    "execve": (59, 221), "execveat": (322, 281), "fork": (57, None), "vfork": (58, None),
    "tkill": (200, 130), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
    "pidfd_send_signal": (424, 424),
}  # fmt: skip
_TO_ONESELF: dict[str, _Numbers] = {"kill": (62, 129), "tgkill": (234, 131)}
"""Allowed where the first argument is the own process."""
_PRLIMIT: _Numbers = (302, 261)
"""Allowed for oneself: the limits of the server are not a child's to set."""
_CLONE: _Numbers = (56, 220)
"""Allowed for threads."""
_CLONE3: _Numbers = (435, 435)
"""Its flags lie behind a pointer: said to be missing, so that the C library takes `clone`."""

_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_EPERM, _ENOSYS = 1, 38
_CLONE_THREAD = 0x00010000
_X32 = 0x40000000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _ARCH_AT, _FIRST_AT = 0, 4, 16
"""Where in `struct seccomp_data` these stand; of the first argument its low half."""


@dataclass(frozen=True, slots=True)
class _Step:
    """One instruction of the filter: a jump counts the steps that it leaves out."""

    code: int
    value: int
    then: int = 0
    otherwise: int = 0

    def packed(self) -> bytes:
        return struct.pack("HBBI", self.code, self.then, self.otherwise, self.value)


def program(rules: Rules, machine: str, pid: int) -> bytes:
    """The filter for a child with this process id, as the kernel reads it."""
    column, architecture = _ARCHITECTURES[machine]
    refuse = _Step(_RETURN, _ERRNO | _EPERM)
    steps = [_Step(_LOAD, _ARCH_AT), _Step(_EQUAL, architecture, 1, 0), refuse]
    steps.append(_Step(_LOAD, _NUMBER_AT))
    if machine == "x86_64":
        steps += [_Step(_AT_LEAST, _X32, 0, 1), refuse]

    def on(numbers: _Numbers, *then: _Step) -> None:
        number = numbers[column]
        if number is not None:
            steps.extend((_Step(_EQUAL, number, 0, len(then)), *then))

    for numbers in _refused(rules):
        on(numbers, refuse)
    first, allow = _Step(_LOAD, _FIRST_AT), _Step(_RETURN, _ALLOW)
    on(_PRLIMIT, first, _Step(_EQUAL, 0, 1, 0), _Step(_EQUAL, pid, 0, 1), allow, refuse)
    if not rules.programs:
        for numbers in _TO_ONESELF.values():
            on(numbers, first, _Step(_EQUAL, pid, 0, 1), allow, refuse)
        on(_CLONE, first, _Step(_ANY_BIT, _CLONE_THREAD, 0, 1), allow, refuse)
        on(_CLONE3, _Step(_RETURN, _ERRNO | _ENOSYS))
    steps.append(allow)
    return b"".join(step.packed() for step in steps)


def _refused(rules: Rules) -> list[_Numbers]:
    return [
        *NEVER.values(),
        *(() if rules.network else NETWORK.values()),
        *(() if rules.network or rules.serves else ANSWERING.values()),
        *(() if rules.programs else PROGRAMS.values()),
    ]


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def restrict(rules: Rules) -> None:
    """Install the filter for this thread and those that it starts; raises OSError."""
    prctl(PR_SET_SECCOMP, 2, ctypes.byref(_compiled(rules)))


def restrict_all(rules: Rules) -> None:
    """Install it for every thread of this process, on top of what holds already; raises OSError."""
    number, flags = _SECCOMP[platform.machine()], ctypes.c_ulong(_ALL_THREADS)
    other = syscall(number, ctypes.c_ulong(_SET_FILTER), flags, ctypes.byref(_compiled(rules)))
    if other:  # then it holds for none
        raise OSError(errno.EBUSY, f"thread {other} has a filter of its own")


def _compiled(rules: Rules) -> _Program:
    code = program(rules, platform.machine(), os.getpid())
    return _Program(len(code) // 8, code)
