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
else:
    import fcntl

    def try_lock(file: BinaryIO) -> bool:
        """Lock the file until it is closed; False when another handle has it locked."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
