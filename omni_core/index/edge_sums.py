"""Checksums of the files of settled segments that never change.

A growing segment's indexes are built anew from its records at each opening; those of a settled one
are read from their files, so that damage to these would only be seen in answers. The note lies in
the shard that a vacuum rewrote, and counts until the next vacuum.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

NOTE = "sums.json"
UNCHANGED = (
    "id_tracker.mappings",
    "payload_index/*/*_to_*.bin",
    "payload_index/*/data*.bin",
    "vector_index-*/inverted_index.dat",
    "vector_storage-*/matrix.dat",
    "vector_storage-*/offsets/chunk_*.mmap",
    "vector_storage-*/quantized.data",
    "vector_storage-*/vectors/chunk_*.mmap",
)
"""Of a settled segment: a point that is changed moves, and is marked as deleted elsewhere."""
VECTORS = ("matrix.dat", ".mmap")
"""How the names of files end that vectors themselves are in, dense and late ones: everything else
can be made of the points."""


def note(shard: Path) -> None:
    """Note the sums of a shard that was just rewritten and that nobody writes."""
    sums = {path.relative_to(shard).as_posix(): _sum(path) for path in _files(shard)}
    (shard / NOTE).write_text(json.dumps(sums))


def damaged(shard: Path) -> list[str]:
    """Files that are not as they were noted, by their path in the shard; none where nothing was
    noted. Reads all of them: 3 GB at 1,000,000 points."""
    try:
        noted = json.loads((shard / NOTE).read_text())
        found = [name for name, sum in noted.items() if _differs(shard / name, sum)]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, AttributeError, TypeError):
        return [NOTE]
    return found


def _differs(path: Path, sum: str) -> bool:
    """A folder that is gone as a whole was removed by a version that notes nothing or that indexes
    other fields; where it was not, the index cannot be opened, or lacks points."""
    if not path.parent.is_dir():
        return False
    try:
        return _sum(path) != sum
    except OSError:
        return True


def _files(shard: Path) -> Iterator[Path]:
    for segment in sorted(shard.glob("segments/*")):
        if (segment / "id_tracker.versions").is_file():
            for pattern in UNCHANGED:
                yield from sorted(segment.glob(pattern))


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
