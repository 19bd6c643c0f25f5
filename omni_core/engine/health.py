"""Whether an engine can answer, and what it is at, for health checks and people."""

from __future__ import annotations

import asyncio
from typing import Any

from omni_core.catalog.moved import is_moved
from omni_core.catalog.query import OUTDATED
from omni_core.engine.context import Context
from omni_core.errors import OmniError, cause
from omni_core.ids import PIPELINE

LOOK_S = 0.2
"""How long a list of sources waits for the models to say what they lack."""
OPENING_S = 0.5
REACH_S = 2.0
"""How long the index may take to say how much it holds."""


async def describe(context: Context) -> dict[str, Any]:
    """Models, index, counts and child processes. Waits for neither models nor index to load.

    `outdated`: sources that an older version read, which `ingest` reads again.
    `waits_for`: why a question could not be answered now, in words; empty when it could.
    """
    models = await context.models.status()
    sources, segments = await asyncio.to_thread(context.catalog.totals, "")
    outdated = await asyncio.to_thread(context.catalog.count, state=OUTDATED)
    waits_for = await _index_problem(context) or await _catalog_problem(context)
    if models.encoder == "loading":
        waits_for = waits_for or models.fetching or "the models are loading"
    elif models.encoder != "ready":
        waits_for = waits_for or f"the encoder {context.info.name} is {models.encoder}"
    return {
        "encoder": {"name": context.info.name, "state": models.encoder, "dim": context.info.dim},
        "readers": models.readers,
        "message": models.encoder_error,
        "warnings": list(models.warnings),
        "index": context.settings.index,
        "sources": sources,
        "segments": segments,
        "outdated": outdated,
        "waits_for": waits_for,
        "restarts": {"models": context.models.restarts, "decoders": context.decoders.restarts},
        "pids": {"models": context.models.pid, "decoders": context.decoders.pids},
        "pipeline": PIPELINE,
    }


async def lacks(context: Context) -> tuple[str, ...]:
    """One line for each part of the models that is not installed; none while that is not known,
    which is no reason to load them."""
    if not context.models.asked:
        return ()
    asked = context.tasks.start(context.models.status(), name="ask the models what they lack")
    await asyncio.wait([asked], timeout=LOOK_S)
    known = asked.done() and not asked.cancelled() and asked.exception() is None
    return asked.result().lacks if known else ()


async def _catalog_problem(context: Context) -> str:
    moved = await asyncio.to_thread(is_moved, context.catalog)
    return "the library has left this catalog for another one" if moved else ""


async def _index_problem(context: Context) -> str:
    opening = context.index.start()
    await asyncio.wait([opening], timeout=OPENING_S)  # one that fails, fails at once
    if not opening.done():
        return "the index is opening"
    try:
        async with asyncio.timeout(REACH_S):
            await (await context.index.opened()).count()
    except TimeoutError:
        return f"the index gave no answer within {REACH_S:g} s"
    except OmniError as e:
        return f"the index cannot be used: {cause(e)}"
    return ""
