"""`Reading` by model workers on other machines: pixels and samples go there once, words and vectors
come back.

The workers keep nothing of a source: what their readers have buffered comes back with every answer,
is held here, and goes along with the next step. A worker that dies in the middle of a film thus
costs one step, which another one does.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from omni_core import readers
from omni_core.encoders.remote import wire as contents
from omni_core.encoders.remote.description import fit
from omni_core.encoders.remote.encoder import (
    EVIDENCE_PATIENCE_S,
    EVIDENCE_S,
    QUESTION_PATIENCE_S,
    QUESTION_S,
    RemoteEncoder,
    size_of,
)
from omni_core.encoders.remote.offer import ReadingOffer
from omni_core.encoders.remote.pool import WorkerPool
from omni_core.errors import BadRequestError
from omni_core.models.answers import Processed, ReadOptions, SavedReaders, UnloadedReader
from omni_core.models.reading import Reading
from omni_core.models.remote.wire import Done, Step, pack_step, unpack_done, unpack_words
from omni_core.protocols import Encoder
from omni_core.readers.sessions import Sessions
from omni_core.readers.speakers import SpeakerReader
from omni_core.settings import Settings
from omni_core.types import AudioContent, EncoderInfo, ReaderInfo, Samples, Segment, Voices

log = logging.getLogger(__name__)

STEP_BYTES = 64 << 20
"""Pixels and samples of one request; a longer batch is sent in several."""


def of(encoder: Encoder, settings: Settings) -> RemoteReading | None:
    """Reading by the workers that embed, where they offer all that these settings ask for; None,
    with the reason in the log, where this process reads."""
    if not isinstance(encoder, RemoteEncoder):
        return None
    offer = encoder.pool.described.reading
    known = readers.describe(settings)
    if why := why_here(offer, known):
        log.warning("%s: speech and words on screen are read by this machine", why)
        return None
    assert offer is not None  # noqa: S101 - else it is read here
    for reader in known:
        there = offer.readers.get(reader.name, reader.model)
        if reader.state == "present" and there != reader.model:
            log.warning("%s is done by the workers, with %s", reader.name, there)
    return RemoteReading(encoder.pool, encoder.info, offer, known)


def why_here(offer: ReadingOffer | None, known: Sequence[ReaderInfo]) -> str:
    """Why the workers of this offer cannot read for a machine with these readers; "" if they
    can."""
    if offer is None:
        return "the model workers only embed"
    if not offer.same_version:
        return "the model workers are of another version of omni-mcp, which reads differently"
    lacking = [r.name for r in known if r.state == "present" and r.name not in offer.readers]
    if lacking:
        reasons = [offer.missing.get(name, ("", "not installed there"))[1] for name in lacking]
        each = "; ".join(f"{n} ({why})" for n, why in zip(lacking, reasons, strict=True))
        return f"the model workers lack {each}"
    return ""


class RemoteReading(Reading):
    """`Reading` by the workers of a pool. Thread-safe; calls about one source come in order."""

    def __init__(
        self,
        pool: WorkerPool,
        info: EncoderInfo,
        offer: ReadingOffer,
        known: Sequence[ReaderInfo] = (),
    ) -> None:
        """`known`: the readers of this machine, of which those that are off stay so."""
        self._pool, self._info, self._offer = pool, info, offer
        self._off = frozenset(r.name for r in known if r.state == "off")
        if "speech" in self._off:
            self._off |= {"sound_tags"}  # it shares the model, and is off with it here too
        self._states: Sessions[bytes] = Sessions()
        self._lock = threading.Lock()

    @property
    def unloaded(self) -> tuple[UnloadedReader, ...]:
        """The readers that the workers lack, and why."""
        return tuple(
            UnloadedReader(name, "off" if name in self._off else "missing", loss, why)
            for name, (loss, why) in self._offer.missing.items()
        )

    def process(
        self, segments: Sequence[Segment], options: ReadOptions, urgent: bool = False
    ) -> Processed:
        """See `Reading`."""
        if len({s.source_id for s in segments}) > 1:
            raise ValueError("process takes the segments of one source at a time")
        found = Processed(())
        for piece in pieces(segments):
            skip = options.skip | self._off
            step = Step("process", piece[0].source_id, piece, skip, urgent)
            found = _joined(found, self._do(step))
        return found

    def flush(self, source_id: str) -> Processed:
        """See `Reading`."""
        return self._do(Step("flush", source_id))

    def save(self, source_id: str) -> SavedReaders:
        """See `Reading`; the workers run only readers that can save their buffers."""
        with self._lock:
            return SavedReaders(self._states.get(source_id) or b"", Processed(()))

    def restore(self, source_id: str, state: bytes) -> None:
        """See `Reading`."""
        with self._lock:
            self._states.end(source_id)
            if state:
                self._states.put(source_id, state)

    def can_tell_speakers(self) -> bool:
        """See `Reading`."""
        return SpeakerReader.name in self._offer.readers.keys() - self._off

    def listen(self, source_id: str, segments: Sequence[Segment]) -> None:
        """See `Reading`."""
        for piece in pieces(segments):
            self._do(Step("listen", source_id, piece))

    def voices(self, source_id: str) -> Voices | None:
        """See `Reading`."""
        return self._do(Step("voices", source_id)).voices

    def transcribe(self, samples: Samples) -> str:
        """See `Reading`."""
        body = contents.pack([AudioContent(samples)])
        return self._pool.post(
            "/transcribe", body, unpack_words, seconds=QUESTION_S,
            patience_s=QUESTION_PATIENCE_S, reading=True,
        )  # fmt: skip

    def _do(self, step: Step) -> Processed:
        with self._lock:
            held = self._states.get(step.source_id) or b""
        patience = QUESTION_PATIENCE_S if step.urgent else EVIDENCE_PATIENCE_S
        done = self._pool.post(
            "/read", pack_step(replace(step, state=held)), partial(self._done, step),
            seconds=EVIDENCE_S, patience_s=patience, reading=True,
        )  # fmt: skip
        self.restore(step.source_id, done.state)
        return done.processed

    def _done(self, step: Step, answer: bytes) -> Done:
        """What a worker answered to a step. Raises BadRequestError for an answer to another, and
        for one that lacks a segment."""
        done = unpack_done(answer)
        encoded = done.processed.encoded
        if any(e.segment.source_id != step.source_id for e in encoded):
            raise BadRequestError("the answer is about another source")
        sent = [s.id for s in step.segments] if step.kind == "process" else []
        if [e.segment.id for e in encoded[: len(sent)]] != sent:
            raise BadRequestError("the answer lacks segments that were sent")
        fit([e.vector for e in encoded], self._info, len(encoded))
        return done


def pieces(segments: Sequence[Segment]) -> Iterator[list[Segment]]:
    """The segments in runs of about `STEP_BYTES`; what is of one page stays together, since readers
    compare it."""
    piece: list[Segment] = []
    size = 0
    for segment in segments:
        more = 0 if segment.content is None else size_of(segment.content)
        apart = piece and not piece[-1].span.overlaps(segment.span)
        if apart and size + more > STEP_BYTES:
            yield piece
            piece, size = [], 0
        piece.append(segment)
        size += more
    if piece:
        yield piece


def _joined(before: Processed, after: Processed) -> Processed:
    """The results of two pieces of one batch."""
    stages = before.timings.keys() | after.timings.keys()
    return Processed(
        before.encoded + after.encoded,
        {s: before.timings.get(s, 0.0) + after.timings.get(s, 0.0) for s in stages},
        tuple(dict.fromkeys(before.warnings + after.warnings)),
        after.pending_from,
        after.voices,
    )
