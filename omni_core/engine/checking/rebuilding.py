"""Thumbnails made again from the files of their sources."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from omni_core.catalog import Catalog
from omni_core.engine.hashing import read_hash
from omni_core.engine.workers import Decoders
from omni_core.errors import OmniError
from omni_core.evidence import thumbnails
from omni_core.originals import Original
from omni_core.points import Point
from omni_core.protocols import Index
from omni_core.settings import Settings
from omni_core.types import Modality, Pixels, SourceRow


async def rebuild(
    settings: Settings, catalog: Catalog, index: Index, bad: Sequence[tuple[str, str]]
) -> int:
    """Make these thumbnails (source id, uuid) again where the file is still the same; returns how
    many were made."""
    if not bad:
        return 0
    decoders = Decoders(settings)
    made = 0
    try:
        files: dict[str, Original | None] = {}
        for source, uuid in bad:
            row = await asyncio.to_thread(catalog.get, source)
            points = await index.get([uuid]) if _is_uuid(uuid) else []
            if row is None or not points:
                continue
            if source not in files:
                files[source] = await _same_file(catalog, row)
            made += await _made(settings, decoders, row, files[source], points[0])
    finally:
        await decoders.close()
    return made


async def _same_file(catalog: Catalog, row: SourceRow) -> Original | None:
    """A file that still has the bytes of the source."""
    for name in dict.fromkeys([row.uri, *await asyncio.to_thread(catalog.paths, row.id)]):
        try:
            sha256, file = await read_hash(name)
        except OmniError:
            continue
        if sha256 == row.bytes_sha256:
            return file
    return None


async def _made(
    settings: Settings, decoders: Decoders, row: SourceRow, file: Original | None, point: Point
) -> bool:
    if file is None:
        return False
    try:
        pixels = await _pixels(decoders, row, file, point)
    except OmniError:
        return False
    if pixels is None:
        return False
    data = await asyncio.to_thread(thumbnails.small, pixels)
    await asyncio.to_thread(thumbnails.save, settings.store_path, row.id, point.id, data)
    return True


async def _pixels(
    decoders: Decoders, row: SourceRow, file: Original, point: Point
) -> Pixels | None:
    """What the segment shows, as at its ingest."""
    stored, edge = point.stored, thumbnails.EDGE
    if row.modality is Modality.IMAGE:
        found: Pixels = await decoders.open("image", file, edge, None)
        return found
    if row.modality is Modality.DOCUMENT:
        number = stored.picture if not row.pages and stored.picture else stored.page or 1
        page: Pixels = await decoders.open("page", file, number, edge, stored.crop)
        return page
    if row.modality is Modality.VIDEO:
        at = stored.key_time if stored.key_time is not None else stored.span.start
        frames = await decoders.open("frames", file, [at], edge)
        return frames[0][1] if frames else None
    return None


def _is_uuid(text: str) -> bool:
    return len(text) == 36 and all(c in "0123456789abcdef-" for c in text)
