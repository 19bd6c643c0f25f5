"""How a database file is named to SQLite by who only reads it."""

from __future__ import annotations

import os
from pathlib import Path


def to_read(path: Path) -> str:
    """The URI of a database that is not written, also in a folder that nobody may write in."""
    address = f"{path.absolute().as_uri()}?mode=ro"
    wal = path.with_name(f"{path.name}-wal")
    if not os.access(path.parent, os.W_OK) and not (wal.exists() and wal.stat().st_size):
        address += "&immutable=1"  # SQLite would make files beside it
    return address
