"""The engine: the only package that knows the order of the stages.

ingest:  media -> readers -> encoders -> index -> catalog
search:  encoders -> index -> retrieval -> evidence
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any

from omni_core import encoders, index
from omni_core.catalog import Catalog
from omni_core.engine import library
from omni_core.engine.context import MODEL_LOAD_S, PIPELINE, Context, Decoders, Models
from omni_core.engine.ingest.folders import FolderProgress, Folders
from omni_core.engine.ingest.jobs import Jobs, Progress
from omni_core.engine.ingest.reindex import Progress as ReindexProgress
from omni_core.engine.ingest.reindex import ReindexStatus, adopt, reindex
from omni_core.engine.opening import open_ref as opening
from omni_core.engine.results import (
    Checked,
    FolderStatus,
    IngestRequest,
    IngestStatus,
    Opened,
    OpenRequest,
    ReadPage,
    SearchRequest,
    SearchResult,
    SourcePage,
    SourceRow,
)
from omni_core.engine.search import search
from omni_core.errors import StoreError
from omni_core.models.answers import ModelStatus
from omni_core.settings import Settings
from omni_core.types import EncoderInfo

__all__ = ["Engine", "ReindexProgress", "ReindexStatus", "reindex"]

log = logging.getLogger(__name__)


IDLE_S = 120.0
"""A vacuum makes searches wait, so it comes after a pause of so long."""


class Engine:
    """Ingest files, answer questions, open evidence. Open one for each store."""

    def __init__(self, context: Context) -> None:
        """Use `Engine.open`."""
        self._context = context
        self._jobs = Jobs(context)
        self._folders = Folders(self._jobs)

    @classmethod
    async def open(cls, settings: Settings) -> Engine:
        """Take the store; quick: models and the index open in the background.

        Raises StoreError when another process holds the store, or when the index was filled by
        another model.
        """
        info = await asyncio.to_thread(encoders.describe, settings)
        catalog = await asyncio.to_thread(Catalog, settings.store_path)
        try:
            await _same_model(settings, catalog, info)
        except BaseException:
            await asyncio.to_thread(catalog.close)
            raise
        context = Context(
            settings, info, catalog, index.load(settings, info), Models(settings),
            Decoders(settings),
        )  # fmt: skip
        context.index_ready = asyncio.create_task(_open_index(context), name="open index")
        warm = asyncio.create_task(context.models.start(), name="start models")
        keep = asyncio.create_task(_housekeeping(context), name="housekeeping")
        for task in (context.index_ready, warm, keep):
            context.background.add(task)
            task.add_done_callback(_log_failure)
        return cls(context)

    async def close(self) -> None:
        """Stop jobs (they resume when asked for again), flush the index, end the children."""
        context = self._context
        await self._folders.close()
        await self._jobs.close()
        for task in list(context.background):
            if not task.done() and task is not context.index_ready:
                task.cancel()
        if context.index_ready is not None:
            await asyncio.wait([context.index_ready], timeout=30)
        await context.decoders.close()
        await context.models.close()
        await context.index.close()
        await asyncio.to_thread(context.catalog.close)

    async def __aenter__(self) -> Engine:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def ingest(
        self,
        request: IngestRequest,
        *,
        wait_s: float | None = None,
        progress: Progress | None = None,
    ) -> IngestStatus:
        """Make one file searchable; see `Jobs.ingest`."""
        return await self._jobs.ingest(request, wait_s=wait_s, progress=progress)

    async def ingest_folder(
        self,
        paths: Sequence[str],
        *,
        collection: str = "default",
        fast: bool = False,
        wait_s: float | None = None,
        progress: FolderProgress | None = None,
    ) -> FolderStatus:
        """Make many files searchable, one after another."""
        return await self._folders.ingest(
            list(paths), collection=collection, fast=fast, wait_s=wait_s, progress=progress
        )

    async def search(self, request: SearchRequest) -> SearchResult:
        """The moments that answer `query`, or that are like `ref` or `path`."""
        return await search.search(self._context, request)

    async def open_ref(self, request: OpenRequest) -> Opened:
        """The evidence behind a ref or a citation."""
        return await opening.open_ref(self._context, request)

    async def sources(
        self,
        *,
        match: str = "",
        when: str = "",
        collection: str = "",
        state: str = "",
        limit: int = 20,
        cursor: str = "",
    ) -> SourcePage:
        """A page of the library."""
        return await library.sources(
            self._context, match=match, when_text=when, collection=collection, state=state,
            limit=limit, cursor=cursor,
        )  # fmt: skip

    async def read(
        self,
        source: str,
        *,
        start: float | None = None,
        end: float | None = None,
        cursor: str = "",
        max_words: int = 2000,
    ) -> ReadPage:
        """A source's words in order."""
        return await library.read(
            self._context, source, start=start, end=end, cursor=cursor, max_words=max_words
        )

    async def check(self, ref: str, quote: str) -> Checked:
        """Whether a quote stands where a citation says."""
        return await library.check(self._context, ref, quote)

    async def forget(self, source: str) -> SourceRow:
        """Remove a source from the library; the file is not touched."""
        row = await search.one_source(self._context, source)
        await self._jobs.stop(row.id)
        return await library.forget(self._context, row.id)

    async def ready(self, timeout_s: float = MODEL_LOAD_S) -> ModelStatus:
        """Wait until the models are loaded and the index is open."""
        await self._context.opened_index()
        return await self._context.models.ready(timeout_s)

    async def status(self) -> dict[str, Any]:
        """Models, counts, running jobs and child processes, for people and health checks."""
        context = self._context
        models = await context.models.status()
        sources, segments = await asyncio.to_thread(context.catalog.totals, "")
        return {
            "encoder": {
                "name": context.info.name,
                "state": models.encoder,
                "dim": context.info.dim,
            },
            "readers": models.readers,
            "message": models.encoder_error,
            "warnings": list(models.warnings),
            "index": context.settings.index,
            "sources": sources,
            "segments": segments,
            "jobs": [{"path": j.path, "progress": j.progress} for j in self._jobs.running],
            "pids": {"models": context.models.pid, "decoders": context.decoders.pids},
            "pipeline": PIPELINE,
        }


