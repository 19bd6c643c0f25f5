"""The calls of the model worker that read one source: all of them in one process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self

from omni_core.errors import UnavailableError
from omni_core.models.answers import Processed, ReadOptions, SavedReaders
from omni_core.types import Segment, Voices
from omni_core.worker import Bound, Worker, WorkerDied


class ModelsDied(UnavailableError):
    """The model worker died during an ingest, and the words that its readers buffered are lost:
    the ingest resumes at its last checkpoint."""

    code = "WORKER_DIED"


class Session:
    """The calls that read one source, which depend on each other: the readers hold words of it, and
    these are lost with their process. Then every call raises ModelsDied, also where another process
    runs by then."""

    def __init__(self, source_id: str, models: Bound) -> None:
        self._source, self._models = source_id, models

    @classmethod
    async def begun(cls, source_id: str, models: Worker) -> Self:
        """A session of the process that runs now, or is started for it. Raises ModelsDied."""
        with _as_models_died():
            return cls(source_id, await models.bound())

    async def restore(self, state: bytes) -> None:
        """Before the first `process`: the saved buffers, b"" for none."""
        await self._call("restore", self._source, state)

    async def process(self, segments: list[Segment], options: ReadOptions) -> Processed:
        """Read and embed one batch of evidence."""
        processed: Processed = await self._call("process", segments, options)
        return processed

    async def save(self) -> SavedReaders:
        """The readers' buffers, for `restore` in this or another process."""
        saved: SavedReaders = await self._call("save", self._source)
        return saved

    async def flush(self) -> Processed:
        """The words that readers buffer, embedded."""
        processed: Processed = await self._call("flush", self._source)
        return processed

    async def listen(self, segments: list[Segment]) -> None:
        """Hear who speaks in these segments, and nothing else."""
        await self._call("listen", self._source, segments)

    async def voices(self) -> Voices | None:
        """Who spoke in what was heard; the session ends with that."""
        found: Voices | None = await self._call("voices", self._source)
        return found

    async def abandon(self) -> None:
        """Nothing of the source follows: the readers give up what they hold of it. Does not wait
        for that, and raises nothing where their process is gone."""
        with suppress(WorkerDied):
            await self._models.tell("restore", self._source, b"")

    async def _call(self, method: str, *args: Any) -> Any:
        with _as_models_died():
            return await self._models.call(method, *args)


@contextmanager
def _as_models_died() -> Iterator[None]:
    try:
        yield
    except WorkerDied as e:
        raise ModelsDied(f"{e}; ask again to go on where it stopped") from e
