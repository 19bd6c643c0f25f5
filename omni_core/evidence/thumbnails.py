"""Thumbnails of shots, images and pages, written at ingest, shown when the file is missing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from omni_core.evidence.images import Jpeg, jpeg
from omni_core.files import write_atomically
from omni_core.types import Pixels

FOLDER = "thumbs"
EDGE = 320
"""Long edge, pixels."""
BYTES = 24_000
"""Size limit of one thumbnail; those of 1,000 shots take about 15 MB."""


class Thumbnail(NamedTuple):
    """The thumbnail of one segment."""

    source_id: str
    id: str
    """uuid of the segment."""
    jpeg: bytes


def small(pixels: Pixels) -> bytes:
    """The thumbnail of an image, as JPEG."""
    return jpeg(pixels, EDGE, max_bytes=BYTES).jpeg


def save(store: Path, source_id: str, uuid: str, thumbnail: bytes) -> None:
    """Write the thumbnail (JPEG) of one segment, replacing an earlier one."""
    write_atomically(_path(store, source_id, uuid), thumbnail)


def add(store: Path, source_id: str, uuid: str, thumbnail: bytes) -> bool:
    """`save` where there is none; whether it was saved."""
    new = not _path(store, source_id, uuid).exists()
    if new:
        save(store, source_id, uuid, thumbnail)
    return new


def load(store: Path, source_id: str, uuid: str, caption: str) -> Jpeg | None:
    """The thumbnail of one segment; None when there is none."""
    from PIL import Image

    path = _path(store, source_id, uuid)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    with Image.open(path) as image:
        return Jpeg(data, caption, image.width, image.height)


def of_source(store: Path, source_id: str) -> Iterator[Thumbnail]:
    """The thumbnails of a source."""
    for path in sorted(_path(store, source_id, "x").parent.glob("*.jpg")):
        yield Thumbnail(source_id, path.stem, path.read_bytes())


def remove(store: Path, source_id: str) -> None:
    """Remove the thumbnails of a source."""
    shutil.rmtree(_path(store, source_id, "x").parent, ignore_errors=True)


def _path(store: Path, source_id: str, uuid: str) -> Path:
    return store / FOLDER / source_id / f"{uuid}.jpg"
