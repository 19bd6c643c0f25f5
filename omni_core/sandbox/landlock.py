"""Landlock: below which folders a child may read and write, and that it may not use TCP.

https://docs.kernel.org/userspace-api/landlock.html. A rule holds an open folder, so it keeps its
meaning when a link in its path changes. What is open already stays usable. A process in a domain
of its own can neither look into the memory, the environment and the open files of one outside
(/proc), nor, from version 6, send it a signal.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Iterable

from omni_core.sandbox.kernel import syscall

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_BENEATH = 1

_EXECUTE, _WRITE, _READ, _LIST = (1 << n for n in range(4))
_REMOVE_FOLDER, _REMOVE, _CHARACTER, _FOLDER, _FILE, _SOCKET, _FIFO, _BLOCK, _LINK = (
    1 << n for n in range(4, 13)
)
_REFER, _TRUNCATE, _DEVICE = 1 << 13, 1 << 14, 1 << 15
_ALL = {1: _REFER - 1, 2: _TRUNCATE - 1, 3: _DEVICE - 1, 4: _DEVICE - 1, 5: (_DEVICE << 1) - 1}
"""What each version knows to refuse; those after 5 as that."""
_BIND_TCP, _CONNECT_TCP = 1, 2
_ABSTRACT_SOCKETS, _SIGNALS = 1, 2

READS = _READ | _LIST
WRITES = (
    READS | _WRITE | _REMOVE_FOLDER | _REMOVE | _FOLDER | _FILE | _LINK | _REFER | _TRUNCATE
)  # fmt: skip
DEVICES = READS | _WRITE | _DEVICE
PROGRAMS = READS | _EXECUTE
_ON_FILES = _EXECUTE | _WRITE | _READ | _TRUNCATE | _DEVICE


def restrict(
    version: int, rules: Iterable[tuple[str, int]] | None, *, network: bool, signals: bool
) -> None:
    """Confine this thread and those that it starts. Raises OSError.

    `rules`: path and rights; paths that do not exist are left out; None: the whole file system, but
    for making block devices: that too is a domain, from which nobody outside can be looked into.
    """
    files = _ALL[min(version, 5)] if rules is not None else _BLOCK
    tcp = 0 if network or version < 4 else _BIND_TCP | _CONNECT_TCP
    scoped = 0 if version < 6 else _ABSTRACT_SOCKETS * (not network) | _SIGNALS * (not signals)
    handled = struct.pack("QQQ", files, tcp, scoped)[
        : 8 if version < 4 else 16 if version < 6 else 24
    ]
    ruleset = syscall(_CREATE, handled, ctypes.c_size_t(len(handled)), ctypes.c_uint32(0))
    try:
        for path, rights in rules or ():
            _allow(ruleset, path, rights & files)
        syscall(_RESTRICT, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # it is not there, or nothing of it may be seen anyway
        return
    try:
        if not stat.S_ISDIR(os.fstat(opened).st_mode):
            rights &= _ON_FILES
        rule = struct.pack("=Qi", rights, opened)
        syscall(_ADD, ctypes.c_int(ruleset), ctypes.c_int(_BENEATH), rule, ctypes.c_uint32(0))
    finally:
        os.close(opened)