async def _same_model(settings: Settings, catalog: Catalog, info: EncoderInfo) -> None:
    """Refuse a library of another model, unless a re-index to this one waits to be swapped in."""
    held = await asyncio.to_thread(catalog.get_meta, "fingerprint")
    if held == info.fingerprint:
        return
    sources, _ = await asyncio.to_thread(catalog.totals, "")
    if held is None or not sources:
        await asyncio.to_thread(catalog.set_meta, "fingerprint", info.fingerprint)
    elif not await adopt(settings, info, catalog):
        raise StoreError(
            f"this library was embedded with {held}, the settings say {info.fingerprint}; run "
            f"`omni-mcp reindex --encoder {settings.encoder}` to re-embed it, or use the former "
            "encoder",
            code="MODEL_MISMATCH",
        )


async def _open_index(context: Context) -> None:
    """Open the index; sources that the catalog calls complete in an index that lost them all
    are partial from now on, so that asking for them again brings them back."""
    await context.index.open()
    sources, segments = await asyncio.to_thread(context.catalog.totals, "")
    if segments and not await context.index.count():
        log.warning("the index is empty though the library has %d sources: ingest again", sources)
        await asyncio.to_thread(context.catalog.moved_to, context.info.fingerprint, ())


async def _housekeeping(context: Context) -> None:
    """Give back the space of deleted points when nobody has asked anything for a while."""
    while True:
        await asyncio.sleep(IDLE_S)
        if time.monotonic() - context.asked_at > IDLE_S and context.index_ready is not None:
            await asyncio.shield(context.index_ready)
            await context.index.optimize()


def _log_failure(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning("%s: %s", task.get_name(), error)
