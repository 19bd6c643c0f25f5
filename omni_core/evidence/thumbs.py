"""A small image of each shot and page, kept at ingest for when the file is gone."""

from __future__ import annotations

import shutil
from pathlib import Path

from omni_core.evidence.images import Jpeg, jpeg
from omni_core.types import Pixels

FOLDER = "thumbs"
EDGE = 320
BYTES = 24_000
"""Of one thumbnail at most; a video of 1,000 shots keeps some 15 MB."""


def keep(store: Path, source_id: str, uuid: str, pixels: Pixels) -> None:
    """Write the thumbnail of one segment; the same segment has the same file."""
    path = _path(store, source_id, uuid)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(jpeg(pixels, EDGE, most=BYTES).jpeg)
    part.replace(path)


def kept(store: Path, source_id: str, uuid: str, caption: str) -> Jpeg | None:
    """The thumbnail of one segment; None when there is none."""
    from PIL import Image

    path = _path(store, source_id, uuid)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    with Image.open(path) as image:
        return Jpeg(data, caption, image.width, image.height)


def forget(store: Path, source_id: str) -> None:
    """Remove those of a source."""
    shutil.rmtree(_path(store, source_id, "x").parent, ignore_errors=True)


def _path(store: Path, source_id: str, uuid: str) -> Path:
    return store / FOLDER / source_id / f"{uuid}.jpg"
