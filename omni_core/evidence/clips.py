"""Paths of clip files in the store, and removal of those least recently used.

`omni_core.media.av.clip` writes the clips.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from omni_core.types import Span

FOLDER = "clips"
TOTAL_MB = 2048
"""Size limit of all clips together; the least recently used are removed first."""


def prepare_path(store: Path, source_id: str, span: Span, suffix: str) -> Path:
    """The path of this clip, in a folder that exists; the same span has the same path.

    Removes old clips first when all together exceed `TOTAL_MB`.
    """
    folder = store / FOLDER / _safe(source_id)
    folder.mkdir(parents=True, exist_ok=True)
    remove_least_recently_used(store, max_mb=TOTAL_MB)
    first, last = round(span.start * 1000), round(span.end * 1000)
    return folder / f"{first:09d}-{last:09d}{_suffix(suffix)}"


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)[:80]


def _suffix(suffix: str) -> str:
    return suffix.lower() if re.fullmatch(r"\.[A-Za-z0-9]{1,8}", suffix) else ".mp4"


def remove_least_recently_used(store: Path, *, max_mb: float = TOTAL_MB) -> int:
    """Remove the least recently used clips until all fit into `max_mb`; returns how many."""
    found: list[tuple[float, int, Path]] = []
    for path in (store / FOLDER).glob("*/*"):
        with contextlib.suppress(
            FileNotFoundError
        ):  # another call may remove_least_recently_used at the same time
            stat = path.stat()
            found.append((max(stat.st_atime, stat.st_mtime), stat.st_size, path))
    total = sum(size for _, size, _ in found)
    removed = 0
    for _, size, path in sorted(found):
        if total <= max_mb * 1_000_000:
            break
        path.unlink(missing_ok=True)
        total -= size
        removed += 1
    return removed


def remove(store: Path, source_id: str) -> None:
    """Remove every clip of a source."""
    folder = store / FOLDER / _safe(source_id)
    for path in folder.glob("*"):
        path.unlink(missing_ok=True)
    if folder.is_dir():
        folder.rmdir()
