"""The ingest pipeline of one source: cut, read, embed, index; in bounded memory.

Ingest and re-index run the same pipeline with different checkpoint callbacks. At a checkpoint the
readers' buffers are saved, the index is flushed and the callback is awaited. An interrupted run
goes on from there with the same segments as an uninterrupted one: the decoder repeats itself,
batches end at the same segments in every run, and readers go on with what they had buffered.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from omni_core.catalog.groups import StoredGroup
from omni_core.engine.ingest.chapters import Chapters
from omni_core.engine.ingest.drawing import PageDrawing
from omni_core.engine.ingest.emptiness import is_findable, why_empty
from omni_core.engine.ingest.points import to_points
from omni_core.engine.ingest.titles import title_segment
from omni_core.engine.speakers.said import Subtitles
from omni_core.engine.workers import Models, ModelsDied
from omni_core.errors import OmniError, TooLargeError, UnreadableError
from omni_core.evidence import thumbnails
from omni_core.models.answers import Processed, ReadOptions
from omni_core.protocols import Index
from omni_core.query import Filter, Ids
from omni_core.types import (
    Channel,
    CutOptions,
    FileLength,
    FileWarning,
    ImageContent,
    Modality,
    Segment,
    Source,
    SourceRow,
    VideoContent,
    Voices,
)
from omni_core.worker import Worker, WorkerDied

log = logging.getLogger(__name__)

CHECKPOINT = 40
"""Segments of the decoder after which there is a checkpoint."""
CHECKPOINT_S = 60.0
"""Seconds of the source after which there is one; after each window of sound that is read for
words, since reading 25 s of speech takes as long as all else of a minute."""
AUDIO_READERS = frozenset({"sound_tags"})
"""Readers of audio, which are skipped for a source with subtitles; speech recognition itself skips
what they cover."""
FIRST_BATCHES = (2, 4, 8)
"""Sizes of the first batches, in segments: small, so that the beginning of a long video can be
searched within seconds."""


@dataclass
class Pipeline:
    """One source being ingested into one index, and the state of that."""

    source: Source
    models: Models
    index: Index
    multi_vector: bool
    collections: tuple[str, ...]
    batch: int = 8
    thumbs: Path | None = None
    """The store's folder, in which thumbnails are saved; None to save none."""
    before: SourceRow | None = None
    """The source as an earlier ingest left it; what that stored stays until this one is through."""
    done: set[str] = field(default_factory=set)
    """Ids of the decoder's segments that are durably indexed, by this run or an earlier one."""
    stored: set[str] = field(default_factory=set)
    """Ids of points in the index."""
    spent: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Seconds per stage."""
    warnings: list[str] = field(default_factory=list)
    at: float = 0.0
    """Position reached in the source: seconds, pages or characters."""
    length_s: float | None = None
    """Seconds of the file as decoded, once it is read to its end."""
    readers: bytes = b""
    """The readers' buffers at the last checkpoint."""
    group: StoredGroup | None = None
    """What the last checkpoint made durable; None before the first of this run."""
    voices: Voices | None = None
    """Who spoke when, once all is read; None where nobody was told apart."""
    subtitles: Subtitles = field(default_factory=Subtitles)
    """The names in the subtitles."""
    _found: bool = False
    """Whether something in the file can be found, and not only its title."""
    _title: str = ""
    """Id of the title's segment, where there is one."""
    _cut: set[Channel] = field(default_factory=set)
    """Channels of the decoder's segments."""
    _pending_from: float | None = None
    """The second from which words are still buffered by a reader."""
    _checkpoint_at: float = 0.0
    _in_step: bool = False
    """Whether a step was begun and not ended: then the readers are ahead of what is stored."""
    _since_checkpoint: list[str] = field(default_factory=list)
    """Ids of the decoder's segments processed since the last checkpoint. Not in `done` yet: readers
    may still buffer their words, which are lost if the model worker dies."""
    _points_since: set[str] = field(default_factory=set)
    """Ids of points stored since the last checkpoint."""
    _groups: int = 0
    """Checkpoints so far, those of earlier runs too."""

    def __post_init__(self) -> None:
        self._drawing = PageDrawing(self.source)
        self._chapters = Chapters()

    def resume(
        self, state: Mapping[str, Any], groups: Iterable[StoredGroup], readers: bytes
    ) -> None:
        """Go on from a checkpoint: its `state`, all groups up to it, the `readers` of that time."""
        for group in groups:
            self.done.update(group.segments)
            self.stored.update(group.points)
        self._groups = int(state.get("groups", 0))
        self.at = self._checkpoint_at = float(state.get("at", 0.0))
        self._pending_from = state.get("pending_from")
        self._found = bool(state.get("found", self.stored))
        self._title = str(state.get("title", ""))
        self.readers = readers

    @property
    def state(self) -> dict[str, Any]:
        """What `resume` needs of the last checkpoint, besides groups and `readers`."""
        return {
            "groups": self._groups,
            "at": self._checkpoint_at,
            "pending_from": self._pending_from,
            "found": self._found,
            "title": self._title,
        }

    @property
    def empty(self) -> str:
        """Why nothing in the file can be found but its title, once all is read; "" where something
        can."""
        return "" if self._found else why_empty(self.source, self._cut)

    def warn(self, *lines: str) -> None:
        """Add warnings, each once; empty ones are ignored."""
        for line in lines:
            if line and line not in self.warnings:
                self.warnings.append(line)

    @property
    def progress(self) -> float:
        """0 to 0.99 by media time or pages of what is stored, words still to be read not counted;
        1 is reported once the catalog says ready."""
        source, at = self.source, self.at
        if self._pending_from is not None:
            at = min(at, self._pending_from)
        whole = source.duration_s if source.duration_s else float(source.pages or 0)
        if source.modality is Modality.DOCUMENT:
            at -= 1
        return max(0.0, min(0.99, at / whole)) if whole else 0.5

    async def run(
        self,
        cutter: Worker,
        path: str,
        options: CutOptions,
        *,
        stall_s: float,
        on_batch: Callable[[], Awaitable[None]],
        on_checkpoint: Callable[[], Awaitable[None]],
        grace_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """Cut, read, embed and index the file at `path`.

        `on_batch` is awaited after each batch, `on_checkpoint` after each checkpoint. When the
        model worker dies, resume at the last checkpoint, once. Raises UnreadableError or
        TooLargeError for the file, ModelsDied for a second death, StoreError for the index. When
        the decoder dies of a page's picture, go on without that picture.

        A cancelled run ends at once, or makes what it is reading durable if that takes no longer
        than `grace_s()` seconds.
        """
        models_died = False
        while True:
            try:
                await self._run(cutter, path, options, stall_s, on_batch, on_checkpoint, grace_s)
                return
            except ModelsDied as e:
                if models_died:
                    raise
                log.warning("%s", e)
                models_died = True
            except WorkerDied as e:
                given_up = self._drawing.after_death()
                if given_up is None:
                    raise decoder_error(e) from e
                log.warning("%s: %s", e, given_up or "trying the second PDF engine")
                if given_up:
                    self.warn(given_up)
                undrawn, hung = self._drawing.undrawn(self.done), self._drawing.hung()
                options = replace(options, undrawn=undrawn, hung=hung)
            self._since_checkpoint.clear()  # they are decoded and read again

    async def _run(
        self,
        cutter: Worker,
        path: str,
        options: CutOptions,
        stall_s: float,
        on_batch: Callable[[], Awaitable[None]],
        on_checkpoint: Callable[[], Awaitable[None]],
        grace_s: Callable[[], float],
    ) -> None:
        await self.models.restore(self.source.id, self.readers)
        stream = cutter.stream("decompose", path, self.source, options, stall_s=stall_s)
        reading = ReadOptions()
        try:
            async for batch in self._batches(stream):
                if any(s.channel is Channel.SPEECH for s in batch):
                    reading = ReadOptions(
                        skip=AUDIO_READERS
                    )  # subtitles are better than speech recognition
                left = [s for s in batch if s.id not in self.done]
                if not left:
                    continue
                await self._step(self._take(left, reading, on_checkpoint), grace_s)
                await on_batch()
        except asyncio.CancelledError:
            if grace_s() and self._since_checkpoint and not self._in_step:
                await _briefly(self._save(on_checkpoint), grace_s())
            raise
        finally:
            await stream.aclose()
        await self._step(self._end(on_checkpoint), grace_s)

    async def _step(self, work: Coroutine[Any, Any, None], grace_s: Callable[[], float]) -> None:
        """Await one step; when cancelled, let it end if that takes no longer than the grace."""
        self._in_step = True
        task = asyncio.ensure_future(work)  # ended by this call
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            await _briefly(task, grace_s())
            self._in_step = task.cancelled()
            raise
        task.result()
        self._in_step = False

    async def _take(
        self,
        batch: list[Segment],
        reading: ReadOptions,
        on_checkpoint: Callable[[], Awaitable[None]],
    ) -> None:
        """Read, embed and store one batch; then a checkpoint, where one is due."""
        first = not self.done and not self._since_checkpoint
        if first and (title := title_segment(self.source, batch[0].span)):
            self._title = title.id
            batch = [title, *batch]
        processed = await self.models.process(batch, reading)
        await self._store(processed)
        await self._save_thumbnails(batch)
        self._since_checkpoint += [s.id for s in batch]
        self.at = max([self.at, *(s.span.end for s in batch if _is_progress(s))])
        self._pending_from = processed.pending_from
        words = not reading.skip and any(s.channel is Channel.SOUND for s in batch)
        seconds = self.at - self._checkpoint_at if batch[0].span.axis == "second" else 0.0
        if words or len(self._since_checkpoint) >= CHECKPOINT or seconds > CHECKPOINT_S:
            await self._save(on_checkpoint)

    async def _save(self, on_checkpoint: Callable[[], Awaitable[None]]) -> None:
        """A checkpoint, with what the readers have buffered."""
        saved = await self.models.save(self.source.id)
        await self._store(saved.flushed)
        await self._checkpoint(saved.state, on_checkpoint)

    async def _end(self, on_checkpoint: Callable[[], Awaitable[None]]) -> None:
        """Read and store what the readers have buffered."""
        flushed = await self.models.flush(self.source.id)
        self.voices = flushed.voices
        await self._store(flushed)
        if not self._found:
            await self._store_whole_title()
        self._pending_from = None
        await self._checkpoint(b"", on_checkpoint)

    async def _store_whole_title(self) -> None:
        """The whole title, as all that can be found of the file, in place of its words."""
        if self._title:
            await self.index.delete(Filter(must=(Ids((self._title,)),)))
            self.stored.discard(self._title)
        if title := title_segment(self.source):
            self._title = title.id
            await self._store(await self.models.process([title], ReadOptions()))

    async def _batches(
        self, stream: AsyncIterator[Segment | FileWarning | FileLength]
    ) -> AsyncIterator[list[Segment]]:
        """Batches of segments, the same in every run; the image and the text of a page are in one
        batch, and a window of sound ends its batch."""
        batch: list[Segment] = []
        yielded = 0
        started = time.perf_counter()
        async for segment in stream:
            self.spent["cut"] += time.perf_counter() - started
            if isinstance(segment, FileWarning):
                self.warn(segment.message)
            elif isinstance(segment, FileLength):
                self.length_s = segment.seconds
            elif segment.content is not None:
                self._drawing.saw(segment)
                self._cut.add(segment.channel)
                self._chapters.saw(segment)
                self.subtitles.saw(segment)
                size = FIRST_BATCHES[yielded] if yielded < len(FIRST_BATCHES) else self.batch
                paged = segment.span.axis == "page"
                same_page = paged and bool(batch) and batch[-1].span.overlaps(segment.span)
                heard = bool(batch) and batch[-1].channel is Channel.SOUND
                if (len(batch) >= size or heard) and not same_page:
                    yield batch
                    batch, yielded = [], yielded + 1
                batch.append(segment)
            started = time.perf_counter()
        if batch:
            yield batch

    async def _save_thumbnails(self, batch: list[Segment]) -> None:
        store = self.thumbs
        if store is None:
            return
        for segment in batch:
            content = segment.content
            if isinstance(content, ImageContent | VideoContent):
                pixels = content.keyframe if isinstance(content, VideoContent) else content.pixels
                await asyncio.to_thread(
                    thumbnails.save, store, segment.source_id, segment.id, pixels
                )

    async def _store(self, processed: Processed) -> None:
        for stage, seconds in processed.timings.items():
            self.spent[stage] += seconds
        self.warn(*processed.warnings)
        encoded = self._chapters.name(processed.encoded)
        points = to_points(self.source, encoded, self.collections, self.multi_vector)
        if not points:
            return
        started = time.perf_counter()
        await self.index.upsert(points)
        self.spent["index"] += time.perf_counter() - started
        self.stored.update(p.id for p in points)
        self._points_since.update(p.id for p in points)
        self._found = self._found or any(map(is_findable, processed.encoded))

    async def _checkpoint(
        self, readers: bytes, on_checkpoint: Callable[[], Awaitable[None]]
    ) -> None:
        await self.index.flush()
        self.done.update(self._since_checkpoint)
        self.group = StoredGroup(
            self._groups, tuple(self._since_checkpoint), tuple(sorted(self._points_since))
        )
        self._groups += 1
        self._since_checkpoint.clear()
        self._points_since.clear()
        self.readers, self._checkpoint_at = readers, self.at
        await on_checkpoint()


def _is_progress(segment: Segment) -> bool:
    """False for what comes first and as a whole: a transcript beside the file, its tags and
    chapters."""
    timed = segment.span.axis == "second"
    return segment.channel is not Channel.SPEECH and not (timed and segment.channel is Channel.TEXT)


async def _briefly(work: Awaitable[None], seconds: float) -> None:
    """Await work at most so long, then cancel it; its failure is logged."""
    task = asyncio.ensure_future(work)  # ended by this call
    if seconds:
        await asyncio.wait([task], timeout=seconds)
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning("while being stopped: %s", error)


def decoder_error(e: WorkerDied) -> OmniError:
    """The error of a file whose decoder died."""
    if e.reason == "deadline":
        return TooLargeError(
            f"{e}: the file takes too long to decode; it may be damaged or built to hang decoders",
            code="TOO_LONG",
        )
    if e.reason == "killed":
        return TooLargeError(
            f"{e}: the file needs more memory than there is, if nobody stopped its decoder; make a "
            "smaller copy"
        )
    return UnreadableError(f"{e}: the file is damaged, or needs more memory than is allowed")
