"""Which process runs a task, and whether that process still lives.

Each process locks a file of its own; the system releases the lock when the process ends, also by
`kill -9`. Process ids are no evidence: they are used again, and containers have their own.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import BinaryIO

from omni_core.errors import StoreError
from omni_core.file_lock import try_lock


class Owner:
    """This process as the owner of tasks, from construction to `release`."""

    def __init__(self, folder: Path) -> None:
        """Raises StoreError when the folder cannot be written."""
        self.id = secrets.token_hex(8)
        self._path = _lock_path(folder, self.id)
        try:
            self._file: BinaryIO = _open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        except OSError as e:
            raise StoreError(f"cannot write in {folder}: {e.strerror}") from e
        try_lock(self._file)  # nobody else knows the name yet

    def release(self) -> None:
        """The process runs no task any more."""
        self._file.close()
        with contextlib.suppress(OSError):
            self._path.unlink()


def is_alive(folder: Path, owner: str) -> bool:
    """Whether the process of this owner still runs; removes the lock file of one that does not.

    While two processes ask at once, one of them may be told that a dead owner is alive.
    """
    path = _lock_path(folder, owner)
    try:
        file = _open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    except OSError:  # another user's process, for example
        return True
    with file:
        if not try_lock(file):
            return True
    with contextlib.suppress(OSError):
        path.unlink()
    return False


def _lock_path(folder: Path, owner: str) -> Path:
    return folder / f"owner-{owner}.lock"


def _open(path: Path, flags: int) -> BinaryIO:
    return os.fdopen(os.open(path, flags, 0o600), "r+b", buffering=0)
