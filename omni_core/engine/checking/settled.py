"""Files of the embedded index that searches go through, and what their damage costs: nothing but
vectors, since all else in them is made of the points again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from omni_core import index
from omni_core.engine.checking.points import PAGE, is_sound
from omni_core.errors import OmniError, StoreError
from omni_core.files import put_in_place
from omni_core.index import edge_sums, versions
from omni_core.index.edge_vacuum import make_durable
from omni_core.points import Point
from omni_core.protocols import Index
from omni_core.settings import Settings
from omni_core.tasks import in_thread
from omni_core.text.counting import counted
from omni_core.types import EncoderInfo
from omni_core.unfinished import Unfinished

_Made = TypeVar("_Made")


class NotMadeError(StoreError):
    """STORE_FAILED. A new index could not be made: for want of room or memory, which is no damage
    to the one that it is made of."""


@dataclass(frozen=True, slots=True)
class Files:
    """Those that are damaged."""

    names: tuple[str, ...]

    @property
    def vectors(self) -> bool:
        """Whether a point that has no vector may have lost it."""
        return any(name.endswith((*edge_sums.VECTORS, edge_sums.NOTE)) for name in self.names)

    def __str__(self) -> str:
        kinds = sorted({name.rpartition("/")[2] for name in self.names})
        return f"damaged: {counted(len(self.names), 'file')} that searches read, {', '.join(kinds)}"


def shard_of(settings: Settings, info: EncoderInfo) -> Path:
    """The folder of the points of the embedded index."""
    return versions.folder(settings.store_path) / versions.slug(info) / "shard"


async def damaged_files(settings: Settings, info: EncoderInfo) -> Files:
    """What differs from what a vacuum noted; none where nothing was settled yet."""
    found = await asyncio.to_thread(edge_sums.damaged, shard_of(settings, info))
    return Files(tuple(found))


async def copy_sound(
    settings: Settings, info: EncoderInfo, library: str, held: Index, files: Files
) -> tuple[Unfinished, Path, int]:
    """A new index of the sound points of `held`: what removes it, its points' folder, how many.

    Raises NotMadeError where it is the new one that fails.
    """
    made = Unfinished(settings.store_path / "again", folder=True, private=True)
    try:
        folder = await _made(in_thread(made.make))
        beside = replace(settings, store=str(folder))
        new = await asyncio.to_thread(index.load, beside, info)
        try:
            await _made(new.open())
            await _made(new.claim(library))
            count, offset = 0, None
            while True:
                page, offset = await held.scroll(limit=PAGE, offset=offset)
                whole = await held.get([p.id for p in page], vectors=True)
                kept = [p for p in whole if is_sound(p) and not _lost_vector(p, files)]
                await _made(new.upsert(kept))
                count += len(kept)
                if offset is None:
                    break
            await index.settle(new)
        finally:
            await new.close()
        shard = shard_of(beside, info)
        await _made(in_thread(make_durable, shard))
    except BaseException:
        await in_thread(made.remove)
        raise
    return made, shard, count


async def _made(step: Awaitable[_Made]) -> _Made:
    try:
        return await step
    except (OmniError, OSError) as e:
        raise NotMadeError(str(e)) from e


def _lost_vector(point: Point, files: Files) -> bool:
    return files.vectors and point.dense is None and point.late is None


async def take_place(
    made: Unfinished, new: Path, shard: Path, move_away: Callable[[], None]
) -> None:
    """Put the new points where the others are, once `move_away` has moved these; whoever is
    cancelled meanwhile has both done."""

    def exchange() -> None:
        move_away()
        put_in_place(new, shard)

    try:
        await in_thread(exchange)
    finally:
        await in_thread(made.remove)
