"""The ingest pipeline of one source, in one process and in bounded memory.

Three steps, each of which works elsewhere as it does here: the decoder's segments become batches
and groups (`groups`), each batch becomes points (`embedding`), these are stored (`commit`). `Flow`
drives the first two. Ingest and re-index run the same pipeline and note its groups differently.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from omni_core.catalog.groups import StoredGroup
from omni_core.engine.ingest.commit import Commit, Note
from omni_core.engine.ingest.embedding import Embedded, Target
from omni_core.engine.ingest.emptiness import why_empty
from omni_core.engine.ingest.flow import Flow
from omni_core.engine.ingest.on_ray import FileToRead, RayReaders
from omni_core.engine.ingest.reached import Reached
from omni_core.engine.workers import Models
from omni_core.originals import Original
from omni_core.protocols import Index
from omni_core.types import CutOptions, Modality, SourceRow
from omni_core.worker import Worker


class Pipeline:
    """One source being ingested into one index, and the state of that."""

    def __init__(
        self,
        target: Target,
        models: Models,
        index: Index,
        note: Note,
        *,
        batch: int = 8,
        thumbs: Path | None = None,
        before: SourceRow | None = None,
        resumed: tuple[Mapping[str, Any], Iterable[StoredGroup], bytes] = ({}, (), b""),
    ) -> None:
        """`note` is awaited with each durable group. `before`: the source as an earlier ingest left
        it; what that stored stays until this one is through. `resumed`: what the catalog noted of
        an unfinished one: its state, its groups, the readers' buffers."""
        self.source, self.before = target.source, before
        self._target, self._batch = target, batch
        state, groups, readers = resumed
        groups = tuple(groups)
        reached = Reached.noted(state, groups, readers) if state else Reached()
        stored = {id for group in groups for id in group.points}
        self.commit = Commit(target.source, index, thumbs, note, reached, stored)
        own = replace(reached, done=set(reached.done))
        self._flow = Flow(target, models, own, size=batch)
        self.warn = self._flow.observed.warn
        self.observed = self._flow.observed

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is to be known of the result so far."""
        return tuple(self.observed.warnings)

    @property
    def spent(self) -> dict[str, float]:
        """Seconds per stage."""
        return {**self._flow.spent, "index": self.commit.seconds}

    @property
    def stored(self) -> set[str]:
        """Ids of points in the index."""
        return self.commit.stored

    @property
    def empty(self) -> str:
        """Why nothing in the file can be found but its title, once all is read; "" where something
        can."""
        found = self.commit.reached.found
        return "" if found else why_empty(self.source, self.observed.channels)

    @property
    def duration_s(self) -> float | None:
        """Seconds of the file as it was decoded, once it is read to its end."""
        source, at = self.source, self.commit.reached.at
        if self.observed.length_s is not None:
            return self.observed.length_s
        timed = source.modality in (Modality.VIDEO, Modality.AUDIO)
        return at if timed and at > (source.duration_s or 0.0) else source.duration_s

    @property
    def progress(self) -> float:
        """0 to 0.99 by media time or pages of what is stored, words still to be read not counted;
        1 is reported once the catalog says ready."""
        source, reached = self.source, self.commit.reached
        at = reached.at if reached.pending_from is None else min(reached.at, reached.pending_from)
        whole = source.duration_s if source.duration_s else float(source.pages or 0)
        if source.modality is Modality.DOCUMENT:
            at -= 1
        return max(0.0, min(0.99, at / whole)) if whole else 0.5

    async def run(
        self,
        cutter: Worker,
        file: Original,
        options: CutOptions,
        *,
        stall_s: float,
        on_batch: Callable[[], Awaitable[None]],
        grace_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """Cut, read, embed and store the file; see `Flow.run`. Raises StoreError for the
        index."""
        await self._flow.run(
            cutter, file, options, self.commit.write, stall_s=stall_s, on_batch=on_batch,
            grace_s=grace_s,
        )  # fmt: skip

    async def run_on(
        self,
        readers: RayReaders,
        file: Original,
        options: CutOptions,
        *,
        on_batch: Callable[[], Awaitable[None]],
    ) -> None:
        """`run`, cut and embedded by others; what is stored is stored here."""

        async def store(result: Embedded) -> None:
            self._flow.count(result)
            await self.commit.write(result)
            await on_batch()

        reading = FileToRead(self._target, file, options, self._batch)
        self.observed.join(await readers.read(reading, lambda: self.commit.reached, store))
