"""A private folder for the temporary files of one child, removed when the child has ended.

The parent holds a lock in it, which vanishes with the parent: what a killed one left behind is
removed by a process that starts its first child a minute later or more. It holds the folder too, so
that programs which clean up temporary files (systemd-tmpfiles does after ten days) leave a
long-lived child's alone.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

from omni_core import forks
from omni_core.file_lock import try_lock

PREFIX = "omni-child-"
YOUNG_S = 60.0
"""Seconds for which a folder that nobody holds is taken for one that is being made."""


class TemporaryFolder:
    """A folder that exists until `remove`."""

    def __init__(self) -> None:
        """Make it, below the system's folder for temporary files. Raises OSError."""
        _sweep()
        self._whole = Path(tempfile.mkdtemp(prefix=PREFIX))
        self.path = str(self._whole / "tmp")
        self._held: int | None = None
        self._lock = (self._whole / "lock").open("wb")
        try:
            try_lock(self._lock)
            forks.close_in_children(self._lock.fileno())
            self._held = _held(self._whole)
            os.mkdir(self.path)
        except BaseException:
            self.remove()
            raise

    def remove(self) -> None:
        """Remove it, with whatever is in it."""
        forks.forget(self._lock.fileno())
        self._lock.close()
        if self._held is not None:
            forks.forget(self._held)
            os.close(self._held)
            self._held = None
        shutil.rmtree(self._whole, ignore_errors=True)


def _held(folder: Path) -> int | None:
    """A descriptor of the folder with a lock on it; None on Windows, which has neither."""
    if sys.platform == "win32":
        return None
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    forks.close_in_children(descriptor)
    with contextlib.suppress(OSError):  # a file system without locks
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    return descriptor


@cache
def _sweep() -> None:
    """Once in a process: remove the folders of processes that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # it is somebody else's
            if abandoned(folder):
                shutil.rmtree(folder, ignore_errors=True)


def abandoned(folder: Path) -> bool:
    """Whether nobody holds the lock of this folder, or has just made it. Raises OSError."""
    if time.time() - folder.stat().st_mtime <= YOUNG_S:
        return False  # its lock is there a moment before it is locked
    lock = folder / "lock"
    if not lock.exists():
        return True
    with lock.open("rb") as f:
        return try_lock(f)
