"""One source through its decoder and the models: batches, results, and what to do when one dies.

An interrupted run goes on with the same segments as an uninterrupted one: the decoder repeats
itself, batches end at the same segments in every run (`groups`), and readers go on with what they
had buffered.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any

from omni_core.engine.decoder_death import decoder_error, may_try_again
from omni_core.engine.ingest.chapters import Chapters
from omni_core.engine.ingest.drawing import PageDrawing
from omni_core.engine.ingest.embedding import Embedded, Target, embed, end_group, end_source
from omni_core.engine.ingest.groups import Batch, Groups
from omni_core.engine.ingest.observed import Observed
from omni_core.engine.ingest.reached import Reached
from omni_core.engine.ingest.titles import title_segment
from omni_core.engine.session import ModelsDied, Session
from omni_core.engine.workers import Models
from omni_core.models.answers import ReadOptions
from omni_core.originals import Original
from omni_core.types import CutOptions, FileLength, FileWarning, Segment
from omni_core.worker import Worker, WorkerDied

log = logging.getLogger(__name__)

Sink = Callable[[Embedded], Awaitable[None]]
"""Awaited with each result, in order; what it was given is stored, or on its way, when it
returns."""


async def _nothing() -> None:
    return None


class Flow:
    """Cuts, reads and embeds one source; stores nothing."""

    def __init__(self, target: Target, models: Models, reached: Reached, *, size: int = 8) -> None:
        """Go on from `reached`, in batches of `size` segments."""
        self.reached = reached
        self.observed = Observed()
        self.spent: dict[str, float] = defaultdict(float)
        """Seconds per stage."""
        self._target, self._models, self._size = target, models, size
        self._drawing = PageDrawing(target.source)
        self._since: list[str] = []
        """Ids of the segments read since the last group. Not in `reached.done` yet: readers may
        still buffer their words, which are lost if the model worker dies."""
        self._in_step = False
        """Whether a step was begun and not ended: then the readers are ahead of what is stored."""

    async def run(
        self,
        cutter: Worker,
        file: Original,
        options: CutOptions,
        sink: Sink,
        *,
        stall_s: float,
        on_batch: Callable[[], Awaitable[None]] = _nothing,
        grace_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """Every result of the file to `sink`; `on_batch` is awaited after each batch.

        When the model worker dies, go on from the last group, once; so when the decoder is killed
        or crashes. When it dies of a page's picture, go on without that picture. Raises
        UnreadableError or TooLargeError for the file, UnavailableError (WORKER_DIED) for a decoder
        that was killed twice, ModelsDied for a second death, and what `sink` raises.

        A cancelled run ends at once, or makes what it is reading durable if that takes no longer
        than `grace_s()` seconds.
        """
        models_died = decoder_died = False
        while True:
            try:
                await self._run(cutter, file, options, sink, stall_s, on_batch, grace_s)
                return
            except ModelsDied as e:
                if models_died:
                    raise
                log.warning("%s", e)
                models_died = True
            except WorkerDied as e:
                first, decoder_died = not decoder_died and may_try_again(e), True
                if first and e.reason == "killed":  # hardly for the sake of a picture
                    log.warning("%s; going on in another", e)
                elif (given_up := self._drawing.after_death()) is not None:
                    log.warning("%s: %s", e, given_up or "trying the second PDF engine")
                    self.observed.warn(given_up)
                    undrawn, hung = self._drawing.undrawn(self.reached.done), self._drawing.hung()
                    options = replace(options, undrawn=undrawn, hung=hung)
                elif first:
                    log.warning("%s; going on in another", e)
                else:
                    raise decoder_error(e) from e
            self._since.clear()  # they are decoded and read again

    async def _run(
        self,
        cutter: Worker,
        file: Original,
        options: CutOptions,
        sink: Sink,
        stall_s: float,
        on_batch: Callable[[], Awaitable[None]],
        grace_s: Callable[[], float],
    ) -> None:
        source = self._target.source
        session = await self._models.session(source.id)
        try:
            await session.restore(self.reached.readers)
            stream = cutter.stream("decompose", file, source, options, stall_s=stall_s)
            await self._read(session, stream, sink, on_batch, grace_s)
            await self._step(self._end(session, sink), grace_s)
        except BaseException:  # what another run needs of it is in `reached`
            await session.abandon()
            raise

    async def _read(
        self,
        session: Session,
        stream: AsyncGenerator[Segment | FileWarning | FileLength, None],
        sink: Sink,
        on_batch: Callable[[], Awaitable[None]],
        grace_s: Callable[[], float],
    ) -> None:
        self.observed.limit = None  # that of an earlier run, which another need not reach
        try:
            async for batch in self._batches(stream):
                await self._step(self._take(session, batch, sink), grace_s)
                await on_batch()
        except asyncio.CancelledError:
            if grace_s() and self._since and not self._in_step:
                await _briefly(self._end_group(session, sink), grace_s())
            raise
        finally:
            await stream.aclose()

    async def _batches(
        self, stream: AsyncIterator[Segment | FileWarning | FileLength]
    ) -> AsyncIterator[Batch]:
        done, number = self.reached.done, self.reached.groups
        groups = Groups(self._target.source, size=self._size, done=done, number=number)
        started = time.perf_counter()
        async for item in stream:
            self.spent["cut"] += time.perf_counter() - started
            self.observed.saw(item)
            if isinstance(item, Segment) and item.content is not None:
                self._drawing.saw(item)
                if (batch := groups.take(item)) is not None:
                    yield batch
            started = time.perf_counter()
        if (batch := groups.end()) is not None:
            yield batch

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
        try:
            task.result()
        finally:
            del task  # its error holds this frame, and so the pixels of the step
        self._in_step = False

    async def _take(self, session: Session, batch: Batch, sink: Sink) -> None:
        chapters = self.observed.chapters
        await self._give(await embed(session, batch, self._target, chapters), sink)
        self._since += [segment.id for segment in batch.segments]
        if batch.ends_group:
            await self._end_group(session, sink)

    async def _end_group(self, session: Session, sink: Sink) -> None:
        await self._give(await end_group(session, *self._open_group()), sink)
        self._since.clear()

    async def _end(self, session: Session, sink: Sink) -> None:
        """What the readers have buffered; the whole title, as all that can be found of the file,
        where there is nothing else."""
        ended = await end_source(session, *self._open_group())
        source = self._target.source
        if not (self.reached.found or ended.findable) and (title := title_segment(source)):
            batch = Batch(ended.group, (title,), ReadOptions(), self.reached.at)
            whole = await embed(session, batch, self._target, self.observed.chapters)
            await self._give(replace(whole, replaces=self.reached.title), sink)
        await self._give(ended, sink)
        self._since.clear()

    def _open_group(self) -> tuple[int, list[str], Target, Chapters]:
        return self.reached.groups, self._since, self._target, self.observed.chapters

    def count(self, result: Embedded) -> None:
        """Note what a result took, and its warnings."""
        for stage, seconds in result.timings.items():
            self.spent[stage] += seconds
        self.observed.warn(*result.warnings)

    async def _give(self, result: Embedded, sink: Sink) -> None:
        self.count(result)
        await sink(result)
        self.reached.add(result)


async def _briefly(work: Awaitable[None], seconds: float) -> None:
    """Await work at most so long, then cancel it; its failure is logged."""
    task = asyncio.ensure_future(work)  # ended by this call
    if seconds:
        await asyncio.wait([task], timeout=seconds)
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning("while being stopped: %s", error)
