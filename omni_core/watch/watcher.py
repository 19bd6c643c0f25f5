"""Keeps the library like the watched folders: looks, ingests, records what vanished."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from omni_core.engine.api import EngineApi
from omni_core.engine.results import FileNews, KnownFile
from omni_core.errors import OmniError, UnavailableError
from omni_core.file_calls import run, run_long
from omni_core.watch import disk
from omni_core.watch.events import Clock, Event, Report
from omni_core.watch.folders import Watched
from omni_core.watch.intake import Intake
from omni_core.watch.retention import forget_missing
from omni_core.watch.signals import listen
from omni_core.watch.state import Files

log = logging.getLogger(__name__)

RESCAN_S = 600.0
"""Seconds between looks through everything, for events that the system has dropped."""
POLL_S = 10.0
"""The same for folders without events."""
AWAY_S = 15.0
"""Seconds between looks at a folder that cannot be reached."""
TROUBLE_S = 15.0
"""Seconds before a library that failed is used again."""
BURST = 5_000
"""Events at once after which everything is looked through: the system may have dropped some."""
PAGE = 10_000


@dataclass
class _Folder:
    watched: Watched
    every_s: float
    """Seconds between looks through all of it."""
    scan_at: float = float("-inf")
    away: bool = False
    device: int = 0
    """Of the last scan; another one is another disk."""
    dirty: set[str] = field(default_factory=set)


async def _presence(folder: str) -> disk.Presence:
    """The state of a folder; one whose drive does not answer is away."""
    try:
        return await run(partial(disk.presence, folder), on=folder)
    except UnavailableError:
        return disk.Presence(False, True, 0)


class Watcher:
    """Watches folders until its task is cancelled.

    `engine` is awaited at each use, so that it may be another engine than before. Files go through
    it one at a time, and other ingests do not wait for them.
    """

    def __init__(
        self,
        engine: Callable[[], Awaitable[EngineApi]],
        folders: Sequence[Watched],
        report: Report,
        *,
        poll_s: float | None = None,
        forget_days: int = 0,
        again: bool = False,
        clock: Clock | None = None,
    ) -> None:
        """`poll_s`: look so often instead of waiting for events. `forget_days`: forget what has
        been gone for longer; 0 keeps it. `again`: try files again that could not be read before."""
        self._engine, self._report = engine, report
        self._folders = [_Folder(w, poll_s or RESCAN_S) for w in folders]
        self._files = Files(again=again)
        self._forget_days = forget_days
        self._clock = clock or Clock()
        self._intake = Intake(engine, self._files, report, self._clock)
        self._polled = poll_s is not None
        self._wake = asyncio.Event()
        self._turn = asyncio.Event()
        """Set when a file waits to be ingested."""

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as group:
            if not self._polled:
                paths = [f.watched.path for f in self._folders]
                group.create_task(
                    listen(paths, self.changed, self._poll), name="file system events"
                )
            group.create_task(self._keep(self._look_when_due), name="look at folders")
            group.create_task(self._keep(self._ingest_when_due), name="ingest watched files")

    async def once(self) -> None:
        """Bring the library up to date and return; what fails is not tried again."""
        self._intake.retries = False
        await self.look()
        while self.busy:
            while await self.ingest_next():
                pass
            await asyncio.sleep(max(0.0, min(self._files.next_due - self._clock.now(), 1.0)))
            await self.look()

    @property
    def busy(self) -> bool:
        """Whether something is to be looked at or ingested, now or later."""
        dirty = any(f.dirty for f in self._folders)
        return bool(dirty or self._files.left or self._files.missing)

    def changed(self, paths: Iterable[str]) -> None:
        """Something happened at these paths: look there."""
        count = 0
        for path in paths:
            count += 1
            for folder in self._folders:
                if folder.watched.holds(path):
                    folder.dirty.add(path)
        if count >= BURST:
            self.scan_soon()
        self._wake.set()

    def scan_soon(self) -> None:
        """Look through every folder next."""
        for folder in self._folders:
            folder.scan_at = float("-inf")
        self._wake.set()

    # ---- looking

    async def look(self) -> None:
        """Look at what is due, and record which files are gone."""
        try:
            for folder in self._folders:
                try:
                    await self._look_at(folder)
                except UnavailableError as e:
                    if e.code != "FILES_SLOW":
                        raise
                    await self._lose_sight(folder)
            if self._files.queued:
                self._turn.set()
        except BaseException:
            self.scan_soon()  # what was taken is found again
            raise

    async def _look_at(self, folder: _Folder) -> None:
        if folder.scan_at <= self._clock.now():
            await self._scan(folder)
        await self._look_at_changes(folder)
        await self._record_gone(folder)

    async def _lose_sight(self, folder: _Folder) -> None:
        """A drive does not answer any more, while other folders do."""
        await self._is_away(folder)
        folder.scan_at = self._clock.now() + AWAY_S

    async def _is_away(self, folder: _Folder) -> None:
        """Nothing of it is waited for: it is looked through when it is back."""
        if not folder.away:
            await self._report(Event("away", folder.watched.path, retry_s=AWAY_S))
        folder.away = True
        self._files.leave(folder.watched.path)

    async def _scan(self, folder: _Folder) -> None:
        path, started = folder.watched.path, self._clock.now()
        folder.dirty.clear()
        known = await self._known_files(folder.watched)
        if not await self._is_there(folder, sum(not k.gone for k in known)):
            folder.scan_at = started + AWAY_S
            return
        self._files.load(path, known)
        seen, new, absent = await run_long(partial(self._compare, folder.watched, known), on=path)
        self._files.seen(seen.files)
        self._saw(new, live=False)
        self._files.lost(absent, self._clock.now())
        folder.scan_at = started + folder.every_s
        await self._report(
            Event("scan", path, files=len(seen.files), new=len(new), missing=len(absent),
                  seconds=self._clock.now() - started)
        )  # fmt: skip
        if self._forget_days:
            engine = await self._engine()
            for row in await forget_missing(engine, folder.watched, self._forget_days):
                await self._report(Event("forgotten", row.uri, row.id, row.title))

    async def _known_files(self, watched: Watched) -> list[KnownFile]:
        engine = await self._engine()
        known: list[KnownFile] = []
        after = ""
        while True:
            page = await engine.known_files(
                watched.path, collection=watched.collection, after=after, limit=PAGE
            )
            known += page.files
            after = page.next_after
            if not after:
                return known

    async def _is_there(self, folder: _Folder, known: int) -> bool:
        """Whether the folder can be reached. An empty one of which files are known is taken for a
        mount point without its disk, unless it was seen with files on the same device."""
        now = await _presence(folder.watched.path)
        away = not now.there or (now.empty and known > 0 and now.device != folder.device)
        if away:
            await self._is_away(folder)
        else:
            folder.away, folder.device = False, now.device
        return not away

    async def _look_at_changes(self, folder: _Folder) -> None:
        watched = folder.watched
        paths, folder.dirty = folder.dirty, set()
        paths |= {p for p in self._files.due(self._clock.now()) if watched.holds(p)}
        if folder.away:
            return
        if watched.path in paths:  # the folder itself: it may have been mounted or renamed
            paths.discard(watched.path)
            folder.scan_at = float("-inf")
        seen = await run_long(
            partial(disk.look, paths, watched.path, watched.without), on=watched.path
        )
        self._saw(seen.files, live=True)
        self._files.lost(seen.absent, self._clock.now())

    def _compare(
        self, watched: Watched, known: Sequence[KnownFile]
    ) -> tuple[disk.Seen, dict[str, disk.FileStat], list[str]]:
        """What is in a folder, what of it is to be done, and what is absent. Blocks."""
        seen = disk.look([watched.path], watched.path, watched.without)
        new = {p: stat for p, stat in seen.files.items() if not self._files.is_done(p, stat)}
        unread = tuple(f + os.sep for f in seen.hidden)
        unseen = [k.path for k in known if not k.gone and k.path not in seen.files]
        absent = disk.absent(p for p in unseen if p not in seen.hidden and not p.startswith(unread))
        return seen, new, absent

    def _saw(self, files: Mapping[str, disk.FileStat], *, live: bool) -> None:
        now, wall = self._clock.now(), self._clock.wall()
        for path, stat in files.items():
            self._files.saw(path, stat, now=now, wall=wall, live=live)

    async def _record_gone(self, folder: _Folder) -> None:
        paths = [p for p in self._files.gone(self._clock.now()) if folder.watched.holds(p)]
        if not paths or folder.away:
            return
        now = await _presence(folder.watched.path)
        if not now.there or now.device != folder.device:
            folder.scan_at = float("-inf")
            for path in paths:
                self._files.missing.pop(path, None)
            return
        gone = await run_long(partial(disk.absent, paths), on=folder.watched.path)
        engine = await self._engine()
        noted = await engine.note_files(FileNews(gone=tuple(gone)))
        was_known = {path: self._files.known.get(path) for path in gone}
        for path in paths:
            self._files.missing.pop(path, None)
        for path, was in was_known.items():
            self._files.forget(path)
            if was is not None and was.source_id in noted.missing:
                await self._report(Event("gone", path, was.source_id))

    # ---- ingesting

    async def ingest_next(self) -> bool:
        """Ingest the file whose turn it is; False when none waits."""
        job = self._files.take()
        if job is None:
            return False
        folder = next(f for f in self._folders if f.watched.holds(job.path))
        known: KnownFile | None = None
        try:
            if await self._stat(folder, job.path) != job.stat:
                self.changed([job.path])
                return True
            known = await self._intake.ingest(job, folder.watched)
        except OmniError:
            self._files.retry(job, TROUBLE_S, self._clock.now())
            raise
        finally:
            if self._files.working is job:
                self._files.ended(job, known, self._clock.now())
        if await self._stat(folder, job.path) != job.stat:
            self.changed([job.path])
        return True

    async def _stat(self, folder: _Folder, path: str) -> disk.FileStat | None:
        """None for what is no file now, and where the drive does not answer: the folder is away
        then, and looked through when it is back."""
        try:
            return await run(partial(disk.stat_of, path), on=os.path.dirname(path))
        except UnavailableError as e:
            if e.code != "FILES_SLOW":
                raise
            await self._lose_sight(folder)
            return None

    # ---- running

    async def _look_when_due(self) -> None:
        self._wake.clear()
        await self.look()
        scan_at = min(f.scan_at for f in self._folders)
        left = min(self._files.next_due, scan_at) - self._clock.now()
        try:
            await asyncio.wait_for(self._wake.wait(), max(0.05, left))
        except TimeoutError:
            return

    async def _ingest_when_due(self) -> None:
        self._turn.clear()
        if not await self.ingest_next():
            await self._turn.wait()

    async def _keep(self, step: Callable[[], Awaitable[None]]) -> None:
        """Repeat a step for ever; after a failure, wait."""
        while True:
            try:
                await step()
            except OmniError as e:
                await self._report(
                    Event("trouble", "", error_code=e.code, error=str(e), retry_s=TROUBLE_S)
                )
                await asyncio.sleep(TROUBLE_S)
            except Exception:
                log.exception("watching failed; going on in %g s", TROUBLE_S)
                await asyncio.sleep(TROUBLE_S)

    async def _poll(self, path: str, reason: str) -> None:
        """Look through a folder without events at short intervals from now on."""
        for folder in self._folders:
            if folder.watched.path == path:
                folder.every_s = POLL_S
                folder.scan_at = min(folder.scan_at, self._clock.now() + POLL_S)
        self._wake.set()
        await self._report(Event("polling", path, error=reason, retry_s=POLL_S))
