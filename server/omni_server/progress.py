"""Long calls: progress that keeps clients waiting, and cancellation that the engine survives."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from mcp.server.mcpserver import Context

from omni_core.tasks import result_of

if TYPE_CHECKING:
    from omni_core.engine.results import FolderStatus, IngestStatus

log = logging.getLogger(__name__)

Result = TypeVar("Result")

Tell = Callable[["IngestStatus | FolderStatus"], Awaitable[None]]

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

    async def tell(status: IngestStatus | FolderStatus) -> None:
        nonlocal message
        share, line = _told(status)
        message = line or message
        if share > last:
            await send(share)

    async def beat() -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            await send(last)

    beating = asyncio.create_task(beat(), name="progress")  # owned by this block
    beating.add_done_callback(_log_failure)
    try:
        yield tell
    finally:
        beating.cancel()


def _told(status: IngestStatus | FolderStatus) -> tuple[float, str]:
    """How much is done, 0 to 1, and a line about it; an empty one before there is anything."""
    from omni_core.engine.results import IngestStatus  # loaded long before anything is ingested

    if isinstance(status, IngestStatus):
        return status.progress, f"{status.stage or status.state}, {status.segments} segments"
    total, now = max(1, status.files_total), status.current
    if now is None:
        return status.files_done / total, ""
    place = f"file {min(status.files_done + 1, status.files_total)} of {status.files_total}"
    share = (status.files_done + now.progress) / total
    return share, f"{place}: {now.stage or now.state}, {now.segments} segments"


async def run_shielded(work: Coroutine[Any, Any, Result]) -> Result:
    """Await `work` in a task of its own, cancelled once when the caller is.

    The SDK's cancel scopes cancel a task again at each await until it ends, which would break
    into the engine's own tidying up. Raises StoppedError when `work` was cancelled by anyone else.
    """
    task = asyncio.create_task(work, name="the work of this call")  # ended or cancelled below
    task.add_done_callback(_log_failure)
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        task.cancel()
        raise
    return await result_of(task)


def cancelled_by_others() -> bool:
    """Within `except CancelledError`: whether it is not this task that is being cancelled.

    Such an error must not leave a request handler: the SDK takes it for the end of its own scope
    and closes the connection.
    """
    task = asyncio.current_task()
    return task is not None and not task.cancelling()


def _log_failure(task: asyncio.Task[Any]) -> None:
    """Log what a task that nobody awaits any more died of."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.debug("%s: %s", type(error).__name__, error)
