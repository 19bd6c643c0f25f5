"""Vacuum of the embedded index, on a copy beside the shard that searches use.

What is ingested goes into a growing segment, whose indexes Edge keeps in memory and builds anew
from their records at every opening: 5 s and 1.2 GB at 1,000,000 points. A vacuum drops what was
deleted, and leaves settled segments, whose indexes are read from their files: 0.4 s and 0.2 GB.
A settled point that is changed moves into the growing segment.

    <index>/shard        what searches use
    <index>/vacuum       the copy, which a second process rewrites without the deleted points
    <index>/shard.old    what was used before, until the copy in its place is known to be whole

Where `shard.old` is there, it is what counts: nothing was written since. All three are in one
folder, so that each step is one rename.

Edge rewrites a shard as a whole and answers nothing meanwhile: two minutes at 1,000,000 segments.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from pathlib import Path

from omni_core.errors import StoreError
from omni_core.files import copy_tree, put_in_place, sync, used_bytes

log = logging.getLogger(__name__)

FOLDER = "vacuum"
"""Beside the shard: what is rewritten."""
_OLD = "shard.old"
_LEFT = "vacuumed.json"
"""In a shard that was rewritten."""
DELETED_SHARE = 0.2
"""Share of deleted points from which on a vacuum is worth its time; Edge's own threshold."""
LEAST_POINTS = 1000
"""Points below which none is worth it; Edge's own threshold."""
GROWN = 100_000
"""Growing points from which on they are worth settling: they cost 0.5 s at each opening."""


def is_due(path: Path, points: int, grown: int) -> bool:
    """Whether the shard in `path`, with so many points, is worth a vacuum: for what was deleted, or
    for `grown` points that are not settled. What the last vacuum could do nothing about counts no
    more: it would be made again and again."""
    growing, deleted, places = _worth(path, points)
    was_growing, was_deleted = _left(path)
    if places >= LEAST_POINTS and deleted - was_deleted > DELETED_SHARE * places:
        return True
    return growing - was_growing >= grown


def note_left(path: Path, points: int) -> None:
    """Note what of a rewritten shard, with so many points, was not settled and not dropped."""
    growing, deleted, _ = _worth(path, points)
    (path / _LEFT).write_text(json.dumps({"growing": growing, "deleted": deleted}))


def _left(path: Path) -> tuple[int, int]:
    """What was noted; nothing where there was no vacuum, or the note cannot be read."""
    try:
        noted = json.loads((path / _LEFT).read_text())
        return int(noted["growing"]), int(noted["deleted"])
    except (OSError, ValueError, TypeError, KeyError):
        return 0, 0


def _worth(path: Path, points: int) -> tuple[int, int, int]:
    """Places of points: in growing segments, of deleted ones, and all."""
    growing = _places(path, "mutable_id_tracker.versions")
    places = growing + _places(path, "id_tracker.versions")
    return growing, places - points, places


def _places(path: Path, versions: str) -> int:
    """Points that were ever put in, also those deleted since; at most those of the last flush. Edge
    says it of no segment, but keeps a version of 8 bytes for each."""
    return sum(file.stat().st_size for file in path.glob(f"segments/*/{versions}")) // 8


def has_room(path: Path, reserve: int) -> bool:
    """Whether the disk takes a copy of the shard and what is made of it, with `reserve` bytes left;
    says so where it does not."""
    needed, free = 2 * used_bytes(path) + reserve, shutil.disk_usage(path).free
    if free < needed:
        log.warning("index not vacuumed: needs %d MB free, has %d", needed >> 20, free >> 20)
    return free >= needed


def copy(path: Path) -> None:
    """Put a copy of the shard into the folder for it; nothing may be written meanwhile. Raises
    OSError, also where something of a former one stays there, as Windows keeps what is open."""
    beside = path.with_name(FOLDER)
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    copy_tree(path, beside)


def limit_s(path: Path) -> float:
    """Time limit of each step of the vacuum of an index: 30 times what the longest takes on two
    cores, and ten minutes."""
    return 600.0 + used_bytes(path) / (1 << 20)


def make_durable(path: Path) -> None:
    """Put a rewritten shard on the disk."""
    for item in path.rglob("*"):
        sync(item)


def exchange(path: Path) -> None:
    """Let the rewritten copy take the place of the shard, which nobody has open, until `confirm` or
    `recover`. Raises StoreError, and the shard is the one that it was."""
    try:
        os.rename(path, path.with_name(_OLD))
        put_in_place(path.with_name(FOLDER), path)
    except OSError as e:
        recover(path)
        raise StoreError(f"the vacuumed index could not take its place: {e.strerror}") from e


def confirm(path: Path) -> None:
    """Let the copy be the shard from now on, also after a power failure."""
    os.rename(path.with_name(_OLD), path.with_name(FOLDER))
    sync(path.parent)


def recover(path: Path) -> None:
    """Give the place back to what was used before a copy that nobody confirmed."""
    old, beside = path.with_name(_OLD), path.with_name(FOLDER)
    if not old.exists():
        return
    if path.exists():
        shutil.rmtree(beside, ignore_errors=True)
        os.rename(path, beside)
    os.rename(old, path)
    sync(path.parent)


def sweep(path: Path) -> None:
    """Remove what a vacuum left beside the shard, which this process has open."""
    shutil.rmtree(path.with_name(FOLDER), ignore_errors=True)
