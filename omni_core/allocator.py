"""How the C library's allocator is used: few arenas, since a process of many threads keeps in each
of them what its largest file needed. A decoder stayed at 36 MB through 700 files, with the default
of eight arenas a core it grew from 44 to 97 MB (`bench/trust.py soak`)."""

from __future__ import annotations

import ctypes
import os
import platform

ARENAS = 2
FEW_ARENAS = {"MALLOC_ARENA_MAX": str(ARENAS)}
"""What glibc reads when a program starts; an operator's own value goes before it."""
_M_ARENA_MAX = -8


def use_few_arenas() -> None:
    """The same for this process, before it starts threads; nothing to do without glibc."""
    if platform.libc_ver()[0] == "glibc" and not FEW_ARENAS.keys() & os.environ.keys():
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, ARENAS)
