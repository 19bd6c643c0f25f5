"""File to points: hash, probe, cut, read, embed, store; then, last, the catalog says so.

A crash anywhere leaves only things that the next run overwrites: ids are facts, the catalog row
moves last, and every `CHECKPOINT` segments it notes which pieces of the file are durably in.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import stat as stat_module
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from omni_core.engine.model_service import Processed, ReadOptions
from omni_core.engine.parts import PIPELINE, Parts
from omni_core.engine.points import source_filter, to_points
from omni_core.engine.results import IngestRequest, IngestStatus
from omni_core.errors import NotFoundError, OmniError, TooLargeError, UnreadableError
from omni_core.types import Channel, CutOptions, MediaInfo, Modality, Segment, Source
from omni_core.worker import Worker, WorkerDied

log = logging.getLogger(__name__)

CHECKPOINT = 40
"""Segments of the cutter between two checkpoints. Fixed, so that a run that was cut off and a
run that was not make the same ids: readers let go of what they hold at each one."""
BATCHES = (2, 4, 8)
"""The first batches are small: a long film is searchable within seconds."""

Report = Callable[[IngestStatus], Awaitable[None]]


@dataclass
class _Run:
    """The state of one ingest; `status` is what callers see."""

    request: IngestRequest
    status: IngestStatus
    report: Report
    source: Source | None = None
    done: set[str] = field(default_factory=set)
    """Ids of cut segments that were stored by an earlier run."""
    since: list[str] = field(default_factory=list)
    """Ids of cut segments stored since the last checkpoint."""
    spent: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    warnings: list[str] = field(default_factory=list)
    stored: set[str] = field(default_factory=set)
    at: float = 0.0

    async def tell(self, **changes: object) -> None:
        self.status = replace(self.status, **changes)  # type: ignore[arg-type]
        await self.report(self.status)

    def warn(self, *lines: str) -> None:
        for line in lines:
            if line and line not in self.warnings:
                self.warnings.append(line)


async def ingest_file(parts: Parts, request: IngestRequest, report: Report) -> IngestStatus:
    """Run the whole way for one file; returns its last status.

    A file that cannot be read ends as `failed` with its one line; only the caller's own
    cancellation and a broken store are raised.
    """
    run = _Run(request, IngestStatus(request.path, "processing", stage="hashing"), report)
    started = time.perf_counter()
    try:
        await _ingest(parts, run)
    except asyncio.CancelledError:
        if run.source is not None:
            await asyncio.shield(_suspend(parts, run, "CANCELLED", "ingest was cancelled"))
        raise
    except OmniError as e:
        await _failed(parts, run, e)
    run.spent["total"] = time.perf_counter() - started
    await run.tell(timings=dict(run.spent))
    return run.status


async def _ingest(parts: Parts, run: _Run) -> None:
    request = run.request
    path = Path(request.path)
    await run.report(run.status)
    stat = await _stat(path, parts.settings.max_file_mb)
    known = await asyncio.to_thread(
        parts.catalog.by_path, str(path), size=stat.st_size, mtime_ns=stat.st_mtime_ns
    )
    started = time.perf_counter()
    sha256 = known or await hash_file(path)
    run.spent["hash"] = time.perf_counter() - started
    if await _already(parts, run, sha256, path, stat):
        return
    async with parts.decoders.cutter() as cutter:
        await run.tell(stage="probing")
        info: MediaInfo = await _decode(
            cutter.call("probe", str(path), request.password, deadline_s=parts.settings.probe_s)
        )
        run.warn(*info.warnings)
        run.source = _source(path, sha256, stat, info, request)
        await _begin(parts, run, run.source, stat)
        await _cut_read_embed(parts, run, run.source, cutter)
    await _finish(parts, run, run.source)


async def _stat(path: Path, max_mb: int) -> os.stat_result:
    try:
        stat = await asyncio.to_thread(path.stat)
    except OSError as e:
        raise NotFoundError(f"no file at {path}: {e.strerror or e}; check the path") from e
    if not stat_module.S_ISREG(stat.st_mode):
        raise UnreadableError(f"{path.name} is not a regular file", code="UNSUPPORTED_TYPE")
    if stat.st_size == 0:
        raise UnreadableError(f"{path.name} is empty (0 bytes); ingest the complete file")
    if stat.st_size > max_mb << 20:
        raise TooLargeError(
            f"{path.name} has {stat.st_size >> 20} MB, the limit is {max_mb} MB; "
            "raise max_file_mb or cut the file"
        )
    return stat


async def hash_file(path: Path) -> str:
    """The sha256 of a file's bytes, off the event loop."""

    def work() -> str:
        digest = hashlib.sha256()
        with path.open("rb") as f:
            while block := f.read(1 << 20):
                digest.update(block)
        return digest.hexdigest()

    try:
        return await asyncio.to_thread(work)
    except OSError as e:
        raise NotFoundError(f"{path.name} cannot be read: {e.strerror or e}") from e


