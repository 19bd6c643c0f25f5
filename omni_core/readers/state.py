"""A reader's buffers as bytes: plain values and arrays, without pickle."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from omni_core.types import Channel, Modality, Segment, Span, TextContent

_VALUES = "_values"


def pack(values: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]] | None = None) -> bytes:
    """Values (as of JSON) and named arrays in one block."""
    out = io.BytesIO()
    text = np.frombuffer(json.dumps(values).encode(), np.uint8)
    np.savez(out, allow_pickle=False, **{_VALUES: text, **(arrays or {})})
    return out.getvalue()


def unpack(state: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """What was packed: the values and the arrays. Raises ValueError for what would unpack to more
    than it is."""
    with zipfile.ZipFile(io.BytesIO(state)) as held:
        if sum(entry.file_size for entry in held.infolist()) > len(state):
            raise ValueError("the buffers of a reader are longer than they may be")
    with np.load(io.BytesIO(state), allow_pickle=False) as held:
        arrays = {name: held[name] for name in held.files}
    values: dict[str, Any] = json.loads(arrays.pop(_VALUES).tobytes())
    return values, arrays


def segment_values(segment: Segment) -> dict[str, Any]:
    """A segment whose content is text, or none, as values."""
    content = segment.content
    return {
        "source_id": segment.source_id,
        "modality": segment.modality,
        "channel": segment.channel,
        "span": [segment.span.axis, segment.span.start, segment.span.end],
        "content": content.text if isinstance(content, TextContent) else None,
        "text": segment.text,
        "origin": segment.origin,
        "part": segment.part,
        "extra": dict(segment.extra),
    }


def segment_of(values: Mapping[str, Any]) -> Segment:
    """The inverse of `segment_values`."""
    content = values["content"]
    return Segment(
        values["source_id"],
        Modality(values["modality"]),
        Channel(values["channel"]),
        Span(*values["span"]),
        None if content is None else TextContent(content),
        values["text"],
        values["origin"],
        values["part"],
        values["extra"],
    )
