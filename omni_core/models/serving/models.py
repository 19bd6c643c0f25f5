"""The models of a worker, and the steps of reading that it does for others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from omni_core import readers
from omni_core.encoders.remote.member import Description, mark_of
from omni_core.encoders.remote.offer import ReadingOffer
from omni_core.encoders.remote.refusals import BUSY
from omni_core.errors import BadRequestError, OmniError, UnavailableError
from omni_core.models.answers import Processed, ReadOptions
from omni_core.models.loading import LoadingModels
from omni_core.models.reading import LocalReading
from omni_core.models.remote.wire import MAX_STATE, Done, Step
from omni_core.protocols import Encoder, Reranker
from omni_core.settings import Settings
from omni_core.types import Samples


class WorkerModels:
    """The encoder, the readers and the reranker, loading from the start."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._models = LoadingModels(settings, handing_over=True)
        self._reading = LocalReading(self._models)
        self._busy: set[str] = set()
        """Sources of which a step is being done."""
        self._freed = threading.Condition()
        self._described: Description | None = None

    def encoder(self) -> Encoder:
        """Raises UnavailableError (BUSY) while loading, or with the reason of the failure."""
        if self._models.status().encoder == "loading":
            raise UnavailableError("the model is loading; ask again in some seconds", code=BUSY)
        return self._models.encoder()

    def reranker(self) -> Reranker:
        """Waits until it is loaded; raises UnavailableError when there is none."""
        return self._models.reranker()

    def described(self) -> Description:
        """What embeds and reads here. Raises UnavailableError (BUSY) while anything loads."""
        info = self.encoder().info
        status = self._models.status()
        if status.readers == "loading":
            raise UnavailableError("the readers are loading; ask again in some seconds", code=BUSY)
        if self._described is None:
            models = {r.name: r.model for r in readers.describe(self._settings)}
            loaded = [r.name for r in self._models.readers().loaded]
            missing = {r.name: (r.loss, r.why) for r in status.unloaded}
            offer = ReadingOffer({name: models[name] for name in loaded}, missing)
            self._described = Description(info, offer, mark_of(info, offer))
        return self._described

    def step(self, step: Step) -> Done:
        """Do one step of reading; nothing of the source is kept."""
        self.described()
        with self._alone(step.source_id):
            try:
                self._restore(step)
                processed = self._do(step)
                saved = self._reading.save(step.source_id)
                processed, state = _and(processed, saved.flushed), saved.state
            finally:
                self._reading.restore(step.source_id, b"")
        if len(state) > MAX_STATE:
            raise OmniError(
                f"the readers' buffers of {step.source_id} have {len(state) >> 20} MB, more than "
                f"the {MAX_STATE >> 20} MB that a worker may send: read it without encoder_url"
            )
        return Done(processed, state)

    def transcribe(self, samples: Samples) -> str:
        """The words of a spoken question."""
        self.described()
        return self._reading.transcribe(samples)

    def _do(self, step: Step) -> Processed:
        reading, source = self._reading, step.source_id
        if step.kind == "process":
            return reading.process(step.segments, ReadOptions(step.skip), step.urgent)
        if step.kind == "flush":
            return reading.flush(source)
        if step.kind == "listen":
            reading.listen(source, step.segments)
            return Processed(())
        return Processed((), voices=reading.voices(source))

    def _restore(self, step: Step) -> None:
        try:
            self._reading.restore(step.source_id, step.state)
        except Exception as e:  # they come from elsewhere, and each reader has its own
            raise BadRequestError(
                f"the readers' buffers cannot be read ({type(e).__name__}): install the same "
                "omni-mcp on both machines"
            ) from e

    @contextmanager
    def _alone(self, source_id: str) -> Iterator[None]:
        """One step of a source at a time: two servers may read the same file."""
        with self._freed:
            while source_id in self._busy:
                self._freed.wait()
            self._busy.add(source_id)
        try:
            yield
        finally:
            with self._freed:
                self._busy.discard(source_id)
                self._freed.notify_all()

    def close(self) -> None:
        """Close the models."""
        self._models.close()


def _and(processed: Processed, flushed: Processed) -> Processed:
    """A step's results, with those of a reader that could not save its buffer after it."""
    stages = processed.timings.keys() | flushed.timings.keys()
    spent = {s: processed.timings.get(s, 0.0) + flushed.timings.get(s, 0.0) for s in stages}
    return replace(processed, encoded=processed.encoded + flushed.encoded, timings=spent)
