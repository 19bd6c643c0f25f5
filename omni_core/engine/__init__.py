"""The engine: the only package that knows the order of the stages.

ingest:  media -> readers -> encoders -> index -> catalog
search:  encoders -> index -> retrieval -> evidence
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from omni_core import limits, read_only
from omni_core.collection_rights import CollectionRights
from omni_core.engine import bin, bin_limits, files, health, library
from omni_core.engine.api import EngineApi
from omni_core.engine.assembly import Assembled, assemble
from omni_core.engine.changes import Listener
from omni_core.engine.context import Context
from omni_core.engine.ingest import running
from omni_core.engine.ingest.begun import Record
from omni_core.engine.ingest.folders import FolderProgress, Folders
from omni_core.engine.ingest.jobs import Jobs, Progress
from omni_core.engine.ingest.on_ray import RayReaders
from omni_core.engine.ingest.reindex import Progress as ReindexProgress
from omni_core.engine.ingest.reindex import ReindexStatus, reindex
from omni_core.engine.ingest.resume import resume
from omni_core.engine.ingest.stopping import obey, stop_elsewhere
from omni_core.engine.moving.backup import Progress as BackupProgress
from omni_core.engine.moving.backup import back_up
from omni_core.engine.moving.copying import MigrationStatus
from omni_core.engine.moving.migrating import migrate
from omni_core.engine.moving.restoring import restore
from omni_core.engine.opening import open_ref
from omni_core.engine.refs import exact_source
from omni_core.engine.results import (
    BackupStatus,
    Checked,
    FileNews,
    FilePage,
    FilesNoted,
    FolderStatus,
    IngestRequest,
    IngestStatus,
    KeptVoice,
    Opened,
    OpenRequest,
    ReadPage,
    SearchRequest,
    SearchResult,
    SourcePage,
    SourceRow,
    SpeakersOf,
    VectorsStatus,
)
from omni_core.engine.search import ordered
from omni_core.engine.search.completeness import nothing_yet, with_completeness
from omni_core.engine.speakers import finding, naming, recognition
from omni_core.engine.vectors.exporting import Progress as VectorsProgress
from omni_core.engine.vectors.exporting import export_vectors
from omni_core.engine.vectors.importing import import_vectors
from omni_core.engine.workers import MODEL_LOAD_S
from omni_core.errors import BadRequestError, StoppedError
from omni_core.models.answers import Ahead, ModelStatus
from omni_core.settings import Settings
from omni_core.tasks import heard, result_of
from omni_core.types import BinnedSource

__all__ = [
    "BackupStatus",
    "Engine",
    "MigrationStatus",
    "ReindexProgress",
    "ReindexStatus",
    "migrate",
    "reindex",
    "restore",
]

MOST_PARTS = 64
"""Sets of rights whose calibration is kept; others are calibrated again."""


class Engine:
    """Ingest files, answer questions, open evidence. Open one for each store."""

    def __init__(
        self, context: Context, resources: AsyncExitStack, readers: RayReaders | None = None
    ) -> None:
        """Use `Engine.open`. `resources` closes what the context holds; `readers` read the files of
        ingests, where that is not this process."""
        self._opened = context
        self._resources = resources
        self._closing: asyncio.Task[None] | None = None
        self._parts: OrderedDict[CollectionRights, EngineApi] = OrderedDict()
        self._record = Record(context)
        self._readers = readers
        self._jobs = Jobs(context, self._record, readers)
        chosen = context.settings
        at_once = chosen.ray_actors if chosen.ray else chosen.decoders
        self._folders = Folders(self._jobs, context.tasks, self._record, at_once)

    @classmethod
    async def open(
        cls, settings: Settings, *, beside: Engine | None = None, ahead: Ahead = "all"
    ) -> Engine:
        """Lock the store and return; the index and the models of `ahead` (`all`, the `encoder`, or
        `nothing`) open in the background, other models when they are first needed.

        `beside` is an engine of the same models and limits, whose child processes serve this one
        as well; it must be closed later than this one.
        Raises StoreError when another process holds the store, or when the index was filled by
        another model; BadRequestError when the settings name no known encoder or index. A failed
        or cancelled call releases everything: the store can be opened again at once.
        """
        async with AsyncExitStack() as resources:
            host = Assembled(beside._context, beside._readers) if beside is not None else None
            context, readers = await assemble(settings, resources, host, ahead)
            engine = cls(context, resources.pop_all(), readers)
            if context.catalog.lease_s is not None and not context.settings.read_only:
                obeying = obey(context, engine._jobs, engine._folders)
                context.tasks.start(obeying, name="stop what others ask to stop")
            return engine

    async def close(self) -> None:
        """Stop jobs (ingesting a file again resumes it), flush the index, end the children.

        Everything is closed even if closing something raises; the error is raised at the end.
        Closing again does nothing.
        """
        if self._closing is None:
            self._opened.closing = True
            # A task of its own: a cancelled caller does not interrupt the closing.
            self._closing = asyncio.create_task(self._resources.aclose(), name="close the engine")
            self._closing.add_done_callback(heard)
        elif self._closing.done():
            return
        await result_of(self._closing)

    def within(self, collections: Sequence[str]) -> EngineApi:
        """This engine for a caller with rights on these collections: `hr`, or `public:read` where
        it may only read. It sees nothing of any other; see `engine.bounded.engine`.

        It is open as long as this one. Raises BadRequestError where none is named.
        """
        from omni_core.engine.bounded.engine import EngineWithin  # it is made of this class

        rights = CollectionRights.of(collections)
        part = self._parts.pop(rights, None) or EngineWithin(self, rights)
        self._parts[rights] = part
        if len(self._parts) > MOST_PARTS:
            self._parts.popitem(last=False)
        return part

    @property
    def _context(self) -> Context:
        if self._closing is not None:
            raise StoppedError("the engine is closed; open it again with Engine.open")
        return self._opened

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
        grace_s: float = 0.0,
    ) -> IngestStatus:
        """Make one file searchable; see `Jobs.ingest`."""
        read_only.refuse(self._context.settings)
        limits.check(
            path=request.path, title=request.title, collection=request.collection,
            transcript=request.transcript,
        )  # fmt: skip
        return await self._jobs.ingest(request, wait_s=wait_s, progress=progress, grace_s=grace_s)

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
        apart: bool = False,
    ) -> FolderStatus:
        """Make many files searchable, several at a time (`decoders`); see `Folders.ingest`."""
        read_only.refuse(self._context.settings)
        limits.check(collection=collection)
        return await self._folders.ingest(
            list(paths), collection=collection, fast=fast, wait_s=wait_s, progress=progress,
            grace_s=grace_s, links=links, apart=apart,
        )  # fmt: skip

    async def stop(
        self, paths: Sequence[str] | None, *, unless_awaited: bool = False
    ) -> tuple[IngestStatus | FolderStatus, ...]:
        """Stop the ingests of these files, of those in a folder that is named, or (None) of all,
        and of each set of files that holds no others; also those of other processes that share the
        library.

        With `unless_awaited` those of this process alone for which no other call waits. Returns
        the status of each that was stopped, once it has ended; none when nothing was under way.
        What is stored stays, and ingesting a file again goes on from there. Raises
        UnavailableError BUSY where another process has not answered.
        """
        context = self._context
        if paths is not None:
            paths = await asyncio.to_thread(running.with_links_resolved, paths)
        here = await running.stop(context, self._jobs, self._folders, paths, unless_awaited)
        if unless_awaited or context.settings.read_only:
            return here
        return (*here, *await self._stop_elsewhere(paths))

    async def _stop_elsewhere(self, paths: Sequence[str] | None) -> running.Stopped:
        return await stop_elsewhere(self._context.catalog, paths)

    async def resume(self, roots: Sequence[str]) -> tuple[str, ...]:
        """Go on, in the background, with what was under way when the store was last closed or
        its process was killed; not with what was stopped or cancelled. Returns the paths.

        Only files under `roots` or in the store are read. A file that is gone or has changed is
        left as it is, and its source says so in a warning.
        """
        if self._context.settings.read_only:
            return ()
        return await resume(self._context, self._record, self._jobs, self._folders, roots)

    async def warm(self) -> None:
        """Once the models are loaded, start what the first `open_ref` would wait for."""
        await self.ready()
        await self._context.decoders.warm()

    async def search(self, request: SearchRequest) -> SearchResult:
        """The moments that answer `query`, or that are similar to `ref` or `path`.

        While files are being ingested the result says how many; before the first segments are in
        it raises BadRequestError (NOT_READY).
        """
        limits.check(
            query=request.query, source=request.source, when=request.when, exclude=request.exclude,
            collection=request.collection, after=request.after, before=request.before,
            cursor=request.cursor, ref=request.ref, path=request.path,
        )  # fmt: skip
        limits.check_refs("not_like", request.not_like)
        pending = self._pending_files()
        try:
            result = await ordered.search(self._context, request)
        except BadRequestError as e:
            if e.code == "EMPTY_INDEX" and pending:
                raise nothing_yet(pending) from e
            raise
        return await with_completeness(self._context, request, result, pending)

    async def open_ref(self, request: OpenRequest) -> Opened:
        """The evidence behind a ref or a citation."""
        limits.check(ref=request.ref)
        return await open_ref.open_ref(self._context, request)

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
        """A page of the library's sources, and what is being ingested; see
        `library.list_sources`."""
        limits.check(match=match, when=when, collection=collection, state=state, cursor=cursor)
        page = await library.list_sources(
            self._context, match=match, when=when, collection=collection, state=state,
            limit=limit, cursor=cursor,
        )  # fmt: skip
        shown = not (cursor or when) and state in ("", "queued", "processing")
        live = running.ingests(self._jobs, self._folders, match, collection) if shown else ()
        lacks = () if cursor else await health.lacks(self._context)
        page = running.with_live_numbers(self._context, page, self._jobs, live)
        return replace(page, lacks=lacks)

    async def read(
        self,
        source: str,
        *,
        start: float | None = None,
        end: float | None = None,
        cursor: str = "",
        max_words: int = 2000,
    ) -> ReadPage:
        """The words of a source in order; see `library.read_source`."""
        limits.check(source=source, cursor=cursor)
        return await library.read_source(
            self._context, source, start=start, end=end, cursor=cursor, max_words=max_words
        )

    async def check(self, ref: str, quote: str) -> Checked:
        """Whether the words of `quote` are where the citation `ref` says."""
        limits.check(ref=ref, quote=quote)
        return await library.check_quote(self._context, ref, quote)

    async def named(self, source: str) -> SourceRow:
        """The source with this id, this whole path, or this whole title or file name if no other
        has it: what `forget` and `name_speaker` act on. Raises UNKNOWN_SOURCE or
        AMBIGUOUS_SOURCE."""
        limits.check(source=source)
        return await exact_source(self._context, source)

    async def forget(self, source: str, *, now: bool = False) -> SourceRow:
        """Remove a source from the library; the file is not touched. See `named` for `source`.

        It can be brought back for `bin_days` days (`restore_source`), unless it is to be deleted
        `now`.
        """
        read_only.refuse(self._context.settings)
        limits.check(source=source)
        row = await exact_source(self._context, source)
        return await library.forget_source(self._context, row.id, now=now, stop=self._jobs.stop)

    async def bin(self) -> tuple[BinnedSource, ...]:
        """What was forgotten and can be brought back, the newest first."""
        return tuple(await asyncio.to_thread(self._context.catalog.binned))

    async def restore_source(self, source: str) -> SourceRow:
        """Bring a forgotten source back: by its id, path or whole title. It is as it was; only
        the voices of its speakers are not kept again.

        Where the library has another model since, it is `partial`: ingest its file again. Raises
        UNKNOWN_SOURCE or AMBIGUOUS_SOURCE.
        """
        read_only.refuse(self._context.settings)
        limits.check(source=source)
        return await bin.restore(self._context, await bin.named_in_bin(self._context, source))

    async def empty_bin(self, source: str = "") -> int:
        """Delete one forgotten source for good, or all of them, and give their room back to the
        file system; returns how many."""
        read_only.refuse(self._context.settings)
        limits.check(source=source)
        gone = await self.bin()
        if source:
            gone = (await bin.named_in_bin(self._context, source),)
        count = await bin.delete(self._context, gone)
        await bin_limits.give_room_back(self._context, asked=True)
        return count

    async def settle(self) -> bool:
        """Vacuum the index, and settle what was ingested, where that is worth its time: a server
        does it when it was not used for two minutes. False where it was not, or could not be."""
        read_only.refuse(self._context.settings)
        return await (await self._context.opened_index()).optimize()

    async def known_files(
        self, folder: str, *, collection: str = "default", after: str = "", limit: int = 10_000
    ) -> FilePage:
        """The files under a folder that were ingested or passed over; see `files.known_files`."""
        return await files.known_files(self._context, folder, collection, after, limit)

    async def note_files(self, news: FileNews) -> FilesNoted:
        """Record what became of files on disk; see `files.note_files`."""
        read_only.refuse(self._context.settings)
        return await files.note_files(self._context, news)

    async def export_vectors(
        self,
        path: str,
        *,
        collection: str = "",
        thumbnails: bool = False,
        progress: VectorsProgress | None = None,
    ) -> VectorsStatus:
        """Write the vectors, payloads and sources of the library, or of one of its collections,
        into a new folder of Parquet and JSON, with `thumbnails` the small images too; or into one
        Parquet file, where `path` ends so. See `vectors.exporting`."""
        context = self._context
        index = await context.opened_index()
        return await export_vectors(
            context.catalog, index, context.info, Path(path), collection=collection,
            thumbs=context.settings.store_path if thumbnails else None, progress=progress,
        )  # fmt: skip

    async def import_vectors(
        self, path: str, *, progress: VectorsProgress | None = None
    ) -> VectorsStatus:
        """Add the sources of a folder or a file that `export_vectors` wrote, or a program that
        knows the model; see `vectors.importing`."""
        read_only.refuse(self._context.settings)
        return await import_vectors(self._context, Path(path), progress=progress)

    async def back_up(self, path: str, *, progress: BackupProgress | None = None) -> BackupStatus:
        """Copy the library into the new folder `path`; see `moving.backup`."""
        return await back_up(self._context, Path(path), progress=progress)

    async def speakers(self, source: str = "") -> tuple[SpeakersOf, ...]:
        """Who speaks in a source; with "" in every source that has a speaker with a name."""
        limits.check(source=source)
        return await naming.speakers_of(self._context, source)

    async def name_speaker(self, source: str, speaker: str, name: str) -> SpeakersOf:
        """Give a speaker of a source a name; see `naming.name_speaker`."""
        read_only.refuse(self._context.settings)
        limits.check(source=source, speaker=speaker, name=name)
        return await naming.name_speaker(self._context, source, speaker, name)

    async def find_speakers(self, source: str) -> SpeakersOf:
        """Tell the speakers of a source apart that was read before; see
        `finding.find_speakers`."""
        read_only.refuse(self._context.settings)
        limits.check(source=source)
        return await finding.find_speakers(self._context, source)

    async def kept_voices(self) -> tuple[KeptVoice, ...]:
        """The voices that are kept to recognise people in other files."""
        return await recognition.kept_voices(self._context)

    async def forget_voices(self, name: str = "") -> int:
        """Delete all kept voices, or those of one name; see
        `recognition.forget_voices`."""
        read_only.refuse(self._context.settings)
        limits.check(name=name)
        return await recognition.forget_voices(self._context, name)

    def _pending_files(self) -> int:
        """Files under way or waiting for their turn; a folder's current files count once."""
        folders = self._folders.running
        current = {file.path for f in folders for file in f.now}
        waiting = sum(f.files_total - f.files_done for f in folders)
        return waiting + sum(job.path not in current for job in self._jobs.running)

    def on_change(self, listener: Listener) -> Callable[[], None]:
        """Await `listener(source_id)` whenever a source becomes ready or partial, is renamed, or
        leaves the library. Returns a function that ends this."""
        return self._context.changes.listen(listener)

    async def ready(self, timeout_s: float = MODEL_LOAD_S) -> ModelStatus:
        """Wait until the models are loaded and the index is open."""
        await self._context.opened_index()
        return await self._context.models.ready(timeout_s)

    async def status(self) -> dict[str, Any]:
        """Models, index, counts, running jobs and child processes, for people and health checks;
        see `health.describe`."""
        running = self._jobs.running
        return {
            **await health.describe(self._context),
            "jobs": [
                {"path": j.path, "progress": j.progress, "stage": j.stage, "segments": j.segments}
                for j in running
            ],
            "files_pending": self._pending_files(),
            "files_queued": sum(j.state == "queued" for j in running),
        }
