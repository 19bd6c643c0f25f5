"""The engine of a caller with rights on some collections of a library.

Every method works on a context whose catalog and index hold nothing else, so that what a method
answers, counts or names, errors included, cannot be of another collection. What concerns the whole
library is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NoReturn

from omni_core import read_only
from omni_core.collection_rights import CollectionRights
from omni_core.engine import Engine, bin, bin_limits
from omni_core.engine.api import BackupProgress, EngineApi, VectorsProgress
from omni_core.engine.bounded.jobs import FoldersWithin, JobsWithin
from omni_core.engine.bounded.leaving import leave
from omni_core.engine.changes import Listener
from omni_core.engine.context import Context
from omni_core.engine.context_within import context_within
from omni_core.engine.ingest import running
from omni_core.engine.ingest.folders import FolderProgress
from omni_core.engine.ingest.jobs import Progress
from omni_core.engine.ingest.stopping import stop_elsewhere
from omni_core.engine.refs import exact_source
from omni_core.engine.results import (
    BackupStatus,
    FileNews,
    FilesNoted,
    FolderStatus,
    IngestRequest,
    IngestStatus,
    KeptVoice,
    SourceRow,
    SpeakersOf,
    VectorsStatus,
)
from omni_core.errors import RefusedError
from omni_core.tasks import result_of


class EngineWithin(Engine):
    """Made by `Engine.within`. What is ingested through it is kept for its collection alone."""

    def __init__(self, whole: Engine, rights: CollectionRights) -> None:
        context = whole._context
        self._whole, self._rights = whole, rights
        self._view = context_within(context, rights.seen)
        self._jobs = JobsWithin(whole._jobs, rights)
        self._folders = FoldersWithin(whole._folders, rights)

    @property
    def _context(self) -> Context:
        self._view.closing = self._whole._context.closing  # raises where it is closed
        return self._view

    async def close(self) -> None:
        """Nothing: the engine is closed by its owner."""

    def within(self, collections: Sequence[str]) -> EngineApi:
        """A part of this part. Raises RefusedError FORBIDDEN for more than that."""
        return self._whole.within(self._rights.narrowed(collections).written)

    async def ingest(
        self,
        request: IngestRequest,
        *,
        wait_s: float | None = None,
        progress: Progress | None = None,
        grace_s: float = 0.0,
    ) -> IngestStatus:
        """Make a file searchable in a collection that the caller may change; the default one stands
        for the first of these. Raises RefusedError FORBIDDEN for another one."""
        name = self._rights.to_change(request.collection)
        own = replace(request, collection=name, apart=True)
        return await self._whole.ingest(own, wait_s=wait_s, progress=progress, grace_s=grace_s)

    async def ingest_folder(
        self,
        paths: Sequence[str],
        *,
        collection: str = "default",
        fast: bool = False,
        wait_s: float | None = None,
        progress: FolderProgress | None = None,
        grace_s: float = 0.0,
        links: bool = True,
        apart: bool = True,
    ) -> FolderStatus:
        """As `ingest`, for many files."""
        return await self._whole.ingest_folder(
            paths, collection=self._rights.to_change(collection), fast=fast, wait_s=wait_s,
            progress=progress, grace_s=grace_s, links=links, apart=True,
        )  # fmt: skip

    async def resume(self, roots: Sequence[str]) -> tuple[str, ...]:
        """Nothing: the owner of the engine goes on with what was under way."""
        return ()

    async def _stop_elsewhere(self, paths: Sequence[str] | None) -> running.Stopped:
        return await stop_elsewhere(self._whole._context.catalog, paths, self._rights.changed)

    async def warm(self) -> None:
        """Get ready what the first calls would wait for."""
        await self._whole.warm()

    async def forget(self, source: str, *, now: bool = False) -> SourceRow:
        """Remove a source from the collections that the caller may change. Raises RefusedError
        FORBIDDEN for one in none of them."""
        row = await self._to_be_changed(source)
        again = partial(self._to_be_changed, row.id)
        whole = self._whole._context
        return await leave(whole, again, self._rights, now=now, stop=self._jobs.stop)

    async def restore_source(self, source: str) -> SourceRow:
        """Bring a source back that was forgotten and in no other collection."""
        entry = await bin.named_in_bin(self._changing(), source)
        return await bin.restore(self._whole._context, entry)

    async def empty_bin(self, source: str = "") -> int:
        """Delete such a source for good, or all of them."""
        context = self._changing()
        gone = tuple(await asyncio.to_thread(context.catalog.binned))
        if source:
            gone = (await bin.named_in_bin(context, source),)
        count = await bin.delete(self._whole._context, gone)
        await bin_limits.give_room_back(self._whole._context, asked=True)
        return count

    async def settle(self) -> bool:
        """Nothing: that is for the owner of the engine."""
        return False

    async def name_speaker(self, source: str, speaker: str, name: str) -> SpeakersOf:
        """Give a speaker of a source a name, for everyone who sees it."""
        row = await self._to_be_changed(source)
        return await super().name_speaker(row.id, speaker, name)

    async def find_speakers(self, source: str) -> SpeakersOf:
        """Tell the speakers of a source apart that was read before."""
        row = await self._to_be_changed(source)
        return await super().find_speakers(row.id)

    async def note_files(self, news: FileNews) -> FilesNoted:
        """Refused."""
        self._refuse("files of watched folders")

    async def export_vectors(
        self,
        path: str,
        *,
        collection: str = "",
        thumbnails: bool = False,
        progress: VectorsProgress | None = None,
    ) -> VectorsStatus:
        """Refused."""
        self._refuse("an export")

    async def import_vectors(
        self, path: str, *, progress: VectorsProgress | None = None
    ) -> VectorsStatus:
        """Refused."""
        self._refuse("an import")

    async def back_up(self, path: str, *, progress: BackupProgress | None = None) -> BackupStatus:
        """Refused."""
        self._refuse("a backup")

    async def kept_voices(self) -> tuple[KeptVoice, ...]:
        """Refused."""
        self._refuse("the voices that are kept")

    async def forget_voices(self, name: str = "") -> int:
        """Refused."""
        self._refuse("the voices that are kept")

    def on_change(self, listener: Listener) -> Callable[[], None]:
        """Await `listener(source_id)` at each change of what is visible, also when it ceases to
        be. Returns a function that ends this."""
        context = self._context
        seen = context.tasks.start(
            asyncio.to_thread(context.catalog.ids), name="what a listener sees"
        )

        async def visible(source_id: str) -> None:
            ids = await result_of(seen)
            row = await asyncio.to_thread(context.catalog.get, source_id)
            if row is not None:
                ids.add(source_id)
            elif source_id in ids:
                ids.remove(source_id)
            else:
                return
            await listener(source_id)

        return super().on_change(visible)

    async def status(self) -> dict[str, Any]:
        """That of the engine, for what is visible; nothing of the processes, which serve all."""
        found = await super().status()
        return found | {
            "restarts": dict.fromkeys(found["restarts"], 0),
            "pids": {"models": None, "decoders": []},
        }

    async def _to_be_changed(self, source: str) -> SourceRow:
        read_only.refuse(self._context.settings)
        row = await exact_source(self._context, source)
        held = await asyncio.to_thread(self._context.catalog.collections_of, row.sha256)
        if set(held).isdisjoint(self._rights.changed):
            raise RefusedError(
                f"{row.id} is in {', '.join(map(repr, held))}, which this caller may only read",
                code="FORBIDDEN",
            )
        return row

    def _changing(self) -> Context:
        """The context of what may be changed alone."""
        read_only.refuse(self._context.settings)
        if not self._rights.changed:
            raise RefusedError(f"this caller may only read {self._rights}", code="FORBIDDEN")
        return context_within(self._whole._context, self._rights.changed)

    def _refuse(self, what: str) -> NoReturn:
        raise RefusedError(
            f"{what} concern the whole library, and this caller has rights on {self._rights}",
            code="FORBIDDEN",
        )
