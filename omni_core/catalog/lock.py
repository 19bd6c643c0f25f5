"""One writer per store: an operating-system lock, released when its process ends."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from omni_core.errors import StoreError
from omni_core.file_lock import try_lock


class StoreLock:
    """Held from construction to `release`, or to the death of the process."""

    def __init__(self, store: Path) -> None:
        """Raises StoreError STORE_BUSY at once, naming the pid that holds the store."""
        path = store / "lock"
        try:
            file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)
        except OSError as e:
            raise StoreError(
                f"cannot write in {store}: {e.strerror}; choose another folder with --store"
            ) from e
        if not try_lock(file):
            holder = file.read(20).decode("ascii", "replace").strip()
            file.close()
            who = f"omni-mcp with pid {holder}" if holder.isdigit() else "another process"
            raise StoreError(
                f"{who} holds {store}; stop it, use another folder with --store, or run one "
                "`omni-mcp serve --http` for several clients",
                code="STORE_BUSY",
            )
        try:
            file.truncate(0)
            file.write(str(os.getpid()).encode())
        except OSError as e:  # a full disk; other processes need the pid in the file
            file.close()
            raise StoreError(
                f"cannot write in {store}: {e.strerror}; free some space on its disk"
            ) from e
        self._file: BinaryIO | None = file

    def release(self) -> None:
        """Release the lock."""
        file, self._file = self._file, None
        if file is not None:
            try:
                file.truncate(0)
            finally:
                file.close()  # releases the lock; child processes do not inherit the handle
