"""The ingest pipeline of one source: cut, read, embed, index; in bounded memory.

Ingest and re-index run the same pipeline with different checkpoint callbacks. After every
`CHECKPOINT` segments the index is flushed and the callback is awaited.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from omni_core.engine.ingest.points import to_points
from omni_core.engine.ingest.titles import TITLE_PART, informative_words
from omni_core.engine.workers import Models, ModelsDied
from omni_core.errors import OmniError, TooLargeError, UnreadableError
from omni_core.evidence import thumbnails
from omni_core.models.answers import Processed, ReadOptions
from omni_core.protocols import Index
from omni_core.types import (
    TITLE_ORIGIN,
    Channel,
    CutOptions,
    FileWarning,
    ImageContent,
    Modality,
    Segment,
    Source,
    TextContent,
    VideoContent,
)
from omni_core.worker import Worker, WorkerDied

log = logging.getLogger(__name__)

CHECKPOINT = 40
"""Segments of the decoder between two checkpoints. Fixed, so that an interrupted run gives the same
ids as an uninterrupted one: at each checkpoint readers flush their buffers."""
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
    done: set[str] = field(default_factory=set)
    """Ids of the decoder's segments that are durably indexed, by this run or an earlier one."""
    stored: set[str] = field(default_factory=set)
    """Ids of points in the index."""
    spent: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Seconds per stage."""
    warnings: list[str] = field(default_factory=list)
    at: float = 0.0
    """Position reached in the source: seconds, pages or characters."""
    _since_checkpoint: list[str] = field(default_factory=list)
    """Ids of the decoder's segments processed since the last checkpoint. Not in `done` yet: readers
    may still buffer their words, which are lost if the model worker dies."""

    def warn(self, *lines: str) -> None:
        """Add warnings, each once; empty ones are ignored."""
        for line in lines:
            if line and line not in self.warnings:
                self.warnings.append(line)

    @property
    def progress(self) -> float:
        """0 to 0.99 by media time or pages; 1 is reported once the catalog says ready."""
        source, at = self.source, self.at
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
    ) -> None:
        """Cut, read, embed and index the file at `path`.

        `on_batch` is awaited after each batch, `on_checkpoint` after each checkpoint. When the
        model worker dies, resume at the last checkpoint, once. Raises UnreadableError or
        TooLargeError for the file, ModelsDied for a second death, StoreError for the index.
        """
        try:
            await self._run(cutter, path, options, stall_s, on_batch, on_checkpoint)
        except ModelsDied as e:
            log.warning("%s", e)
            self._since_checkpoint.clear()  # they are decoded and read again
            await self._run(cutter, path, options, stall_s, on_batch, on_checkpoint)

    async def _run(
        self,
        cutter: Worker,
        path: str,
        options: CutOptions,
        stall_s: float,
        on_batch: Callable[[], Awaitable[None]],
        on_checkpoint: Callable[[], Awaitable[None]],
    ) -> None:
        stream = cutter.stream("decompose", path, self.source, options, stall_s=stall_s)
        reading = ReadOptions()
        count = 0
        try:
            async for batch in self._batches(stream):
                batch = [*self._title_segment(batch), *batch]
                if any(s.channel is Channel.SPEECH for s in batch):
                    reading = ReadOptions(
                        skip=AUDIO_READERS
                    )  # subtitles are better than speech recognition
                await self._store(await self.models.process(batch, reading))
                await self._save_thumbnails(batch)
                self._since_checkpoint += [s.id for s in batch]
                self.at = max(self.at, max(s.span.end for s in batch))
                count += len(batch)
                if count >= CHECKPOINT:
                    await self._checkpoint()
                    await on_checkpoint()
                    count = 0
                await on_batch()
        finally:
            await stream.aclose()
        await self._checkpoint()
        await on_checkpoint()

    async def _batches(
        self, stream: AsyncIterator[Segment | FileWarning]
    ) -> AsyncIterator[list[Segment]]:
        """Batches of segments; the image and the text of a page are in one batch.

        A batch ends where a checkpoint is due, so that checkpoints fall on the same segments in
        every run.
        """
        batch: list[Segment] = []
        yielded = since = 0
        started = time.perf_counter()
        async for segment in _decoded(stream):
            self.spent["cut"] += time.perf_counter() - started
            if isinstance(segment, FileWarning):
                self.warn(segment.message)
            elif segment.id not in self.done and segment.content is not None:
                size = FIRST_BATCHES[yielded] if yielded < len(FIRST_BATCHES) else self.batch
                paged = segment.span.axis == "page"
                same_page = paged and bool(batch) and batch[-1].span.overlaps(segment.span)
                if (len(batch) >= size or since >= CHECKPOINT) and not same_page:
                    yield batch
                    since = 0 if since >= CHECKPOINT else since
                    batch, yielded = [], yielded + 1
                batch.append(segment)
                since += 1
            started = time.perf_counter()
        if batch:
            yield batch

    def _title_segment(self, batch: list[Segment]) -> list[Segment]:
        """A segment with the source's title, at the span of the first segment; none after the
        first batch. A title often describes the content; audio without speech has no other text."""
        if (
            self.done
            or self._since_checkpoint
            or not (name := informative_words(self.source.title))
        ):
            return []
        first = batch[0]
        return [
            Segment(
                first.source_id, first.modality, Channel.TEXT, first.span, TextContent(name), name,
                TITLE_ORIGIN, part=TITLE_PART,
            )
        ]  # fmt: skip

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
        points = to_points(self.source, processed.encoded, self.collections, self.multi_vector)
        if not points:
            return
        started = time.perf_counter()
        await self.index.upsert(points)
        self.spent["index"] += time.perf_counter() - started
        self.stored.update(p.id for p in points)

    async def _checkpoint(self) -> None:
        await self._store(await self.models.flush(self.source.id))
        await self.index.flush()
        self.done.update(self._since_checkpoint)
        self._since_checkpoint.clear()


async def _decoded(
    stream: AsyncIterator[Segment | FileWarning],
) -> AsyncIterator[Segment | FileWarning]:
    try:
        async for segment in stream:
            yield segment
    except WorkerDied as e:
        raise decoder_error(e) from e


def decoder_error(e: WorkerDied) -> OmniError:
    """The error of a file whose decoder died."""
    if e.reason == "deadline":
        return TooLargeError(
            f"{e}: the file takes too long to decode; it may be damaged or built to hang decoders",
            code="TOO_LONG",
        )
    return UnreadableError(f"{e}: the file is damaged, or needs more memory than is allowed")
