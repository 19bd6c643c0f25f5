"""How the C library's allocator is used (glibc; elsewhere nothing is done).

Few arenas, since a process of many threads keeps in each of them what its largest file needed: a
decoder stayed at 36 MB through 700 files, with the default of eight arenas a core it grew from 44
to 97 MB. And in the server, which holds nothing large for long, what is free goes back to the
system: glibc keeps up to 64 MB of it once a large block was freed. Through thousands of calls what
the server used grew by 1 MB, what was free by 12; `bench/trust.py soak` shows the sum.
"""

from __future__ import annotations

import ctypes
import os
import platform

ARENAS = 2
FEW_ARENAS = {"MALLOC_ARENA_MAX": str(ARENAS)}
"""What glibc reads when a program starts; an operator's own value goes before it."""
MAX_FREE = 1 << 20
"""Free bytes at the end of the heap up to which they are kept (`M_TRIM_THRESHOLD`)."""
_M_ARENA_MAX, _M_TRIM_THRESHOLD = -8, -1


def keep_little() -> None:
    """Few arenas, and little that is free, in this process: before it starts threads."""
    if platform.libc_ver()[0] != "glibc":
        return
    choices = (
        (_M_ARENA_MAX, ARENAS, "MALLOC_ARENA_MAX"),
        (_M_TRIM_THRESHOLD, MAX_FREE, "MALLOC_TRIM_THRESHOLD_"),
    )
    for option, value, variable in choices:
        if variable not in os.environ:
            ctypes.CDLL(None).mallopt(option, value)
