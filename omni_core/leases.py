"""Whether a program has a file open for writing. Linux alone says so: it grants a read lease on a
file that nobody writes, to the file's owner (fcntl(2)).
"""

from __future__ import annotations

import ctypes
import errno
import sys

REFUSED_FOR_OTHER_REASONS = {
    0x6969: "NFS", 0x517B: "SMB", 0xFF534D42: "CIFS", 0xFE534D42: "SMB2",
}  # fmt: skip
"""File systems of other machines (statfs(2)), which grant a lease only where their server lent them
one before, and else say the same as for a file that is being written."""
_STATFS_BYTES = 256
"""More than `struct statfs` has on any machine; the kind is the long at its beginning."""


def has_writer(fd: int) -> bool:
    """Whether a program has the open file open for writing now; False where it cannot be known.

    The lease is given back at once.
    """
    if sys.platform != "linux" or kind_of_file_system(fd) in REFUSED_FOR_OTHER_REASONS:
        return False
    import fcntl
    import signal

    try:
        # A program that opens it in this very moment: by default that would end this process.
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as e:
        return e.errno == errno.EAGAIN
    return False


def kind_of_file_system(fd: int) -> int:
    """The number by which Linux knows the kind of the file system of an open file; 0: unknown."""
    found = ctypes.create_string_buffer(_STATFS_BYTES)
    if ctypes.CDLL(None, use_errno=True).fstatfs(ctypes.c_int(fd), found) != 0:
        return 0
    return int.from_bytes(found.raw[: ctypes.sizeof(ctypes.c_long)], sys.byteorder) & 0xFFFFFFFF
