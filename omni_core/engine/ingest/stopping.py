"""Stopping what other processes of a library ingest: asked through the catalog that they share."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from typing import Any, cast

from omni_core.catalog import Catalog
from omni_core.codec import MalformedError, codec
from omni_core.engine.context import Context
from omni_core.engine.ingest import running
from omni_core.engine.ingest.folders import Folders
from omni_core.engine.ingest.jobs import Jobs
from omni_core.engine.ingest.running import Stopped
from omni_core.errors import OmniError, UnavailableError

log = logging.getLogger(__name__)

LOOK_S = 1.0
"""How often a process that ingests looks whether it is asked to stop."""
ANSWER_S = 20.0
"""How long it is waited for: longer than the end of an ingest may take."""
ASK_S = 0.2
_STOPPED = codec(Stopped)


async def stop_elsewhere(
    catalog: Catalog, paths: Sequence[str] | None, collections: Collection[str] | None = None
) -> Stopped:
    """Let every other process stop these files, and wait. Raises UnavailableError BUSY for one that
    does not answer: it stops as soon as it does."""
    keys = set(await asyncio.to_thread(catalog.ask_to_stop, paths, collections))
    stopped: list[Any] = []
    idle_since: dict[str, float] = {}
    now = asyncio.get_running_loop().time
    until = now() + ANSWER_S
    while keys and now() < until:
        answers, idle = await asyncio.to_thread(catalog.stop_answers, keys)
        stopped += [status for answer in answers.values() for status in _decoded(answer)]
        ended = {key for key in idle if now() - idle_since.setdefault(key, now()) > 2 * LOOK_S}
        if done := ended | answers.keys():
            await asyncio.to_thread(catalog.end_stops, done)
        keys -= done
        if keys:
            await asyncio.sleep(ASK_S)
    if keys and collections is None:  # others are not told of what they do not see
        raise UnavailableError(
            "another process that ingests this has not answered: it stands still, or is older; it "
            "was asked to stop, and does so as soon as it goes on",
            code="BUSY",
        )
    return tuple(stopped)


async def obey(context: Context, jobs: Jobs, folders: Folders) -> None:
    """Stop what other processes ask this one to stop, as long as it lives. Why it cannot look is
    told once, until it can again."""
    worked = told = False
    now = asyncio.get_running_loop().time
    idle_at = now()
    while True:
        await asyncio.sleep(LOOK_S)
        works = bool(jobs.live or folders.live)
        looks, worked = works or worked, works  # once more at the end: what comes later goes on
        if not looks:
            idle_at = now()
            continue
        try:  # what was asked before meant an earlier ingest, and its asker was killed
            found = await asyncio.to_thread(context.catalog.stops_asked, now() - idle_at)
            for key, asked in found.items():
                stopped = await running.stop(
                    context, jobs, folders, asked.get("paths"), False, asked.get("collections")
                )
                answer = _STOPPED.encode(stopped, [])
                await asyncio.to_thread(context.catalog.answer_stop, key, answer)
        except Exception as e:  # whatever it is: the next request is heard
            if not told:
                told = True
                trace = None if isinstance(e, OmniError) else e
                why = "this process cannot see whether it is asked to stop: %s"
                log.warning(why, e, exc_info=trace)
        else:
            told = False


def _decoded(answer: object) -> Stopped:
    """What a process said that it stopped; nothing where it is of another version."""
    try:
        return cast(Stopped, _STOPPED.decode(answer, []) if answer else ())
    except MalformedError as e:
        log.info("what another process stopped cannot be read: %s", e)
        return ()
