"""A step of reading and its answer between two machines, as `encoders.remote.wire` has bodies.

A step holds all that it needs: the segments with their pixels and samples, and what the readers had
buffered of the source; the answer holds what they have buffered then. Nothing is kept in between,
so that any worker can do the next step.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np

from omni_core.encoders.remote.wire import Body, Writer, describe, restore
from omni_core.errors import BadRequestError
from omni_core.models.answers import Processed
from omni_core.readers.state import segment_values
from omni_core.types import Channel, Encoded, Modality, Segment, Span, Turn, Voices

Kind = Literal["process", "flush", "listen", "voices"]
MAX_STATE = 64 << 20
"""Bytes of the readers' buffers: twelve hours of voices are 15 MB."""
_BROKEN = (KeyError, TypeError, ValueError, AttributeError, OverflowError)


@dataclass(frozen=True, slots=True)
class Step:
    """One call of `Reading` about one source."""

    kind: Kind
    source_id: str
    segments: Sequence[Segment] = ()
    skip: frozenset[str] = frozenset()
    urgent: bool = False
    state: bytes = b""
    """What the readers had buffered before it."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a step returned."""

    processed: Processed
    state: bytes = b""
    """What the readers have buffered after it."""


def pack_step(step: Step) -> bytes:
    """A step as a body."""
    writer = Writer()
    facts = {
        "step": step.kind, "source": step.source_id, "skip": sorted(step.skip),
        "urgent": step.urgent, "state": _put(step.state, writer),
        "segments": [_values(s, writer) for s in step.segments],
    }  # fmt: skip
    return writer.body(facts)


def unpack_step(raw: bytes) -> Step:
    """The step of a body; raises BadRequestError for anything else."""
    body = Body(raw)
    facts = body.facts
    try:
        if facts["step"] not in get_args(Kind):
            raise BadRequestError(f"{str(facts['step'])[:40]!r} is no step of reading")
        segments = [_segment(s, body) for s in facts["segments"]]
        source_id = str(facts["source"])
        if any(s.source_id != source_id for s in segments):
            raise BadRequestError("a step of reading is about the segments of one source")
        skip = frozenset(str(name) for name in facts["skip"])
        state = _bytes(facts["state"], body)
        return Step(facts["step"], source_id, segments, skip, bool(facts["urgent"]), state)
    except _BROKEN:
        raise BadRequestError("the step of reading is incomplete") from None


def pack_done(done: Done) -> bytes:
    """What a step returned as a body."""
    writer, processed = Writer(), done.processed
    encoded = [
        {**segment_values(e.segment), "vector": None if e.vector is None else writer.put(e.vector)}
        for e in processed.encoded
    ]
    facts = {
        "encoded": encoded, "timings": dict(processed.timings),
        "warnings": list(processed.warnings), "pending_from": processed.pending_from,
        "voices": _voice_values(processed.voices, writer), "state": _put(done.state, writer),
    }  # fmt: skip
    return writer.body(facts)


def unpack_done(raw: bytes) -> Done:
    """The inverse of `pack_done`; raises BadRequestError for anything else."""
    body = Body(raw)
    facts = body.facts
    try:
        encoded = tuple(
            Encoded(
                _segment(e, body),
                None if e["vector"] is None else body.get(e["vector"], "float32", 1, 2),
            )
            for e in facts["encoded"]
        )
        pending = facts["pending_from"]
        processed = Processed(
            encoded,
            {str(stage): float(s) for stage, s in facts["timings"].items()},
            tuple(str(line) for line in facts["warnings"]),
            None if pending is None else float(pending),
            _voices(facts["voices"], body),
        )
        return Done(processed, _bytes(facts["state"], body))
    except _BROKEN:
        raise BadRequestError(
            "the model worker's answer is incomplete: install the same omni-mcp on both machines"
        ) from None


def unpack_words(raw: bytes) -> str:
    """The words of a `/transcribe` answer, which is plain JSON."""
    try:
        return str(json.loads(raw)["text"])
    except (*_BROKEN, RecursionError):
        raise BadRequestError(
            "the model worker's answer holds no words: install the same omni-mcp on both machines"
        ) from None


def _values(segment: Segment, writer: Writer) -> dict[str, Any]:
    content = segment.content
    described = None if content is None else describe(content, writer)
    return {**segment_values(replace(segment, content=None)), "content": described}


def _segment(values: Any, body: Body) -> Segment:
    content, extra = values["content"], values["extra"]
    if not isinstance(extra, dict):
        raise TypeError("no object")
    axis, start, end = values["span"]
    return Segment(
        str(values["source_id"]),
        Modality(values["modality"]),
        Channel(values["channel"]),
        Span(axis, float(start), float(end)),
        None if content is None else restore(content, body),
        str(values["text"]),
        str(values["origin"]),
        int(values["part"]),
        extra,
    )


def _voice_values(voices: Voices | None, writer: Writer) -> dict[str, Any] | None:
    if voices is None:
        return None
    turns = [[t.start, t.end, t.speaker] for t in voices.turns]
    return {"turns": turns, "vectors": [writer.put(v) for v in voices.vectors]}


def _voices(values: Any, body: Body) -> Voices | None:
    if values is None:
        return None
    turns = tuple(Turn(float(a), float(b), int(who)) for a, b, who in values["turns"])
    return Voices(turns, tuple(body.get(name, "float32", 1) for name in values["vectors"]))


def _put(state: bytes, writer: Writer) -> str | None:
    return writer.put(np.frombuffer(state, np.uint8)) if state else None


def _bytes(name: Any, body: Body) -> bytes:
    if name is None:
        return b""
    held = body.get(name, "uint8", 1)
    if held.nbytes > MAX_STATE:
        raise BadRequestError(f"the readers' buffers may have {MAX_STATE >> 20} MB at most")
    return held.tobytes()
