"""The ingests that are under way in some collections."""

from __future__ import annotations

from collections.abc import Collection

from omni_core.collection_rights import CollectionRights
from omni_core.engine.ingest.begun import FolderRequest
from omni_core.engine.ingest.folders import Folders
from omni_core.engine.ingest.jobs import Jobs
from omni_core.engine.results import FolderStatus, IngestRequest, IngestStatus
from omni_core.files import Chosen


class JobsWithin(Jobs):
    """Shows, and stops, the ingests of single files into these collections."""

    def __init__(self, whole: Jobs, rights: CollectionRights) -> None:
        self._whole, self._rights = whole, rights

    async def stop(
        self, source_id: str, *, collections: Collection[str] | None = None
    ) -> list[IngestStatus]:
        """Cancel those of this source."""
        return await self._whole.stop(source_id, collections=self._rights.changed)

    async def stop_paths(
        self,
        paths: Chosen,
        *,
        unless_awaited: bool,
        collections: Collection[str] | None = None,
    ) -> list[IngestStatus]:
        """Cancel those of these files."""
        return await self._whole.stop_paths(
            paths, unless_awaited=unless_awaited, collections=self._rights.changed
        )

    @property
    def live(self) -> list[tuple[IngestRequest, IngestStatus]]:
        """Request and status of each."""
        return [(r, s) for r, s in self._whole.live if r.collection in self._rights.seen]

    @property
    def running(self) -> list[IngestStatus]:
        """The status of each."""
        return [status for _, status in self.live]


class FoldersWithin(Folders):
    """Shows, and stops, the ingests of sets of files into these collections."""

    def __init__(self, whole: Folders, rights: CollectionRights) -> None:
        self._whole, self._rights = whole, rights

    async def stop(
        self,
        paths: Chosen,
        *,
        unless_awaited: bool,
        collections: Collection[str] | None = None,
    ) -> list[FolderStatus]:
        """Cancel those of which every file is one of these."""
        return await self._whole.stop(
            paths, unless_awaited=unless_awaited, collections=self._rights.changed
        )

    @property
    def live(self) -> list[tuple[FolderRequest, FolderStatus]]:
        """Request and status of each."""
        return [(r, s) for r, s in self._whole.live if r.collection in self._rights.seen]

    @property
    def running(self) -> list[FolderStatus]:
        """The status of each."""
        return [status for _, status in self.live]
