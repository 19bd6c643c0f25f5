"""Contents and vectors between two machines: one safetensors body a message.

The tensor `json` holds the UTF-8 text of a JSON object; `contents` (or `vectors`) in it name the
other tensors: images as uint8 (height, width, 3), video frames as uint8 (frames, height, width,
3), audio and vectors as float32. Safetensors is raw bytes after a table of names, dtypes, shapes
and offsets: it holds no code, and the library checks the whole table against the body before it
copies a tensor, so a forged table costs no memory.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from omni_core.errors import BadRequestError
from omni_core.types import (
    AudioContent,
    Content,
    ImageContent,
    TextContent,
    Vector,
    VideoContent,
)

FORMAT = 2
"""Version of the wire format. 1, of the first release, was a JSON header and raw arrays."""
FORMAT_1 = b"OMNI1"
"""The first bytes of a body of format 1."""
MAX_JSON = 4 << 20
"""Bytes of a body's JSON, and of safetensors' own table of tensors."""

_JSON = "json"
_DType = Literal["uint8", "float32"]


class Writer:
    """The arrays of a body that is being written."""

    def __init__(self) -> None:
        self._tensors: dict[str, NDArray[Any]] = {}

    def put(self, array: NDArray[Any]) -> str:
        """Add an array; returns its tensor name."""
        name = str(len(self._tensors))
        dtype = np.uint8 if array.dtype == np.uint8 else np.float32
        self._tensors[name] = np.ascontiguousarray(array, dtype=dtype)
        return name

    def body(self, facts: Mapping[str, Any]) -> bytes:
        """The arrays so far and these JSON fields as one body."""
        text = json.dumps({"format": FORMAT, **facts}, ensure_ascii=False).encode()
        body: bytes = save({**self._tensors, _JSON: np.frombuffer(text, np.uint8)})
        return body


class Body:
    """A checked body; raises BadRequestError for anything that is not one."""

    def __init__(self, body: bytes) -> None:
        if body.startswith(FORMAT_1):
            raise BadRequestError(other_format(1))
        if len(body) < 8 or int.from_bytes(body[:8], "little") > MAX_JSON:
            raise BadRequestError("the body is no message of a model worker, or is cut off")
        try:
            self._tensors: dict[str, NDArray[Any]] = load(body)
        except (SafetensorError, KeyError) as e:  # KeyError: a dtype that numpy does not have
            why = (str(e).splitlines() or [""])[0][:120]
            raise BadRequestError(f"the body is no message of a model worker: {why}") from None
        self.facts = self._json()
        if self.facts.get("format") != FORMAT:
            raise BadRequestError(other_format(self.facts.get("format")))

    def _json(self) -> dict[str, Any]:
        raw = self._tensors.get(_JSON)
        if raw is None or raw.dtype != np.uint8 or raw.nbytes > MAX_JSON:
            raise BadRequestError("the body holds no JSON, or too much of it")
        try:
            facts = _JSON_OF_NUMBERS.decode(raw.tobytes().decode())
        except (ValueError, RecursionError):
            raise BadRequestError("the JSON of the body cannot be read") from None
        if not isinstance(facts, dict):
            raise BadRequestError("the JSON of the body is not an object")
        return facts

    def get(self, name: Any, dtype: _DType, *dims: int, last: int = 0) -> NDArray[Any]:
        """The tensor `name`: its rank is one of `dims`, its last dimension `last` (0: any)."""
        tensor = self._tensors.get(name) if isinstance(name, str) else None
        if tensor is None:
            raise BadRequestError(f"the body has no array called {str(name)[:40]!r}")
        if tensor.dtype != dtype or tensor.ndim not in dims:
            wanted = " or ".join(map(str, dims))
            raise BadRequestError(f"an array of the body must have {wanted} dimensions of {dtype}")
        if last and tensor.shape[-1] != last:
            raise BadRequestError(f"an array of the body must end in {last} values")
        return tensor

    def image(self, name: Any) -> NDArray[Any]:
        """The tensor `name` as a non-empty image."""
        pixels = self.get(name, "uint8", 3, last=3)
        if not pixels.size:
            raise BadRequestError("an image of the body is empty")
        return pixels


def pack(contents: Sequence[Content], **more: Any) -> bytes:
    """Contents, and further JSON fields, as one body."""
    writer = Writer()
    return writer.body({**more, "contents": [describe(c, writer) for c in contents]})


def unpack(body: bytes) -> tuple[list[Content], Mapping[str, Any]]:
    """The contents and JSON fields of a body; BadRequestError for anything else."""
    held = Body(body)
    contents = held.facts.get("contents")
    if not isinstance(contents, list):
        raise BadRequestError("the body holds no list of contents")
    return [restore(c, held) for c in contents], held.facts


def pack_vectors(vectors: Sequence[Vector | None]) -> bytes:
    """Vectors, with None where there is none, as one body."""
    writer = Writer()
    return writer.body({"vectors": [None if v is None else writer.put(v) for v in vectors]})


def unpack_vectors(body: bytes) -> list[Vector | None]:
    """The vectors of such a body; raises BadRequestError as `unpack`."""
    held = Body(body)
    names = held.facts.get("vectors")
    if not isinstance(names, list):
        raise BadRequestError("the answer holds no vectors")
    return [None if name is None else held.get(name, "float32", 1, 2) for name in names]


def unpack_scores(body: bytes) -> list[float | None]:
    """The scores of a `/rerank` answer, which is plain JSON."""
    try:
        if len(body) > MAX_JSON:
            raise ValueError("too long")
        scores = [None if s is None else float(s) for s in json.loads(body)["scores"]]
        if not all(s is None or math.isfinite(s) for s in scores):
            raise ValueError("no number")
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError):
        raise BadRequestError(
            "the model worker's answer holds no scores: install the same omni-mcp on both machines"
        ) from None
    return scores


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):  # NaN, 1e999
        raise ValueError("no number")
    return number


_JSON_OF_NUMBERS = json.JSONDecoder(parse_constant=_finite, parse_float=_finite)


def other_format(theirs: Any) -> str:
    """What is said to a machine that speaks another format of these messages."""
    return (
        f"the other machine speaks format {str(theirs)[:20]} of the model worker's messages, this "
        f"one format {FORMAT}: install the same omni-mcp on both"
    )


def describe(content: Content, writer: Writer) -> dict[str, Any]:
    """A content as JSON; its arrays go into `writer`."""
    if isinstance(content, TextContent):
        return {"kind": "text", "text": content.text}
    if isinstance(content, ImageContent):
        return {"kind": "image", "pixels": writer.put(content.pixels)}
    if isinstance(content, AudioContent):
        samples = writer.put(content.samples)
        audio = {"kind": "audio", "samples": samples, "head_s": content.overlap_s}
        return {**audio, "covered": [list(span) for span in content.covered]}
    return {
        "kind": "video",
        "frames": writer.put(content.frames),
        "times": list(content.times),
        "fps": content.fps,
        "key": writer.put(content.keyframe),
        "audio": None if content.audio is None else writer.put(content.audio),
    }


def restore(data: Any, body: Body) -> Content:
    """The inverse of `describe`; raises BadRequestError for anything else."""
    try:
        kind = data["kind"]
        if kind == "text":
            return TextContent(str(data["text"]))
        if kind == "image":
            return ImageContent(body.image(data["pixels"]))
        if kind == "audio":
            covered = tuple((float(a), float(b)) for a, b in data.get("covered", ()))
            samples = body.get(data["samples"], "float32", 1)
            return AudioContent(samples, float(data["head_s"]), covered)
        if kind == "video":
            audio = data["audio"]
            return VideoContent(
                body.get(data["frames"], "uint8", 4, last=3),
                tuple(float(t) for t in data["times"]),
                float(data["fps"]),
                body.image(data["key"]),
                None if audio is None else body.get(audio, "float32", 1),
            )
    except (KeyError, TypeError, ValueError, OverflowError):
        raise BadRequestError("a content of the body is incomplete") from None
    raise BadRequestError(f"a content of the body is of an unknown kind: {str(kind)[:40]!r}")
