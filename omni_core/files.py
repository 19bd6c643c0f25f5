"""Files written whole or not at all, and the digest that names a file's bytes."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path


def write_atomically(
    path: Path, data: bytes, *, durable: bool = False, mode: int | None = None
) -> None:
    """Replace a file so that a reader, or a crash, meets the old bytes or the new ones.

    Several writers do not mix: the last one to end wins. The folder is made where it is missing.
    durable: the new bytes outlast a loss of power once this returns, at the price of a flush.
    mode: permission bits of the file; by default what the process gives to new files.
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
