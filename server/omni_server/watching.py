"""Watched folders of a running server: what happens to their files goes into the log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from omni_core.engine.api import EngineApi
from omni_core.settings import Settings
from omni_core.watch import Event, Watched, Watcher
from omni_core.watch.folders import watched
from omni_server.text import one_line

log = logging.getLogger(__name__)


async def watch(settings: Settings, engine: Callable[[], Awaitable[EngineApi]]) -> None:
    """Keep the folders of the settings current until cancelled."""
    folders = await asyncio.to_thread(_folders, settings)
    watcher = Watcher(
        engine, folders, _log, poll_s=settings.watch_poll_s or None,
        forget_days=settings.watch_forget_days,
    )  # fmt: skip
    await watcher.run()


def _folders(settings: Settings) -> tuple[Watched, ...]:
    return watched(settings.watch, roots=settings.root_paths, store=settings.store_path)


async def _log(event: Event) -> None:
    level = logging.WARNING if event.kind in ("away", "trouble") else logging.INFO
    log.log(level, "%s", line(event))


def line(event: Event) -> str:
    """An event as a line for people."""
    name = one_line(Path(event.path).name, 120)
    title, folder = one_line(event.title) or name, one_line(event.path)
    again = "" if event.retry_s is None else f"; again in {event.retry_s:g} s"
    error = f"{event.error_code}: {one_line(event.error, 600)}" if event.error_code else ""
    match event.kind:
        case "scan":
            missing = f", {event.missing:,} missing" if event.missing else ""
            return (
                f"looked at {folder}: {event.files:,} files, {event.new:,} to do{missing}"
                f" ({event.seconds or 0:.1f} s)"
            )
        case "working":
            return f"{event.stage} {name}, {event.progress:.0%}"
        case "ready":
            known = ", its bytes were in the library" if event.known else ""
            return f"ready     {title}  ({event.segments} segments{known})  {event.source_id}"
        case "renamed":
            old = one_line(Path(event.old).name, 120)
            return f"renamed   {old} is {name} now  {event.source_id}"
        case "back":
            return f"back      {title} is there again  {event.source_id}"
        case "failed":
            return f"failed    {name}: {error}{again}"
        case "passed_over":
            return f"skipped   {name}: {error}"
        case "gone":
            return f"gone      {name} is no longer there; it stays searchable  {event.source_id}"
        case "replaced":
            return f"replaced  what {name} held before is forgotten  {event.source_id}"
        case "forgotten":
            return f"forgot    {title}: its file is gone  {event.source_id}"
        case "away":
            return f"away      {folder} is empty or cannot be reached: its files are kept"
        case "trouble":
            return f"trouble   {error}{again}"
        case "polling":
            return (
                f"polling   {folder}: {one_line(event.error)}; "
                f"looking every {event.retry_s or 0:g} s"
            )
