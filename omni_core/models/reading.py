"""Hearing and reading the segments of a source, and embedding them with what was read."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from omni_core.errors import OmniError, UnavailableError
from omni_core.models.answers import Processed, ReadOptions, SavedReaders
from omni_core.models.embedding import embed
from omni_core.models.timer import StageTimer
from omni_core.protocols import Encoder, Reader, Transcriber
from omni_core.readers import MissingReader
from omni_core.readers.speakers import SpeakerReader
from omni_core.readers.state import pack, unpack
from omni_core.types import Samples, Segment, Voices


class Reading(Protocol):
    """Reads and embeds, in this process or elsewhere.

    Readers buffer text between calls, separately for each source (see `Reader`). A call of
    `process` or `flush` is therefore about one source: `restore`, its segments in order, call after
    call, now and then `save`, then `flush`. Calls for several sources may alternate.
    """

    def process(
        self, segments: Sequence[Segment], options: ReadOptions, urgent: bool = False
    ) -> Processed:
        """Run the readers over segments of one source, then embed these and what was read.

        What a reader still buffers comes with a later call for the same source, or with `flush`.
        `urgent` goes before running ingests. Raises ValueError for segments of several sources.
        """

    def flush(self, source_id: str) -> Processed:
        """What the readers still buffered for this source, which ends with that, read and embedded;
        and who spoke in it. Nothing is buffered for an unknown one."""

    def save(self, source_id: str) -> SavedReaders:
        """The buffers of the readers for this source, which stay as they are; a reader that
        cannot save its own is flushed."""

    def restore(self, source_id: str, state: bytes) -> None:
        """Before an ingest: the buffers that `save` returned, or (b"") none."""

    def can_tell_speakers(self) -> bool:
        """Whether a reader that tells speakers apart is loaded."""

    def listen(self, source_id: str, segments: Sequence[Segment]) -> None:
        """Hear who speaks in these segments of one source, and nothing else."""

    def voices(self, source_id: str) -> Voices | None:
        """Who spoke in what `listen` heard of this source, which ends with that."""

    def transcribe(self, samples: Samples) -> str:
        """The transcript of a spoken question; empty without speech."""


@dataclass(frozen=True, slots=True)
class Readers:
    """The readers that could be loaded, in order of rank, and those that could not."""

    loaded: tuple[Reader, ...]
    missing: tuple[MissingReader, ...]


class Loaded(Protocol):
    """The models of a process; each call waits until they are loaded."""

    def encoder(self) -> Encoder:
        """The encoder; raises what its loading raised."""

    def readers(self) -> Readers:
        """The readers."""


class LocalReading(Reading):
    """`Reading` with the models of this process."""

    def __init__(self, models: Loaded) -> None:
        self._models = models
        self._locks: dict[str, threading.Lock] = defaultdict(threading.Lock)
        """By the readers' lanes."""
        self._hold: dict[str, set[str]] = defaultdict(set)
        """Names of the readers that may hold something of a source, by its id. The others are not
        asked for it: a note would wait for what a reader hears in a film."""

    def process(
        self, segments: Sequence[Segment], options: ReadOptions, urgent: bool = False
    ) -> Processed:
        """See `Reading`."""
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
        """See `Reading`."""
        timer = StageTimer()
        found: list[Segment] = []
        voices: Voices | None = None
        for reader in self._models.readers().loaded:
            if selected := reader.select(found):
                found += self._read(reader, selected, timer)
            if not self._holds(reader, source_id):
                continue
            with self._locks[reader.lane], timer.stage(reader.name):
                found += reader.flush(source_id)
                voices = reader.voices(source_id) or voices
                reader.restore(source_id, b"")
        self._hold.pop(source_id, None)
        encoded = embed(self._models.encoder(), found, timer)
        return Processed(encoded, timer.seconds, voices=voices)

    def save(self, source_id: str) -> SavedReaders:
        """See `Reading`."""
        timer = StageTimer()
        found: list[Segment] = []
        states: dict[str, bytes] = {}
        for reader in self._models.readers().loaded:
            if selected := reader.select(found):
                found += self._read(reader, selected, timer)
            if not self._holds(reader, source_id):
                continue
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
        """See `Reading`."""
        arrays = unpack(state)[1] if state else {}
        for reader in self._models.readers().loaded:
            held = arrays.get(reader.name)
            if held is None and not self._holds(reader, source_id):
                continue
            with self._locks[reader.lane]:
                reader.restore(source_id, b"" if held is None else held.tobytes())
        self._hold.pop(source_id, None)
        if arrays:
            self._hold[source_id].update(arrays)

    def can_tell_speakers(self) -> bool:
        """See `Reading`."""
        return bool(self._speaker_readers())

    def listen(self, source_id: str, segments: Sequence[Segment]) -> None:
        """See `Reading`."""
        for reader in self._speaker_readers():
            with self._locks[reader.lane]:
                self._hold[source_id].add(reader.name)
                reader.read(reader.select(segments))

    def voices(self, source_id: str) -> Voices | None:
        """See `Reading`."""
        found = None
        for reader in self._speaker_readers():
            with self._locks[reader.lane]:
                found = reader.voices(source_id) or found
        self._hold.pop(source_id, None)
        return found

    def _speaker_readers(self) -> list[SpeakerReader]:
        loaded = self._models.readers().loaded
        return [r for r in loaded if isinstance(r, SpeakerReader)]

    def transcribe(self, samples: Samples) -> str:
        """See `Reading`."""
        loaded = self._models.readers().loaded
        reader = next((r for r in loaded if isinstance(r, Transcriber)), None)
        if reader is None:
            raise UnavailableError("no speech model is loaded; run `omni-mcp doctor`")
        with self._locks[reader.lane]:
            return reader.transcribe(samples)

    def _holds(self, reader: Reader, source_id: str) -> bool:
        return reader.name in self._hold.get(source_id, ())

    def _chosen(self, options: ReadOptions) -> list[Reader]:
        info = self._models.encoder().info
        loaded = self._models.readers().loaded
        return [r for r in loaded if r.name not in options.skip and r.useful_with(info)]

    def _read(
        self, reader: Reader, segments: Sequence[Segment], timer: StageTimer
    ) -> list[Segment]:
        with self._locks[reader.lane], timer.stage(reader.name):
            self._hold[segments[0].source_id].add(reader.name)
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
