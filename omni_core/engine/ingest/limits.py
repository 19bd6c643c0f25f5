"""Sources whose decoding a limit of the settings has ended: noted, and not read again in vain."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from omni_core.engine.context import Context
from omni_core.engine.ingest.pipeline import Pipeline
from omni_core.engine.ingest.run import Run
from omni_core.engine.results import IngestRequest
from omni_core.errors import OmniError, TooLargeError
from omni_core.ids import PIPELINE
from omni_core.settings import Settings
from omni_core.types import FileWarning

KEY = "limit"
"""Of the state that the catalog notes of an unfinished source: the setting, its value, the line."""


def error(limit: FileWarning) -> OmniError:
    """The limit as the error that an ingest ended with."""
    code = "TOO_LARGE" if limit.limit == "max_segments" else "TOO_LONG"
    return TooLargeError(limit.message, code=code)


def options(request: IngestRequest) -> list[object]:
    """What decides how a file is cut: another choice starts its ingest from the beginning."""
    return [request.fast, request.transcript]


async def note(context: Context, run: Run, pipeline: Pipeline) -> None:
    """Record which limit has ended the decoding of a source."""
    limit = pipeline.observed.limit
    if limit is not None:
        await asyncio.to_thread(
            context.catalog.progress,
            pipeline.source.sha256,
            resume={
                **pipeline.commit.reached.state,
                "options": options(run.request),
                KEY: [limit.limit, _value(context.settings, limit.limit), limit.message],
            },
        )


async def is_at_limit(context: Context, run: Run, sha256: str) -> bool:
    """Whether an earlier ingest of the same bytes was ended by a limit that is what it was. If so,
    report the source as partial: reading the file again would end at the same place."""
    row = await asyncio.to_thread(context.catalog.get, sha256)
    if row is None or row.state != "partial" or row.pipeline != PIPELINE:
        return False
    state = await asyncio.to_thread(context.catalog.resume_of, sha256)
    request = run.request
    unchanged = (
        row.model == context.info.fingerprint
        and state.get("options") == options(request)
        and request.collection in row.collections
        and run.file.path in await asyncio.to_thread(context.catalog.paths, sha256)
        and request.title in (None, row.title)
        and request.recorded_at in (None, row.recorded_at)
    )
    found = _noted(state, context.settings)
    if not unchanged or found is None:
        return False
    await run.update(
        state="partial", stage="done", progress=row.progress, source_id=row.id, title=row.title,
        modality=row.modality, segments=row.segments, duration_s=row.duration_s, pages=row.pages,
        recorded_at=row.recorded_at, recorded_at_from=row.recorded_at_from, warnings=row.warnings,
    )  # fmt: skip
    run.status = replace(run.status, failure=error(found))
    return True


def _noted(state: Mapping[str, Any], settings: Settings) -> FileWarning | None:
    match state.get(KEY):
        case [str(name), value, str(line)] if value == _value(settings, name):
            return FileWarning(line, limit=name)
    return None


def _value(settings: Settings, name: str) -> float:
    return float(getattr(settings, name, 0))
