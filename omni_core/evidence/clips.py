"""Where cut clips lie in the store, and how they are kept from filling the disk.

`omni_core.media.av.clip` cuts them; this file only names files, and removes old ones.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from omni_core.types import Span

FOLDER = "clips"
TOTAL_MB = 2048
"""Of all clips together; the ones not asked for longest are removed first."""


def place(store: Path, source_id: str, span: Span, suffix: str) -> Path:
    """The file for this clip, in a folder that exists; the same span has the same file.

    Also makes room: old clips are removed when all together pass `TOTAL_MB`.
    """
    folder = store / FOLDER / _safe(source_id)
    folder.mkdir(parents=True, exist_ok=True)
    sweep(store, most_mb=TOTAL_MB)
    first, last = round(span.start * 1000), round(span.end * 1000)
    return folder / f"{first:09d}-{last:09d}{_suffix(suffix)}"


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)[:80]


def _suffix(suffix: str) -> str:
    return suffix.lower() if re.fullmatch(r"\.[A-Za-z0-9]{1,8}", suffix) else ".mp4"


def sweep(store: Path, *, most_mb: float = TOTAL_MB) -> int:
    """Remove the clips used longest ago until all fit into `most_mb`; the number removed."""
    found: list[tuple[float, int, Path]] = []
    for path in (store / FOLDER).glob("*/*"):
        with contextlib.suppress(FileNotFoundError):  # another call may sweep at the same time
            stat = path.stat()
            found.append((max(stat.st_atime, stat.st_mtime), stat.st_size, path))
    total = sum(size for _, size, _ in found)
    removed = 0
    for _, size, path in sorted(found):
        if total <= most_mb * 1_000_000:
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
