"""A decoder for one file: short files do not wait behind long ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from omni_core.engine.context import Context
from omni_core.engine.decoder_death import tried_twice
from omni_core.engine.ingest.run import Run
from omni_core.engine.lanes import Whose
from omni_core.types import MediaInfo, Modality
from omni_core.worker import Worker

SHORT_S = 60.0
SHORT_PAGES = 40
SHORT_BYTES = 2 << 20
"""Up to this length a recording, a paged and another document are short."""


@asynccontextmanager
async def decoder_for(context: Context, run: Run) -> AsyncIterator[tuple[Worker, MediaInfo]]:
    """A decoder that is the caller's alone, and what it says of the file.

    While every decoder is busy, one more is started for short files; it ends when the others are
    free. `run` says for whom it waits.
    """
    decoders, name, whose = context.decoders, Path(run.request.path).name, _whose(context, run)

    async def waiting(ahead: str) -> None:
        await run.update(stage="waiting", waiting_for=ahead)

    if run.request.watched:
        async with decoders.cutter(name, waiting, whose, watched=True) as worker:
            yield worker, await _probe(context, worker, run)
        return
    if not decoders.long.busy:
        async with decoders.cutter(name, None, whose) as worker:
            yield worker, await _probe(context, worker, run)
        return
    async with decoders.short.worker(name, waiting, whose) as worker:
        info = await _probe(context, worker, run)
        if _is_short(info, run.file.size):
            yield worker, info
            return
    await run.update(title=run.request.title or info.title, modality=info.modality)
    async with decoders.cutter(name, waiting, whose) as worker:
        await run.update(waiting_for="")
        yield worker, info


async def look_into(context: Context, run: Run) -> MediaInfo:
    """What a decoder says of the file, which another will cut."""
    async with context.decoders.cutter(
        Path(run.request.path).name, whose=_whose(context, run)
    ) as worker:
        return await _probe(context, worker, run)


def _whose(context: Context, run: Run) -> Whose:
    return Whose(context.settings.store, run.request.collection, context.within)


def _is_short(info: MediaInfo, size: int) -> bool:
    if info.modality is Modality.IMAGE:
        return True
    if info.modality is Modality.DOCUMENT:
        return info.pages <= SHORT_PAGES if info.pages else size <= SHORT_BYTES
    return info.duration_s is not None and info.duration_s <= SHORT_S


async def _probe(context: Context, worker: Worker, run: Run) -> MediaInfo:
    await run.update(stage="probing", waiting_for="")

    async def probe() -> MediaInfo:
        info: MediaInfo = await worker.call(
            "probe", run.file, run.request.password, deadline_s=context.settings.probe_s
        )
        return info

    return await tried_twice(probe)
