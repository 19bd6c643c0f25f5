"""An operating-system lock on a file, released when its process ends, however it ends."""

from __future__ import annotations

import sys
from typing import BinaryIO

_BYTE = 1 << 30
"""Offset of the locked byte: Windows forbids reading a locked range, so it is far from the text
that a lock file holds."""

if sys.platform == "win32":
    import msvcrt

    def try_lock(file: BinaryIO) -> bool:
        """Lock the file until it is closed; False when another handle has it locked."""
        file.seek(_BYTE)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            file.seek(0)
        return True

    def try_lock_whole(descriptor: int) -> bool:
        """Lock an open file or folder as a whole; False: Windows has no such locks."""
        return False
else:
    import fcntl

    def try_lock(file: BinaryIO) -> bool:
        """Lock the file until it is closed; False when another handle has it locked."""
        return try_lock_whole(file.fileno())

    def try_lock_whole(descriptor: int) -> bool:
        """The same for an open file or folder."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
