"""Long calls: progress notifications, and cancellation that lets the engine clean up."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from mcp.server.mcpserver import Context

from omni_core.tasks import heard, result_of
from omni_server.render.ingests import stage

if TYPE_CHECKING:
    from omni_core.engine.results import FolderStatus, IngestStatus

Result = TypeVar("Result")

ReportStatus = Callable[["IngestStatus | FolderStatus"], Awaitable[None]]

REPEAT_S = 4.0
"""Seconds between progress notifications at least: clients time out without them."""


@contextlib.asynccontextmanager
async def progress(ctx: Context[Any, Any]) -> AsyncIterator[ReportStatus]:
    """A progress callback; also repeats the last notification while the engine reports nothing."""
    last = 0.0
    message = "starting"

    async def send(value: float) -> None:
        nonlocal last
        last = max(value, last + 1e-4)  # the protocol wants every report above the one before
        await ctx.report_progress(last, None if last > 1 else 1.0, message)

    async def report(status: IngestStatus | FolderStatus) -> None:
        nonlocal message
        share, line = _share_and_message(status)
        message = line or message
        if share > last:
            await send(share)

    async def repeat() -> None:
        while True:
            await asyncio.sleep(REPEAT_S)
            await send(last)

    repeating = asyncio.create_task(repeat(), name="progress")  # owned by this block
    repeating.add_done_callback(heard)
    try:
        yield report
    finally:
        repeating.cancel()


def _share_and_message(status: IngestStatus | FolderStatus) -> tuple[float, str]:
    """Share done, 0 to 1, and a message; "" when there is none."""
    from omni_core.engine.results import IngestStatus  # loaded long before anything is ingested

    if isinstance(status, IngestStatus):
        return status.progress, f"{stage(status)}, {status.segments} segments"
    now = status.current
    if now is None:
        return status.progress, ""
    place = f"file {min(status.files_done + 1, status.files_total)} of {status.files_total}"
    more = f"; {len(status.beside)} more at the same time" if status.beside else ""
    return status.progress, f"{place}: {stage(now)}, {now.segments} segments{more}"


async def run_shielded(work: Coroutine[Any, Any, Result]) -> Result:
    """Await `work` in a task of its own, cancelled once when the caller is.

    The SDK's cancel scopes cancel a task again at each await until it ends, which would interrupt
    the engine's cleanup. Raises StoppedError when `work` was cancelled by anyone else.
    """
    task = asyncio.create_task(work, name="the work of this call")  # ended or cancelled below
    task.add_done_callback(heard)
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
