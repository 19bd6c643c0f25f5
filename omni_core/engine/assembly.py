"""Opening a store: its lock, catalog and index, and the child processes of models and decoders."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import NamedTuple

from omni_core import encoders, index, read_only
from omni_core.engine import background
from omni_core.engine.context import Context
from omni_core.engine.index_opening import IndexOpening
from omni_core.engine.ingest.on_ray import RayReaders
from omni_core.engine.store import take_store
from omni_core.engine.workers import Decoders, Models
from omni_core.models.answers import Ahead
from omni_core.settings import Settings
from omni_core.tasks import TaskOwner
from omni_core.weights import cache


class Assembled(NamedTuple):
    """The parts of an open engine."""

    context: Context
    readers: RayReaders | None
    """They read the files of ingests, where that is not this process."""


async def assemble(
    settings: Settings, resources: AsyncExitStack, beside: Assembled | None, ahead: Ahead = "all"
) -> Assembled:
    """Lock the store and start what the engine needs; `resources` closes it.

    `beside` are the parts of an engine whose child processes serve this one as well; else the
    models of `ahead` are loaded in the background.
    """
    overlay = await asyncio.to_thread(read_only.overlaid, settings)
    if overlay is not None:
        resources.push_async_callback(asyncio.to_thread, overlay.close)
        settings = overlay.settings
    info = await asyncio.to_thread(encoders.describe, settings)
    catalog = await take_store(settings, info, resources)
    chosen = await asyncio.to_thread(index.load, settings, info)  # imports its package
    shared = settings.read_only and settings.index != "edge"  # an edge index is copied
    store_index = IndexOpening(chosen, catalog, mends=not shared)
    resources.push_async_callback(store_index.close)
    if beside is not None:
        models, decoders = beside.context.models, beside.context.decoders
    else:
        found = await asyncio.to_thread(cache.resolved, settings)
        models, decoders = Models(found, ahead, info), Decoders(settings)
        resources.push_async_callback(models.close)
        resources.push_async_callback(decoders.close)
    if beside is not None:
        readers = beside.readers
    elif readers := RayReaders(settings) if settings.ray else None:
        resources.push_async_callback(readers.close)
    tasks = TaskOwner("the engine")
    resources.push_async_callback(tasks.close)
    context = Context(settings, info, catalog, store_index, models, decoders, tasks)
    if beside is not None:  # readers in the shared worker know a source by its id alone
        context.source_locks = beside.context.source_locks
    store_index.start()
    if beside is None and ahead != "nothing":
        tasks.start(models.start(), name="start the models")
    background.start(context)
    return Assembled(context, readers)
