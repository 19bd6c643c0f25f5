"""Creating and loading a shard of Qdrant Edge."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from typing import Any

import qdrant_edge as edge

from omni_core.errors import FullDiskError, StoreError
from omni_core.files import put_in_place
from omni_core.index import edge_mapping

LOCK_WAIT_S = 0.8 if sys.platform == "linux" else 9.0
"""How long the child of a killed parent may still hold the shard; on Linux it ends at once."""


def require_free(path: Path, reserve: int) -> None:
    """Raises FullDiskError where the disk has less than `reserve` bytes free."""
    if (free := shutil.disk_usage(path).free) < reserve:
        raise FullDiskError(
            f"the disk of the index has {free >> 20} MB free and needs {reserve >> 20}; free some "
            "space and call again: nothing stored is lost"
        )


def create(path: Path, dim: int, multi_vector: bool) -> None:
    """Create the shard under another name, with its payload indexes, then rename it: atomic."""
    new = path / "shard.new"
    shutil.rmtree(new, ignore_errors=True)
    shard = edge.EdgeShard.create(str(new), edge_mapping.config(dim, multi_vector))
    for key, params in edge_mapping.schema().items():
        shard.update(edge.UpdateOperation.create_field_index(key, params))
    shard.flush()
    shard.close()
    put_in_place(new, path / "shard")


def load(path: Path, config: Any = None) -> Any:
    """Raises StoreError for a shard that another process holds, and for a damaged one."""
    give_up = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            return edge.EdgeShard.load(str(path), config)
        except BaseException as e:  # a Rust panic is no Exception
            if isinstance(e, (KeyboardInterrupt, SystemExit)):
                raise
            if "WouldBlock" not in str(e):  # its bare exceptions carry nothing but a text
                raise StoreError(
                    f"the index in {path.parent} is damaged ({first_line(e)}); restore that "
                    "folder, or run `omni-mcp doctor --repair`"
                ) from e
            if time.monotonic() > give_up:
                raise StoreError(
                    f"the index in {path.parent} is open in another process; stop that one, or "
                    "share a Qdrant server with --qdrant URL",
                    code="STORE_BUSY",
                ) from None
        time.sleep(0.05)


def first_line(error: BaseException) -> str:
    """What an error of Edge says, on one line."""
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