async def _already(parts: Parts, run: _Run, sha256: str, path: Path, stat: os.stat_result) -> bool:
    """The same bytes are complete: note the path and the collection, do nothing else."""
    row = await asyncio.to_thread(parts.catalog.get, sha256)
    if row is None or row.state != "ready" or row.pipeline != PIPELINE:
        return False
    catalog, request = parts.catalog, run.request
    seen_at = row.uri
    await asyncio.to_thread(
        catalog.add_path, sha256, str(path), size=stat.st_size, mtime_ns=stat.st_mtime_ns
    )
    if request.collection not in row.collections:
        index = await parts.opened_index()
        collections = [*row.collections, request.collection]
        await index.set_payload(source_filter(row.id), {"collections": collections})
        await asyncio.to_thread(catalog.add_collection, sha256, request.collection)
    await run.tell(
        state="ready",
        stage="done",
        progress=1.0,
        already=True,
        source_id=row.id,
        title=row.title,
        modality=row.modality,
        segments=row.segments,
        duration_s=row.duration_s,
        pages=row.pages,
        recorded_at=row.recorded_at,
        recorded_at_from=row.recorded_at_from,
        warnings=row.warnings,
        duplicate_of="" if seen_at == str(path) else seen_at,
    )
    return True


def _source(
    path: Path, sha256: str, stat: os.stat_result, info: MediaInfo, request: IngestRequest
) -> Source:
    return Source(
        sha256=sha256,
        uri=str(path),
        title=request.title or info.title or path.stem,
        modality=info.modality,
        mime=info.mime,
        size=stat.st_size,
        duration_s=info.duration_s,
        pages=info.pages,
        recorded_at=request.recorded_at or info.recorded_at,
        recorded_at_from="caller" if request.recorded_at else info.recorded_at_from,
    )


async def _begin(parts: Parts, run: _Run, source: Source, stat: os.stat_result) -> None:
    resume = await asyncio.to_thread(
        parts.catalog.begin,
        source,
        collection=run.request.collection,
        mtime_ns=stat.st_mtime_ns,
        model=parts.info.fingerprint,
        pipeline=PIPELINE,
    )
    run.done = set(resume.get("done", ())) if resume.get("pipeline") == PIPELINE else set()
    index = await parts.opened_index()
    if not run.done:
        await index.delete(source_filter(source.id))  # what an older pipeline may have left
    else:
        run.stored = set(resume.get("stored", ()))
    await run.tell(
        source_id=source.id,
        title=source.title,
        modality=source.modality,
        duration_s=source.duration_s,
        pages=source.pages,
        recorded_at=source.recorded_at,
        recorded_at_from=source.recorded_at_from,
        stage="cutting",
        warnings=tuple(run.warnings),
    )


async def _cut_read_embed(parts: Parts, run: _Run, source: Source, cutter: Worker) -> None:
    request = run.request
    options: CutOptions = replace(
        parts.info.cut,
        fast=request.fast,
        password=request.password,
        transcript=request.transcript,
    )
    stall = parts.settings.decode_stall_s
    stream = cutter.stream("decompose", request.path, source, options, stall_s=stall)
    reading = ReadOptions()
    count = 0
    try:
        async for batch in _batches(run, stream):
            if any(s.channel is Channel.SPEECH for s in batch):
                reading = replace(reading, speech=False)  # subtitles are better than listening
            await _store(parts, run, source, await parts.models.process(batch, reading))
            run.since += [s.id for s in batch]
            run.at = max(run.at, max(s.span.end for s in batch))
            count += len(batch)
            if count >= CHECKPOINT:
                await _checkpoint(parts, run, source)
                count = 0
            await run.tell(
                stage="reading",
                progress=_progress(source, run.at),
                segments=len(run.stored),
                warnings=tuple(run.warnings),
                timings=dict(run.spent),
            )
    finally:
        await stream.aclose()
    await _checkpoint(parts, run, source)


