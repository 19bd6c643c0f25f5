"""Thumbnails of shots, images and pages, written at ingest, shown when the file is missing.

    <store>/thumbs/<source id>/<segment's uuid>.jpg

Behind the JPEG stands of which segment it is, and the sha256 of its bytes: a picture of another
segment, or one that was damaged, is never shown. Decoders ignore what follows a JPEG.
"""

from __future__ import annotations

import hashlib
import io
import logging
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from omni_core.errors import UnreadableError
from omni_core.evidence.images import Jpeg, jpeg
from omni_core.files import write_atomically
from omni_core.types import Pixels
from omni_core.unfinished import sweep

log = logging.getLogger(__name__)

FOLDER = "thumbs"
EDGE = 320
"""Long edge, pixels."""
BYTES = 24_000
"""Size limit of one thumbnail; those of 1,000 shots take about 15 MB."""
MOST_BYTES = 1 << 20
"""Larger files are no thumbnails, and are not read."""

_NOTE = re.compile(rb"\nomni-mcp ([0-9a-f-]{36}) ([0-9a-f]{64})")
_NOTE_BYTES = len("\nomni-mcp  ") + 36 + 64


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
    note = f"\nomni-mcp {uuid} {hashlib.sha256(thumbnail).hexdigest()}".encode()
    write_atomically(_path(store, source_id, uuid), thumbnail + note)


def add(store: Path, source_id: str, uuid: str, thumbnail: bytes) -> bool:
    """`save` where there is none; whether it was saved."""
    new = not _path(store, source_id, uuid).exists()
    if new:
        save(store, source_id, uuid, thumbnail)
    return new


def load(store: Path, source_id: str, uuid: str, caption: str) -> Jpeg | None:
    """The thumbnail of one segment; None when there is none.

    Raises UnreadableError for one that is damaged, or is that of another segment.
    """
    return _read(_path(store, source_id, uuid), caption)


def damaged(store: Path) -> Iterator[tuple[str, str]]:
    """Source id and uuid of every thumbnail that `load` would refuse."""
    for path in sorted((store / FOLDER).glob("*/*.jpg")):
        try:
            _read(path, "")
        except UnreadableError:
            yield path.parent.name, path.stem


def of_source(store: Path, source_id: str) -> Iterator[Thumbnail]:
    """The thumbnails of a source; damaged ones are left out, with a line in the log."""
    for path in sorted(_path(store, source_id, "x").parent.glob("*.jpg")):
        try:
            found = _read(path, "")
        except UnreadableError as e:
            log.warning("%s is left out: %s", path.name, e)
            continue
        if found is not None:
            yield Thumbnail(source_id, path.stem, found.jpeg)


def remove(store: Path, source_id: str) -> None:
    """Remove the thumbnails of a source."""
    shutil.rmtree(_path(store, source_id, "x").parent, ignore_errors=True)


def sweep_up(store: Path, source_ids: Iterable[str]) -> None:
    """Remove what killed processes left unfinished of the thumbnails of these sources."""
    for id_ in source_ids:
        sweep(_path(store, id_, "x").parent)


def sources(store: Path) -> list[str]:
    """The ids of the sources that have thumbnails."""
    return sorted(p.name for p in (store / FOLDER).glob("*") if p.is_dir())


def _read(path: Path, caption: str) -> Jpeg | None:
    from PIL import Image, UnidentifiedImageError

    why = "the thumbnail kept at ingest is damaged"
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UnreadableError(why)
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as e:
        raise UnreadableError(f"the thumbnail kept at ingest cannot be read: {e.strerror}") from e
    noted = _NOTE.fullmatch(data[-_NOTE_BYTES:])
    if noted is not None:
        data = data[:-_NOTE_BYTES]
        facts = path.stem.encode(), hashlib.sha256(data).hexdigest().encode()
        if noted.groups() != facts:
            raise UnreadableError(why)
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
            if noted is None:  # of a version that noted nothing: look at every pixel
                image.load()
            return Jpeg(data, caption, image.width, image.height)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise UnreadableError(why) from None


def _path(store: Path, source_id: str, uuid: str) -> Path:
    return store / FOLDER / source_id / f"{uuid}.jpg"
