"""The model worker's service: every model of the project in one child process.

Several lanes, each with a thread: questions are answered while an ingest is read and embedded, and
the pictures of one source while the speech of another is (ONNX Runtime, CTranslate2 and torch
release the GIL while they compute).
"""

from __future__ import annotations

import itertools
import threading
import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from omni_core.errors import OmniError, UnavailableError
from omni_core.models.answers import ModelStatus, Processed, ReadOptions, SavedReaders
from omni_core.models.embedding import checked, embed
from omni_core.models.loading import LoadingModels
from omni_core.models.timer import StageTimer
from omni_core.protocols import Reader, Transcriber
from omni_core.readers.speakers import SpeakerReader
from omni_core.readers.state import pack, unpack
from omni_core.settings import Settings
from omni_core.types import Content, Samples, Segment, Vector, Voices

SOURCE_LANES = 8
"""Threads for the calls of ingests: those of one source go to one, in order. More than files are
read at a time, so that two seldom share one."""


class ModelService:
    """Runs inside `omni_core.worker`; see there for how its methods are called.

    Readers buffer text between calls, separately for each source (see `Reader`). A call of
    `process` or `flush` is therefore about one source: `restore`, its segments in order, call after
    call, now and then `save`, then `flush`. Calls for several sources may alternate.
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
        if method in self.lanes:
            return self.lanes[method]
        about = args[0] if args else ""
        source = about if isinstance(about, str) else about[0].source_id
        return f"source {zlib.crc32(source.encode()) % SOURCE_LANES}"

    def __init__(self, models: LoadingModels) -> None:
        """`status` returns at once; every other method waits for the models that it needs."""
        self._models = models
        self._locks: dict[str, threading.Lock] = defaultdict(threading.Lock)
        """By the readers' lanes."""
        self._questions = itertools.count(1)

    def status(self) -> ModelStatus:
        """What is loaded, without waiting."""
        return self._models.status()

    def wait_ready(self, timeout_s: float) -> ModelStatus:
        """Wait for the encoder and the readers, at most `timeout_s`."""
        return self._models.wait(timeout_s)

    def encode_questions(self, contents: Sequence[Content]) -> list[Vector | None]:
        """Query vectors; waits for the encoder to load."""
        encoder = self._models.encoder()
        return [*checked(encoder.encode_questions(contents), len(contents), encoder.info)]

    def process(
        self, segments: Sequence[Segment], options: ReadOptions, urgent: bool = False
    ) -> Processed:
        """Run the readers over segments of one source, then embed these and what was read.

        What a reader still buffers comes with a later call for the same source, or with `flush`.
        Raises ValueError for segments of several sources.
        """
        if len({s.source_id for s in segments}) > 1:
            raise ValueError("process takes the segments of one source at a time")
        timer = StageTimer()
        found = [*segments]
        for reader in self._chosen(options):
            if selected := reader.select(found):
                found += self._read(reader, selected, timer)
        encoded = embed(self._models.encoder(), found, timer, urgent=urgent)
        warnings = tuple(self._warnings(segments, options))
        sources = {s.source_id for s in segments}
        buffered = (r.pending_from(s) for s in sources for r in self._models.readers().loaded)
        pending = min((at for at in buffered if at is not None), default=None)
        return Processed(encoded, timer.seconds, warnings, pending)

    def flush(self, source_id: str) -> Processed:
        """What the readers still buffered for this source, read and embedded; and who spoke in it.

        The source may go on afterwards; nothing is buffered for an unknown one.
        """
        timer = StageTimer()
        found: list[Segment] = []
        voices: Voices | None = None
        for reader in self._models.readers().loaded:
            if selected := reader.select(found):
                found += self._read(reader, selected, timer)
            with self._locks[reader.lane], timer.stage(reader.name):
                found += reader.flush(source_id)
                voices = reader.voices(source_id) or voices
        encoded = embed(self._models.encoder(), found, timer)
        return Processed(encoded, timer.seconds, voices=voices)

    def save(self, source_id: str) -> SavedReaders:
        """The buffers of the readers for this source, which stay as they are; a reader that
        cannot save its own is flushed."""
        timer = StageTimer()
        found: list[Segment] = []
        states: dict[str, bytes] = {}
        for reader in self._models.readers().loaded:
            if selected := reader.select(found):
                found += self._read(reader, selected, timer)
            with self._locks[reader.lane], timer.stage(reader.name):
                state = reader.save(source_id)
                if state is None:
                    found += reader.flush(source_id)
                elif state:
                    states[reader.name] = state
        flushed = Processed(embed(self._models.encoder(), found, timer), timer.seconds)
        arrays = {name: np.frombuffer(state, np.uint8) for name, state in states.items()}
        return SavedReaders(pack({}, arrays) if arrays else b"", flushed)

    def restore(self, source_id: str, state: bytes) -> None:
        """Before an ingest: the buffers that `save` returned, or (b"") none."""
        arrays = unpack(state)[1] if state else {}
        for reader in self._models.readers().loaded:
            held = arrays.get(reader.name)
            with self._locks[reader.lane]:
                reader.restore(source_id, b"" if held is None else held.tobytes())

    def understand(self, segments: Sequence[Segment]) -> Processed:
        """`process` and `flush` in one, for a query by example; goes before running ingests.

        The same file may be ingested at the same time, so the readers get a source id of their
        own: the returned segments do not have the source id of those passed in.
        """
        name = f"question {next(self._questions)}"
        renamed = [replace(s, source_id=name) for s in segments]
        first = self.process(renamed, ReadOptions(), urgent=True)
        rest = self.flush(name)
        return Processed(first.encoded + rest.encoded, first.timings, first.warnings)

    def rerank(self, question: Content, candidates: Sequence[Content | str]) -> list[float | None]:
        """The reranker's scores, in order; waits for its model to load."""
        return self._models.reranker().score(question, candidates)

    def can_tell_speakers(self) -> bool:
        """Whether a reader that tells speakers apart is loaded."""
        return bool(self._speaker_readers())

    def listen(self, source_id: str, segments: Sequence[Segment]) -> None:
        """Hear who speaks in these segments of one source, and nothing else."""
        for reader in self._speaker_readers():
            with self._locks[reader.lane]:
                reader.read(reader.select(segments))

    def voices(self, source_id: str) -> Voices | None:
        """Who spoke in what `listen` heard of this source, which ends with that."""
        found = None
        for reader in self._speaker_readers():
            with self._locks[reader.lane]:
                found = reader.voices(source_id) or found
        return found

    def _speaker_readers(self) -> list[SpeakerReader]:
        loaded = self._models.readers().loaded
        return [r for r in loaded if isinstance(r, SpeakerReader)]

    def transcribe(self, samples: Samples) -> str:
        """The transcript of a spoken question; empty without speech."""
        loaded = self._models.readers().loaded
        reader = next((r for r in loaded if isinstance(r, Transcriber)), None)
        if reader is None:
            raise UnavailableError("no speech model is loaded; run `omni-mcp doctor`")
        with self._locks[reader.lane]:
            return reader.transcribe(samples)

    def _chosen(self, options: ReadOptions) -> list[Reader]:
        info = self._models.encoder().info
        loaded = self._models.readers().loaded
        return [r for r in loaded if r.name not in options.skip and r.useful_with(info)]

    def _read(
        self, reader: Reader, segments: Sequence[Segment], timer: StageTimer
    ) -> list[Segment]:
        with self._locks[reader.lane], timer.stage(reader.name):
            try:
                return reader.read(segments)
            except OmniError:
                raise
            except Exception as e:  # another package's reader may raise anything
                raise OmniError(
                    f"the reader {reader.name} failed: {type(e).__name__}: {e}".splitlines()[0]
                    + "; OMNI_LOG=DEBUG shows where"
                ) from e

    def _warnings(self, segments: Sequence[Segment], options: ReadOptions) -> list[str]:
        """One line for each part of the encoder and each reader that could not be loaded and would
        have read these segments."""
        contents = {type(segment.content) for segment in segments}
        lacks = [k.message for k in self._models.encoder().lacks if contents & set(k.contents)]
        return lacks + [
            m.message
            for m in self._models.readers().missing
            if not m.off and m.reader.name not in options.skip and m.reader.select(segments)
        ]

    def close(self) -> None:
        """Buffered text is dropped: an ingest resumes from the source's last checkpoint."""
        self._models.close()


def service(settings: Settings) -> ModelService:
    """The worker's entry point: starts loading the models."""
    return ModelService(LoadingModels(settings))
