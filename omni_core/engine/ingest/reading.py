"""Runs the pipeline of one file, in this process or on Ray, and reports how far it is."""

from __future__ import annotations

import asyncio
import functools
from dataclasses import replace

from omni_core.engine.context import Context
from omni_core.engine.ingest.on_ray import RayReaders
from omni_core.engine.ingest.pipeline import Pipeline
from omni_core.engine.ingest.run import Run
from omni_core.engine.results import IngestRequest
from omni_core.tasks import in_thread
from omni_core.types import CutOptions
from omni_core.worker import Worker

CLOSING_S = 1.5
"""How long an ingest may make what it is reading durable when the engine closes: clients that end
a server kill it after two seconds."""


async def _report_batch(run: Run, pipeline: Pipeline) -> None:
    await run.update(
        stage="reading",
        waiting_for="",
        progress=pipeline.progress,
        segments=len(pipeline.stored),
        warnings=pipeline.warnings,
        timings=pipeline.spent,
    )


def _cut_options(context: Context, request: IngestRequest) -> CutOptions:
    return replace(
        context.info.cut,
        fast=request.fast,
        password=request.password,
        transcript=request.transcript,
    )


async def run_on_ray(context: Context, run: Run, pipeline: Pipeline, readers: RayReaders) -> None:
    """Read the file of `run` on Ray, and store it here."""
    await run.update(stage="waiting", waiting_for="an actor on Ray")
    report = functools.partial(_report_batch, run, pipeline)
    options = _cut_options(context, run.request)
    await pipeline.run_on(readers, run.file, options, on_batch=report)


async def run_here(context: Context, run: Run, pipeline: Pipeline, cutter: Worker) -> None:
    """Read the file of `run` with a decoder and the models of this engine."""
    options = _cut_options(context, run.request)
    stall = context.settings.decode_stall_s
    status = await context.models.status()
    if "loading" in (status.encoder, status.readers):
        waiting_for = status.fetching or "the models, which are loading"
        await run.update(stage="waiting", waiting_for=waiting_for)
        await context.models.ready()
        await run.update(stage="cutting", waiting_for="")
    try:
        await pipeline.run(
            cutter,
            run.file,
            options,
            stall_s=stall,
            on_batch=functools.partial(_report_batch, run, pipeline),
            grace_s=lambda: CLOSING_S if context.closing else 0.0,
        )
    except asyncio.CancelledError:
        # A decoder checks for calls between segments only; do not wait for the next segment.
        await in_thread(cutter.kill)
        raise
