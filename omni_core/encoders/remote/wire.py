"""Contents and vectors as bytes between two machines: a JSON head, then raw arrays.

Never pickle, and no archive either: an array's place and size are checked against the body before
a single byte is allocated for it, so a lying head costs nothing.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from omni_core.errors import BadRequestError
from omni_core.types import (
    AudioContent,
    Channel,
    Content,
    CutOptions,
    EncoderInfo,
    ImageContent,
    TextContent,
    Vector,
    VideoContent,
)

MAGIC = b"OMNI1"
_TYPES = {"u1": np.uint8, "f4": np.float32}
_MOST_HEAD = 4 << 20


class _Writer:
    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._at = 0

    def put(self, array: NDArray[Any]) -> dict[str, Any]:
        kind = "u1" if array.dtype == np.uint8 else "f4"
        raw = np.ascontiguousarray(array, dtype=_TYPES[kind]).tobytes()
        where = {"t": kind, "s": list(array.shape), "o": self._at}
        self._parts.append(raw)
        self._at += len(raw)
        return where

    def done(self, head: Any) -> bytes:
        text = json.dumps(head, ensure_ascii=False).encode()
        return MAGIC + struct.pack("<I", len(text)) + text + b"".join(self._parts)


class _Reader:
    def __init__(self, body: bytes) -> None:
        if len(body) < 9 or body[:5] != MAGIC:
            raise BadRequestError("the body is not of this worker's form; use the same version")
        (size,) = struct.unpack_from("<I", body, 5)
        if size > _MOST_HEAD or 9 + size > len(body):
            raise BadRequestError("the body's head is too long or cut off")
        try:
            self.head: Any = json.loads(body[9 : 9 + size])
        except ValueError:
            raise BadRequestError("the body's head is not JSON") from None
        self._raw = memoryview(body)[9 + size :]

    def get(self, where: Any, dims: int, kind: str, last: int = 0) -> NDArray[Any]:
        """The array at `where`, of `dims` dimensions, the last one of `last` (0: any)."""
        try:
            found, shape, at = where["t"], [int(n) for n in where["s"]], int(where["o"])
        except (KeyError, TypeError, ValueError):
            raise BadRequestError("an array of the body is not described") from None
        if found != kind or len(shape) != dims or min(shape, default=0) < 0:
            raise BadRequestError(f"an array of the body must have {dims} dimensions of {kind}")
        if last and shape[-1] != last:
            raise BadRequestError(f"an array of the body must end in {last} values")
        size = math.prod(shape) * np.dtype(_TYPES[kind]).itemsize
        if at < 0 or at + size > len(self._raw):
            raise BadRequestError("an array of the body is cut off")
        return np.frombuffer(self._raw[at : at + size], dtype=_TYPES[kind]).reshape(shape)


def pack(contents: Sequence[Content], **more: Any) -> bytes:
    """Contents (and JSON facts beside them) as one body."""
    writer = _Writer()
    return writer.done({**more, "contents": [_describe(c, writer) for c in contents]})


def unpack(body: bytes) -> tuple[list[Content], Mapping[str, Any]]:
    """The inverse; raises BadRequestError for anything that is not exactly such a body."""
    reader = _Reader(body)
    head = reader.head
    if not isinstance(head, dict) or not isinstance(head.get("contents"), list):
        raise BadRequestError("the body holds no list of contents")
    return [_restore(c, reader) for c in head["contents"]], head


def pack_vectors(vectors: Sequence[Vector | None]) -> bytes:
    """Vectors, with None where there is none, as one body."""
    writer = _Writer()
    return writer.done({"vectors": [None if v is None else writer.put(v) for v in vectors]})


def unpack_vectors(body: bytes) -> list[Vector | None]:
    """The inverse."""
    reader = _Reader(body)
    found = reader.head.get("vectors") if isinstance(reader.head, dict) else None
    if not isinstance(found, list):
        raise BadRequestError("the answer holds no vectors")
    made: list[Vector | None] = []
    for where in found:
        dims = len(where["s"]) if isinstance(where, dict) and "s" in where else 1
        made.append(None if where is None else reader.get(where, min(dims, 2), "f4").copy())
    return made


def unpack_json(body: bytes) -> Any:
    """A small JSON answer; raises BadRequestError when it is none."""
    try:
        return json.loads(body)
    except ValueError:
        raise BadRequestError("the worker's answer is not JSON; use the same version") from None


def pack_info(info: EncoderInfo) -> dict[str, Any]:
    """An encoder's facts as JSON."""
    return {**asdict(info), "channels": sorted(info.channels)}


def unpack_info(data: Any) -> EncoderInfo:
    """The inverse; unknown fields of a newer worker are left out."""
    try:
        cut = {k: v for k, v in data["cut"].items() if k in CutOptions.__dataclass_fields__}
        known = {k: v for k, v in data.items() if k in EncoderInfo.__dataclass_fields__}
        known["cut"] = CutOptions(**cut)
        known["channels"] = frozenset(Channel(c) for c in data["channels"])
        return EncoderInfo(**known)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise BadRequestError("the worker's description is of another version") from None


def _describe(content: Content, writer: _Writer) -> dict[str, Any]:
    if isinstance(content, TextContent):
        return {"kind": "text", "text": content.text}
    if isinstance(content, ImageContent):
        return {"kind": "picture", "pixels": writer.put(content.pixels)}
    if isinstance(content, AudioContent):
        return {
            "kind": "sound",
            "samples": writer.put(content.samples),
            "head_s": content.overlap_s,
        }
    return {
        "kind": "film",
        "frames": writer.put(content.frames),
        "times": list(content.times),
        "fps": content.fps,
        "key": writer.put(content.keyframe),
        "sound": None if content.audio is None else writer.put(content.audio),
    }


def _restore(data: Any, reader: _Reader) -> Content:
    try:
        kind = data["kind"]
        if kind == "text":
            return TextContent(str(data["text"]))
        if kind == "picture":
            return ImageContent(_some(reader.get(data["pixels"], 3, "u1", 3)))
        if kind == "sound":
            return AudioContent(reader.get(data["samples"], 1, "f4"), float(data["head_s"]))
        if kind == "film":
            sound = data["sound"]
            return VideoContent(
                reader.get(data["frames"], 4, "u1", 3),
                tuple(float(t) for t in data["times"]),
                float(data["fps"]),
                _some(reader.get(data["key"], 3, "u1", 3)),
                None if sound is None else reader.get(sound, 1, "f4"),
            )
    except (KeyError, TypeError, ValueError):
        raise BadRequestError("a content of the body is incomplete") from None
    raise BadRequestError(f"a content of the body is of an unknown kind: {str(kind)[:40]!r}")


def _some(pixels: NDArray[Any]) -> NDArray[Any]:
    if not pixels.size:
        raise BadRequestError("a picture of the body is empty")
    return pixels
