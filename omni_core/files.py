"""Atomic file writes, and the sha256 of a file."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path


def write_atomically(
    path: Path, data: bytes, *, durable: bool = False, mode: int | None = None
) -> None:
    """Replace a file by a rename: readers see the old bytes or the new ones, also after a crash.

    Of several writers the last to finish wins. A missing folder is created.
    durable: the new bytes survive a power failure once this returns, at the cost of an fsync.
    mode: permission bits of the file; by default those of the process (umask).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        with new.open("xb") as f:
            if mode is not None:
                new.chmod(mode)
            f.write(data)
            if durable:
                f.flush()
                os.fsync(f.fileno())
        os.replace(new, path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    if durable and os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)  # the new name is an entry of the folder
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, 64 hexadecimal digits; blocks while it reads them."""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()
