"""The sha256 of a file, which identifies a source."""

from __future__ import annotations

import asyncio
from pathlib import Path

from omni_core.errors import NotFoundError
from omni_core.files import sha256_of


async def hash_file(path: Path) -> str:
    """The sha256 of a file's bytes in hex, off the event loop. Raises NotFoundError."""
    try:
        return await asyncio.to_thread(sha256_of, path)
    except OSError as e:
        raise NotFoundError(f"{path.name!r} cannot be read: {e.strerror or e}") from e
