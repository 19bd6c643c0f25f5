"""The model worker's service: every model of the project in one child process.

Several lanes, each with a thread: questions are answered while an ingest is read and embedded, and
the pictures of one source while the speech of another is (ONNX Runtime, CTranslate2 and torch
release the GIL while they compute).
"""

from __future__ import annotations

import itertools
import threading
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from omni_core.models.answers import Ahead, ModelStatus, Processed, ReadOptions, SavedReaders
from omni_core.models.embedding import checked, checked_scores
from omni_core.models.loading import LoadingModels
from omni_core.models.reading import LocalReading, Reading
from omni_core.settings import Settings
from omni_core.types import Content, Samples, Segment, Vector, Voices

SOURCE_LANES = 32
"""Threads for the calls of ingests: those of one source go to one, in order. More than files are
read at a time, so that two seldom share one."""

QUESTION_LANES = 8
"""Questions that model workers elsewhere answer at once: one that is far away, or slow, holds up
no other."""


class ModelService:
    """Runs inside `omni_core.worker`; see there for how its methods are called.

    What reads and embeds is `Reading`: the models of this process, or workers elsewhere.
    """

    lanes: dict[str, str] = {  # noqa: RUF012 - read by the worker, never written
        "encode_questions": "questions",
        "understand": "questions",
        "transcribe": "questions",
        "rerank": "questions",
        "status": "status",
        "wait_ready": "status",
    }

    def lane_of(self, method: str, args: Sequence[Any]) -> str:
        """The lane of a call: that of its source, where it is about one."""
        if method == "encode_questions" and self._elsewhere:
            return self._asked.take()
        if method in self.lanes:
            return self.lanes[method]
        about = args[0] if args else ""
        source = about if isinstance(about, str) else about[0].source_id
        return f"source {zlib.crc32(source.encode()) % SOURCE_LANES}"

    def __init__(self, models: LoadingModels, *, elsewhere: bool = False) -> None:
        """`status` returns at once; every other method waits for the models that it needs.
        `elsewhere`: questions are embedded on other machines, several at once."""
        self._models, self._elsewhere = models, elsewhere
        self._here = LocalReading(models)
        self._questions = itertools.count(1)
        self._asked = _Lanes()

    def status(self) -> ModelStatus:
        """What is loaded, without waiting."""
        return self._models.status()

    def wait_ready(self, timeout_s: float) -> ModelStatus:
        """Wait for the encoder and the readers, at most `timeout_s`."""
        return self._models.wait(timeout_s)

    def encode_questions(self, contents: Sequence[Content]) -> list[Vector | None]:
        """Query vectors; waits for the encoder to load."""
        try:
            encoder = self._models.encoder()
            return [*checked(encoder.encode_questions(contents), len(contents), encoder.info)]
        finally:
            self._asked.left(threading.current_thread().name)

    def process(
        self, segments: Sequence[Segment], options: ReadOptions, urgent: bool = False
    ) -> Processed:
        """See `Reading.process`."""
        return self._reading().process(segments, options, urgent)

    def flush(self, source_id: str) -> Processed:
        """See `Reading.flush`."""
        return self._reading().flush(source_id)

    def save(self, source_id: str) -> SavedReaders:
        """See `Reading.save`."""
        return self._reading().save(source_id)

    def restore(self, source_id: str, state: bytes) -> None:
        """See `Reading.restore`."""
        self._reading().restore(source_id, state)

    def understand(self, segments: Sequence[Segment]) -> Processed:
        """`process` and `flush` in one, for a query by example; goes before running ingests.

        The same file may be ingested at the same time, so the readers get a source id of their
        own: the returned segments do not have the source id of those passed in.
        """
        name = f"question {next(self._questions)}"
        renamed = [replace(s, source_id=name) for s in segments]
        try:
            first = self.process(renamed, ReadOptions(), urgent=True)
            rest = self.flush(name)
        finally:
            self.restore(name, b"")  # of a question nothing follows
        return Processed(first.encoded + rest.encoded, first.timings, first.warnings)

    def rerank(self, question: Content, candidates: Sequence[Content | str]) -> list[float | None]:
        """The reranker's scores, in order; waits for its model to load."""
        reranker = self._models.reranker()
        scores = reranker.score(question, candidates)
        return checked_scores(scores, len(candidates), reranker.name)

    def can_tell_speakers(self) -> bool:
        """See `Reading.can_tell_speakers`."""
        return self._reading().can_tell_speakers()

    def listen(self, source_id: str, segments: Sequence[Segment]) -> None:
        """See `Reading.listen`."""
        self._reading().listen(source_id, segments)

    def voices(self, source_id: str) -> Voices | None:
        """See `Reading.voices`."""
        return self._reading().voices(source_id)

    def transcribe(self, samples: Samples) -> str:
        """See `Reading.transcribe`."""
        return self._reading().transcribe(samples)

    def _reading(self) -> Reading:
        return self._models.elsewhere() or self._here

    def close(self) -> None:
        """Buffered text is dropped: an ingest resumes from the source's last checkpoint."""
        self._models.close()


class _Lanes:
    """The lanes of questions, of which the next one gets that with the fewest."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting = Counter({f"question {n}": 0 for n in range(QUESTION_LANES)})

    def take(self) -> str:
        """The lane of one more question."""
        with self._lock:
            lane = min(self._waiting, key=self._waiting.__getitem__)
            self._waiting[lane] += 1
            return lane

    def left(self, lane: str) -> None:
        """A question has been answered in a thread of this name, which is that of its lane."""
        with self._lock:
            if self._waiting.get(lane):
                self._waiting[lane] -= 1


def service(settings: Settings, ahead: Ahead = "all", fingerprint: str = "") -> ModelService:
    """The worker's entry point: starts loading the models, of which the encoder must be that of
    `fingerprint` where one is given."""
    models = LoadingModels(settings, ahead=ahead, fingerprint=fingerprint)
    return ModelService(models, elsewhere=bool(settings.encoder_url))
