"""What a server or a program asks of an engine, whichever way it reaches one.

`Engine` is the engine of this process. Code that serves callers takes `EngineApi`, so that an
engine elsewhere, or one that shows a part of the library, can stand in its place.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from omni_core.engine.changes import Listener
from omni_core.engine.ingest.folders import FolderProgress
from omni_core.engine.ingest.jobs import Progress
from omni_core.engine.results import (
    BackupStatus,
    Checked,
    FileNews,
    FilePage,
    FilePath,
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
from omni_core.types import BinnedSource

BackupProgress = Callable[[BackupStatus], Awaitable[None]]
VectorsProgress = Callable[[VectorsStatus], Awaitable[None]]


class EngineApi(Protocol):
    """The methods of `Engine` that callers use; arguments, results and errors as there."""

    async def close(self) -> None:
        """Release what this object holds; closing again does nothing."""

    def within(self, collections: Sequence[str]) -> EngineApi:
        """This engine for a caller with rights on these collections (`hr`, `public:read`)."""
        ...

    async def ingest(
        self,
        request: IngestRequest,
        *,
        wait_s: float | None = None,
        progress: Progress | None = None,
        grace_s: float = 0.0,
    ) -> IngestStatus:
        """Make one file searchable."""
        ...

    async def ingest_folder(
        self,
        paths: Sequence[FilePath],
        *,
        collection: str = "default",
        fast: bool = False,
        wait_s: float | None = None,
        progress: FolderProgress | None = None,
        grace_s: float = 0.0,
        links: bool = True,
    ) -> FolderStatus:
        """Make many files searchable, several at a time; `links`: as in `IngestRequest`."""
        ...

    async def stop(
        self, paths: Sequence[str] | None, *, unless_awaited: bool = False
    ) -> tuple[IngestStatus | FolderStatus, ...]:
        """Stop the ingests of these files, or (None) of all; what is stored stays."""
        ...

    async def resume(self, roots: Sequence[str]) -> tuple[str, ...]:
        """Go on with what was under way when the store was last closed."""
        ...

    async def warm(self) -> None:
        """Get ready what the first calls would wait for."""

    async def search(self, request: SearchRequest) -> SearchResult:
        """The moments that answer a query, or are similar to a reference or a file."""
        ...

    async def open_ref(self, request: OpenRequest) -> Opened:
        """The evidence behind a ref or a citation."""
        ...

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
        """A page of the library's sources."""
        ...

    async def read(
        self,
        source: str,
        *,
        start: float | None = None,
        end: float | None = None,
        cursor: str = "",
        max_words: int = 2000,
    ) -> ReadPage:
        """The words of a source in order."""
        ...

    async def check(self, ref: str, quote: str) -> Checked:
        """Whether the words of `quote` are where the citation `ref` says."""
        ...

    async def named(self, source: str) -> SourceRow:
        """The source with this id, path, or whole title: never part of one."""
        ...

    async def forget(self, source: str, *, now: bool = False) -> SourceRow:
        """Remove a source from the library, `now` for good; the file is not touched."""
        ...

    async def bin(self) -> tuple[BinnedSource, ...]:
        """What was forgotten and can be brought back."""
        ...

    async def restore_source(self, source: str) -> SourceRow:
        """Bring a forgotten source back."""
        ...

    async def empty_bin(self, source: str = "") -> int:
        """Delete one forgotten source for good, or all of them."""
        ...

    async def settle(self) -> bool:
        """Make a grown index quick to open again now, as a server does by itself when idle."""
        ...

    async def known_files(
        self, folder: str, *, collection: str = "default", after: str = "", limit: int = 10_000
    ) -> FilePage:
        """The files under a folder that were ingested or passed over."""
        ...

    async def note_files(self, news: FileNews) -> FilesNoted:
        """Record what became of files on disk."""
        ...

    async def export_vectors(
        self,
        path: FilePath,
        *,
        collection: str = "",
        thumbnails: bool = False,
        progress: VectorsProgress | None = None,
    ) -> VectorsStatus:
        """Write vectors, payloads and sources into a new folder, or one Parquet file."""
        ...

    async def import_vectors(
        self, path: FilePath, *, progress: VectorsProgress | None = None
    ) -> VectorsStatus:
        """Add the sources of such a folder or file."""
        ...

    async def back_up(
        self, path: FilePath, *, progress: BackupProgress | None = None
    ) -> BackupStatus:
        """Copy the library into a new folder."""
        ...

    async def speakers(self, source: str = "") -> tuple[SpeakersOf, ...]:
        """Who speaks in a source; with "" in every source that has a speaker with a name."""
        ...

    async def name_speaker(self, source: str, speaker: str, name: str) -> SpeakersOf:
        """Give a speaker of a source a name; "" takes it back."""
        ...

    async def find_speakers(self, source: str) -> SpeakersOf:
        """Listen again to a source that was read without telling its speakers apart."""
        ...

    async def kept_voices(self) -> tuple[KeptVoice, ...]:
        """The voices that are kept to recognise people in other files."""
        ...

    async def forget_voices(self, name: str = "") -> int:
        """Delete all kept voices, or those of one name; returns how many."""
        ...

    def on_change(self, listener: Listener) -> Callable[[], None]:
        """Await `listener(source_id)` at each change; returns a function that ends this."""
        ...

    async def status(self) -> dict[str, Any]:
        """Models, counts, running jobs and child processes."""
        ...