async def _batches(run: _Run, stream: AsyncIterator[Segment]) -> AsyncIterator[list[Segment]]:
    """Segments in small lists; a page's picture and its words stay together.

    Each list crosses a checkpoint at most at its end, so that checkpoints fall on the same
    segments in every run.
    """
    batch: list[Segment] = []
    made = since = 0
    started = time.perf_counter()
    async for segment in _decoded(stream):
        run.spent["cut"] += time.perf_counter() - started
        if warning := segment.extra.get("warning"):
            run.warn(str(warning))
        if segment.id not in run.done and segment.content is not None:
            size = BATCHES[min(made, len(BATCHES) - 1)]
            new_page = bool(batch) and not batch[-1].span.overlaps(segment.span)
            paged = segment.span.axis == "page"
            if (len(batch) >= size or since >= CHECKPOINT) and (new_page or not paged):
                yield batch
                since = 0 if since >= CHECKPOINT else since
                batch, made = [], made + 1
            batch.append(segment)
            since += 1
        started = time.perf_counter()
    if batch:
        yield batch


async def _decoded(stream: AsyncIterator[Segment]) -> AsyncIterator[Segment]:
    try:
        async for segment in stream:
            yield segment
    except WorkerDied as e:
        raise _died(e) from e


async def _decode(call: Awaitable[MediaInfo]) -> MediaInfo:
    try:
        return await call
    except WorkerDied as e:
        raise _died(e) from e


def _died(e: WorkerDied) -> OmniError:
    if "no answer within" in str(e):
        return TooLargeError(
            f"{e}: the file takes too long to decode; it may be damaged or built to hang decoders",
            code="TOO_LONG",
        )
    return UnreadableError(f"{e}: the file is damaged, or needs more memory than is allowed")


async def _store(parts: Parts, run: _Run, source: Source, processed: Processed) -> None:
    for stage, seconds in processed.timings.items():
        run.spent[stage] += seconds
    run.warn(*processed.warnings)
    row_collections = await asyncio.to_thread(parts.catalog.collections_of, source.sha256)
    points = to_points(source, processed.encoded, row_collections, parts.info.multi_vector)
    if not points:
        return
    started = time.perf_counter()
    index = await parts.opened_index()
    await index.upsert(points)
    run.spent["index"] += time.perf_counter() - started
    run.stored.update(p.id for p in points)


async def _checkpoint(parts: Parts, run: _Run, source: Source) -> None:
    """Everything so far is durable; the catalog notes it, so that no later run does it again."""
    await _store(parts, run, source, await parts.models.flush(source.id))
    index = await parts.opened_index()
    await index.flush()
    run.done.update(run.since)
    run.since.clear()
    await asyncio.to_thread(
        parts.catalog.progress,
        source.sha256,
        progress=_progress(source, run.at),
        segments=len(run.stored),
        warnings=tuple(run.warnings),
        resume={"pipeline": PIPELINE, "done": sorted(run.done), "stored": sorted(run.stored)},
    )


def _progress(source: Source, at: float) -> float:
    whole = source.duration_s if source.duration_s else float(source.pages or 0)
    if source.modality is Modality.DOCUMENT:
        at -= 1
    return min(0.99, at / whole) if whole else 0.5


async def _finish(parts: Parts, run: _Run, source: Source) -> None:
    duration = source.duration_s
    if source.modality in (Modality.VIDEO, Modality.AUDIO) and run.at > (duration or 0.0):
        duration = run.at
    if not run.stored:
        run.warn("nothing in it could be made searchable: no words, and no sound model is loaded")
    await asyncio.to_thread(
        parts.catalog.finish,
        source.sha256,
        state="ready",
        segments=len(run.stored),
        duration_s=duration,
        warnings=tuple(run.warnings),
        timings=dict(run.spent),
    )
    await run.tell(
        state="ready",
        stage="done",
        progress=1.0,
        segments=len(run.stored),
        duration_s=duration,
        warnings=tuple(run.warnings),
    )


async def _failed(parts: Parts, run: _Run, error: OmniError) -> None:
    """One line about one file. What was stored before stays searchable, and says `partial`."""
    if run.source is not None and run.stored:
        await _suspend(parts, run, error.code, str(error))
        return
    if run.source is not None:
        await asyncio.to_thread(
            parts.catalog.fail, run.source.sha256, error_code=error.code, error=str(error)
        )
    await run.tell(
        state="failed",
        stage="done",
        error_code=error.code,
        error=str(error),
        warnings=tuple(run.warnings),
    )


async def _suspend(parts: Parts, run: _Run, code: str, message: str) -> None:
    assert run.source is not None  # noqa: S101 - callers hold it
    await asyncio.to_thread(
        parts.catalog.finish,
        run.source.sha256,
        state="partial",
        segments=len(run.stored),
        warnings=(*run.warnings, f"{code}: {message}"),
        timings=dict(run.spent),
    )
    run.status = replace(
        run.status,
        state="partial",
        stage="done",
        segments=len(run.stored),
        error_code=code,
        error=message,
        warnings=tuple(run.warnings),
    )
