"""One writer per store: an operating-system lock, released when its process ends."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from omni_core import forks
from omni_core.errors import StoreError
from omni_core.file_lock import try_lock


class LockHeldError(Exception):
    """Another process, or another part of this one, holds the lock; `pid` is "" where unknown."""

    def __init__(self, pid: str) -> None:
        super().__init__(pid)
        self.pid = pid


class FileLock:
    """A locked file with the pid of its holder in it.

    Held from construction to `release`, or to the death of the process; children do not hold it.
    """

    def __init__(self, path: Path) -> None:
        """Raises LockHeldError at once, StoreError where the file cannot be written or locked."""
        store = path.parent
        try:
            file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)
        except OSError as e:
            raise StoreError(
                f"cannot write in {store}: {e.strerror}; choose another folder with --store"
            ) from e
        try:
            if not try_lock(file):
                raise LockHeldError(_pid_in(file))
            file.truncate(0)
            file.write(str(os.getpid()).encode())
        except OSError as e:  # a full disk (other processes need the pid), or no locks there
            file.close()
            raise StoreError(
                f"cannot lock or write in {store}: {e.strerror}; free some space on its disk, or "
                "choose a folder on a local one with --store"
            ) from e
        except LockHeldError:
            file.close()
            raise
        self._file: BinaryIO | None = file
        forks.close_in_children(file.fileno())

    def release(self) -> None:
        """Release the lock."""
        file, self._file = self._file, None
        if file is not None:
            forks.forget(file.fileno())
            try:
                file.truncate(0)
            finally:
                file.close()  # releases the lock; child processes do not inherit the handle


class StoreLock(FileLock):
    """The lock of the one process that writes a store."""

    def __init__(self, store: Path) -> None:
        """Raises StoreError STORE_BUSY at once, naming the pid that holds the store."""
        try:
            super().__init__(store / "lock")
        except LockHeldError as e:
            who = f"omni-mcp with pid {e.pid}" if e.pid else "another process"
            raise StoreError(
                f"{who} holds {store}; stop it, or use another folder with --store "
                "(programs share a store with SharedEngine.open)",
                code="STORE_BUSY",
            ) from None


def _pid_in(file: BinaryIO) -> str:
    text = file.read(20).decode("ascii", "replace").strip()
    return text if text.isdigit() else ""
