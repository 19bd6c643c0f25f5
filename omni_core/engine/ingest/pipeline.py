"""Cut, read, embed, store: the stages that one source flows through, in bounded memory.

Ingest and re-index are the same flow with another ending. Every `CHECKPOINT` segments
everything so far is durable, and the flow tells its owner which pieces those are.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from omni_core.engine.context import Models, ModelsDied
from omni_core.engine.ingest.points import to_points
from omni_core.engine.ingest.titles import TITLE_PART, informative_words
from omni_core.errors import OmniError, TooLargeError, UnreadableError
from omni_core.evidence import thumbs
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
"""Segments of the cutter between two checkpoints. Fixed, so that a run that was cut off and a
run that was not make the same ids: readers let go of what they hold at each one."""
LISTENERS = frozenset({"speech", "sound_tags"})
"""Readers that a source with subtitles of its own does not need."""
FIRST_BATCHES = (2, 4, 8)
"""The first batches are small: a long film is searchable within seconds."""


@dataclass
class Pipeline:
    """One source on its way into one index."""

    source: Source
    models: Models
    index: Index
    multi_vector: bool
    collections: tuple[str, ...]
    batch: int = 8
    thumbs: Path | None = None
    """The store's folder, where a small picture of each shot and page is kept."""
    done: set[str] = field(default_factory=set)
    """Ids of cut segments that are durably in, from this run or an earlier one."""
    stored: set[str] = field(default_factory=set)
    """Ids of points in the index."""
    spent: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    warnings: list[str] = field(default_factory=list)
    at: float = 0.0
    """How far it is: seconds, pages or characters."""
    _since: list[str] = field(default_factory=list)

    def warn(self, *lines: str) -> None:
        """Note what a reader of the result must know, once."""
        for line in lines:
            if line and line not in self.warnings:
                self.warnings.append(line)

    @property
    def progress(self) -> float:
        """0 to 0.99; 1 is the catalog's to say."""
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
        moved: Callable[[], Awaitable[None]],
        durable: Callable[[], Awaitable[None]],
    ) -> None:
        """The whole way. `moved` is awaited after each batch, `durable` after each checkpoint.

        When the model worker dies on the way it goes on from the last checkpoint, once.
        """
        try:
            await self._run(cutter, path, options, stall_s, moved, durable)
        except ModelsDied as e:
            log.warning("%s", e)
            self._since.clear()
            await self._run(cutter, path, options, stall_s, moved, durable)

    async def _run(
        self,
        cutter: Worker,
        path: str,
        options: CutOptions,
        stall_s: float,
        moved: Callable[[], Awaitable[None]],
        durable: Callable[[], Awaitable[None]],
    ) -> None:
        stream = cutter.stream("decompose", path, self.source, options, stall_s=stall_s)
        reading = ReadOptions()
        count = 0
        try:
            async for batch in self._batches(stream):
                batch = [*self._titled(batch), *batch]
                if any(s.channel is Channel.SPEECH for s in batch):
                    reading = ReadOptions(skip=LISTENERS)  # subtitles beat listening
                await self._store(await self.models.process(batch, reading))
                await self._keep_thumbs(batch)
                self._since += [s.id for s in batch]
                self.at = max(self.at, max(s.span.end for s in batch))
                count += len(batch)
                if count >= CHECKPOINT:
                    await self._checkpoint()
                    await durable()
                    count = 0
                await moved()
        finally:
            await stream.aclose()
        await self._checkpoint()
        await durable()

    async def _batches(
        self, stream: AsyncIterator[Segment | FileWarning]
    ) -> AsyncIterator[list[Segment]]:
        """Segments in small lists; a page's picture and its words stay together.

        Each list crosses a checkpoint at most at its end, so that checkpoints fall on the same
        segments in every run.
        """
        batch: list[Segment] = []
        made = since = 0
        started = time.perf_counter()
        async for segment in _decoded(stream):
            self.spent["cut"] += time.perf_counter() - started
            if isinstance(segment, FileWarning):
                self.warn(segment.message)
            elif segment.id not in self.done and segment.content is not None:
                size = FIRST_BATCHES[made] if made < len(FIRST_BATCHES) else self.batch
                paged = segment.span.axis == "page"
                same_page = paged and bool(batch) and batch[-1].span.overlaps(segment.span)
                if (len(batch) >= size or since >= CHECKPOINT) and not same_page:
                    yield batch
                    since = 0 if since >= CHECKPOINT else since
                    batch, made = [], made + 1
                batch.append(segment)
                since += 1
            started = time.perf_counter()
        if batch:
            yield batch

    def _titled(self, batch: list[Segment]) -> list[Segment]:
        """The source's name as words of its first segment: people name files for what they are.

        A sound without speech has no other words at all.
        """
        if self.done or self._since or not (name := informative_words(self.source.title)):
            return []
        first = batch[0]
        return [
            Segment(
                first.source_id, first.modality, Channel.TEXT, first.span, TextContent(name), name,
                TITLE_ORIGIN, part=TITLE_PART,
            )
        ]  # fmt: skip

    async def _keep_thumbs(self, batch: list[Segment]) -> None:
        store = self.thumbs
        if store is None:
            return
        for segment in batch:
            content = segment.content
            if isinstance(content, ImageContent | VideoContent):
                pixels = content.keyframe if isinstance(content, VideoContent) else content.pixels
                await asyncio.to_thread(thumbs.keep, store, segment.source_id, segment.id, pixels)

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
        self.done.update(self._since)
        self._since.clear()


async def _decoded(
    stream: AsyncIterator[Segment | FileWarning],
) -> AsyncIterator[Segment | FileWarning]:
    try:
        async for segment in stream:
            yield segment
    except WorkerDied as e:
        raise died(e) from e


def died(e: WorkerDied) -> OmniError:
    """What a decoder's death says of the file that it was reading."""
    if "no answer within" in str(e):
        return TooLargeError(
            f"{e}: the file takes too long to decode; it may be damaged or built to hang decoders",
            code="TOO_LONG",
        )
    return UnreadableError(f"{e}: the file is damaged, or needs more memory than is allowed")
