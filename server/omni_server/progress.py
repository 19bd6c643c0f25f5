"""Long calls: progress that keeps clients waiting, and cancellation that the engine survives."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from mcp.server.mcpserver import Context

log = logging.getLogger(__name__)

Result = TypeVar("Result")

Tell = Callable[[Any], Awaitable[None]]
"""Takes the engine's IngestStatus or FolderStatus."""

BEAT_S = 4.0
"""A sign of life at least this often: clients give up on silence."""


@contextlib.asynccontextmanager
async def progress(ctx: Context[Any, Any]) -> AsyncIterator[Tell]:
    """A progress callback, and a sign of life while the engine says nothing."""
    last = 0.0
    message = "starting"

    async def send(value: float) -> None:
        nonlocal last
        last = max(value, last + 1e-4)  # the protocol wants every report above the one before
        await ctx.report_progress(last, None if last > 1 else 1.0, message)

    async def tell(status: Any) -> None:
        nonlocal message
        at = getattr(status, "current", status)  # of a folder: the file in work
        share, of = (at.progress if at else 0.0), ""
        if at is not status:
            share = (status.files_done + share) / max(1, status.files_total)
            of = f"file {min(status.files_done + 1, status.files_total)} of {status.files_total}: "
        if at is not None:
            message = f"{of}{at.stage or at.state}, {at.segments} segments"
        if share > last:
            await send(share)

    async def beat() -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            await send(last)

    beating = asyncio.create_task(beat())
    beating.add_done_callback(_seen)
    try:
        yield tell
    finally:
        beating.cancel()


async def run_shielded(work: Coroutine[Any, Any, Result]) -> Result:
    """Await `work` in a task of its own, cancelled once when the caller is.

    The SDK's cancel scopes cancel a task again at each await until it ends, which would break
    into the engine's own tidying up.
    """
    task = asyncio.create_task(work)
    task.add_done_callback(_seen)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.cancel()
        raise


def _seen(task: asyncio.Task[Any]) -> None:
    """Log what a task that nobody awaits any more died of."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.debug("%s: %s", type(error).__name__, error)
