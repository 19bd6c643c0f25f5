"""What the bin may hold: for so many days, so many former contents of a file, so many bytes."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence

from omni_core.catalog import Catalog
from omni_core.engine.bin import delete
from omni_core.engine.context import Context
from omni_core.errors import OmniError
from omni_core.settings import Settings
from omni_core.types import BinnedSource

log = logging.getLogger(__name__)

DAY_S = 86_400.0
LOOK_S = 3600.0
"""How often the bin is looked through, also when nothing is forgotten."""
PAUSE_S = 5.0
"""Pause after a look: in a folder of many files that change, many sources are forgotten."""
STEP_PAUSE_S = 0.05
"""Pause between the steps in which room is given back: other calls to the catalog come first."""
WHOLE_BYTES = 64 << 20
"""A catalog of an older version is written anew, to give room back, up to this size: that takes
about a second, in which other calls wait. `omni-mcp doctor --repair` does it for a larger one."""


async def keep_small(context: Context) -> None:
    """Delete what is too old or too much for the bin: now, after each time that something was
    forgotten, and every hour."""
    while True:
        context.bin_grew.clear()
        await empty_surplus(context)
        await asyncio.sleep(PAUSE_S)
        try:
            await asyncio.wait_for(context.bin_grew.wait(), LOOK_S)
        except TimeoutError:
            continue


async def empty_surplus(context: Context) -> None:
    """Delete what is too old or too much for the bin, once."""
    gone = 0
    try:
        held = await asyncio.to_thread(context.catalog.binned)
        now = await asyncio.to_thread(context.catalog.now)
        gone = await delete(context, surplus(held, context.settings, now))
        await give_room_back(context)
    except OmniError as e:
        log.warning("the bin was not emptied: %s", e)
    if gone:
        log.info("%d forgotten sources are deleted for good", gone)


def surplus(held: Sequence[BinnedSource], settings: Settings, now: float) -> list[BinnedSource]:
    """What of the bin, the newest first, is to be deleted.

    That is what is older than `bin_days`; of each file what is older than its newest `bin_versions`
    contents, where a copy that is kept apart for a collection is a file of its own; and of the rest
    as much as there is above `bin_max_mb`: first former contents of files that have a newer one in
    the bin, then anything, the oldest first, but never the newest of all.
    """
    before = now - settings.bin_days * DAY_S
    gone: list[BinnedSource] = []
    latest: list[BinnedSource] = []
    former: list[BinnedSource] = []
    versions: Counter[tuple[str, ...]] = Counter()
    for entry in sorted(held, key=lambda e: e.forgotten_at, reverse=True):
        file = (entry.uri, *(entry.collections if entry.content else ()))
        versions[file] += 1
        if entry.forgotten_at < before or versions[file] > settings.bin_versions:
            gone.append(entry)
        else:
            (latest if versions[file] == 1 else former).append(entry)
    size = sum(entry.size for entry in (*latest, *former))
    for entry in (*reversed(former), *reversed(latest[1:])):
        if size <= settings.bin_max_mb << 20:
            break
        gone.append(entry)
        size -= entry.size
    return gone


async def give_room_back(context: Context, *, asked: bool = False) -> None:
    """Give the room of what was deleted back to the file system, in small steps; where a person
    `asked` for it, that of the index too."""
    catalog = context.catalog
    if asked and await asyncio.to_thread(_is_small, catalog):
        await asyncio.to_thread(lambda: catalog.give_room_back(whole=True))
    left = await asyncio.to_thread(catalog.give_room_back)
    while left:
        await asyncio.sleep(STEP_PAUSE_S)
        now = await asyncio.to_thread(catalog.give_room_back)
        left = now if now < left else 0  # no more can be given back now
    if asked:
        await (await context.opened_index()).optimize()


def _is_small(catalog: Catalog) -> bool:
    return catalog.unused_bytes() > 0 and catalog.used_bytes() <= WHOLE_BYTES
