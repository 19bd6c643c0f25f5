"""What a worker says of its model, as JSON and back, and whether vectors are of that model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from omni_core.codec import MalformedError, codec, frames
from omni_core.encoders.remote.wire import FORMAT, other_format
from omni_core.errors import BadRequestError, UnavailableError
from omni_core.points import is_usable
from omni_core.types import Channel, EncoderInfo, Vector

MAX_DIM, MAX_BATCH = 1 << 16, 1 << 12
_OF_A_FILE = ("password", "transcript", "undrawn", "hung")
"""Options of cutting that no encoder decides."""
_INFO = codec(EncoderInfo)
_OTHER_VERSION = "the worker's description is of another version"


def pack_info(info: EncoderInfo, **more: Any) -> dict[str, Any]:
    """An encoder's description as JSON, with the wire format of its worker, and further fields."""
    return {**asdict(info), "channels": sorted(info.channels), "format": FORMAT, **more}


def unpack_info(data: Any) -> EncoderInfo:
    """The description in such JSON; unknown fields of a newer worker are ignored.

    Raises UnavailableError when the worker uses another wire format, BadRequestError when the data
    is no description.
    """
    if isinstance(data, dict) and "channels" in data and data.get("format", 1) != FORMAT:
        raise UnavailableError(other_format(data.get("format", 1)))
    usual = pack_info(EncoderInfo("", "", 1, frozenset(Channel)))
    try:
        cut = {k: v for k, v in data["cut"].items() if k in usual["cut"] and k not in _OF_A_FILE}
        known = {k: v for k, v in data.items() if k in EncoderInfo.__dataclass_fields__}
        missing = {"name", "revision", "dim", "channels"} - known.keys()
        whole = {k: usual[k] for k in EncoderInfo.__dataclass_fields__} | known
        whole["cut"] = usual["cut"] | cut
        info: EncoderInfo = frames.decoded(_INFO, json.dumps(whole).encode())
    except (MalformedError, KeyError, TypeError, AttributeError):
        raise BadRequestError(_OTHER_VERSION) from None
    if missing or not (0 < info.dim <= MAX_DIM and 0 < info.batch <= MAX_BATCH):
        raise BadRequestError(_OTHER_VERSION)
    return info


def fit(vectors: Sequence[Vector | None], info: EncoderInfo, contents: int) -> None:
    """Raise BadRequestError unless there is a usable vector, or None, for each content."""
    if len(vectors) != contents:
        raise BadRequestError(f"the answer has {len(vectors)} vectors for {contents} contents")
    for vector in vectors:
        if vector is None:
            continue
        if vector.ndim != 1 + info.multi_vector or vector.shape[-1] != info.dim:
            raise BadRequestError(
                f"the answer has a vector of shape {vector.shape}, those of {info.name} have "
                f"{info.dim} values"
            )
        if not is_usable(vector):
            raise BadRequestError("the answer has a vector that is not finite or has no length")
