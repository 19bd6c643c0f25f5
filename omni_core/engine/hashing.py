"""The sha256 of a file: what a source is known by."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

from omni_core.errors import NotFoundError


async def hash_file(path: Path) -> str:
    """The sha256 of a file's bytes in hex, off the event loop. Raises NotFoundError."""

    def work() -> str:
        with path.open("rb") as f:
            return hashlib.file_digest(f, "sha256").hexdigest()

    try:
        return await asyncio.to_thread(work)
    except OSError as e:
        raise NotFoundError(f"{path.name} cannot be read: {e.strerror or e}") from e
