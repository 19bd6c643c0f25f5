"""The unfinished file of an upload while bytes are appended to it. Every method blocks."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

from omni_core.errors import NotFoundError, OmniError, StoreError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class PartFile:
    """Appends to a file; its size on the disk is always what was taken in order."""

    def __init__(self, path: Path) -> None:
        """Raises NotFoundError when the upload has just been removed."""
        try:
            self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0))
        except FileNotFoundError:
            raise NotFoundError("this upload is gone: send the file again") from None
        self.start = self.size = os.fstat(self._fd).st_size

    def write(self, data: bytes) -> None:
        """Append all of `data`. Raises StoreError (DISK_FULL); what fitted is kept."""
        rest = memoryview(data)
        while rest:
            try:
                written = os.write(self._fd, rest)
            except OSError as e:
                raise _error(e) from e
            self.size += written
            rest = rest[written:]

    def undo(self) -> None:
        """Back to the size at which it was opened."""
        os.ftruncate(self._fd, self.start)
        self.size = self.start

    def close(self) -> None:
        """Make durable what was written, and close."""
        try:
            os.fsync(self._fd)
        except OSError as e:
            raise _error(e) from e
        finally:
            os.close(self._fd)


class Digests:
    """Running sha256 of uploads, so that a whole file need not be read again at its end."""

    KEPT = 64

    def __init__(self) -> None:
        self._by_id: dict[str, tuple[int, hashlib._Hash]] = {}

    def at(self, id_: str, offset: int) -> hashlib._Hash | None:
        """The digest of the first `offset` bytes; None when it is not known, as after a restart."""
        if offset == 0:
            return hashlib.sha256()
        known = self._by_id.pop(id_, None)
        return known[1] if known is not None and known[0] == offset else None

    def keep(self, id_: str, offset: int, digest: hashlib._Hash) -> None:
        """Remember the digest of the first `offset` bytes; the oldest is dropped beyond `KEPT`."""
        self._by_id[id_] = (offset, digest)
        if len(self._by_id) > self.KEPT:
            del self._by_id[next(iter(self._by_id))]


def _error(e: OSError) -> OmniError:
    if e.errno in _FULL:
        return StoreError(
            "the server's disk is full: free some space there and send the rest", code="DISK_FULL"
        )
    return StoreError(f"the upload cannot be written on the server: {e.strerror or e}")
