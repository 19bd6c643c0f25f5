"""One value and the bytes beside it as one message between a process and its child.

    count of blobs, bytes of JSON    2 x uint32
    bytes of each blob               uint64 each
    JSON                             UTF-8; half a character (a lone surrogate) becomes U+FFFD
    the blobs                        each at a multiple of 16 from the start

Nothing of a blob is copied where it is written, nor where it is read.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterable
from typing import Any

from omni_core.codec.base import Blob, Codec, MalformedError

MAX_JSON = 32 << 20
"""Bytes. The words of a dense page are 200 kB; 32 MB of brackets become 1 GB of lists."""
LARGEST = 1 << 63
"""What no whole number reaches: a database cannot hold it."""
_HEAD = struct.Struct("<II")
_ALIGNED = 16


def pack(codec: Codec, value: Any) -> list[Blob]:
    """The parts of the message, to be written one after the other.

    Raises TypeError or ValueError for a value that is not of the type, a number that is none (NaN)
    among them.
    """
    blobs: list[Blob] = []
    plain = codec.encode(value, blobs)
    text = _utf8(json.dumps(
        plain, separators=(",", ":"), allow_nan=False, default=_number, ensure_ascii=False
    ))  # fmt: skip
    if len(text) > MAX_JSON:
        raise ValueError(f"{len(text):,} bytes of text and numbers are too many for one answer")
    sizes = [len(b) for b in blobs]
    parts: list[Blob] = [_HEAD.pack(len(blobs), len(text)), struct.pack(f"<{len(sizes)}Q", *sizes)]
    parts.append(text)
    at = sum(map(len, parts))
    for blob in blobs:
        parts += [bytes(-at % _ALIGNED), blob]
        at += -at % _ALIGNED + len(blob)
    return parts


def _utf8(text: str) -> bytes:
    """Halves of characters stand in damaged files; no catalog, index or model can hold them."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def unpack(codec: Codec, message: memoryview) -> Any:
    """The value; arrays share the memory of the message. Raises MalformedError."""
    try:
        count, length = _HEAD.unpack_from(message)
        at = _HEAD.size + 8 * count
        sizes = struct.unpack_from(f"<{count}Q", message, _HEAD.size)
    except (struct.error, MemoryError) as e:
        raise MalformedError(f"no message: {e}") from None
    if length > MAX_JSON or at + length > len(message):
        raise MalformedError(f"{length:,} bytes of JSON")
    text = bytes(message[at : at + length])
    at += length
    blobs = []
    for size in sizes:
        at += -at % _ALIGNED
        if at + size > len(message):
            raise MalformedError("bytes are missing")
        blobs.append(message[at : at + size])
        at += size
    if at != len(message):
        raise MalformedError("bytes are left over")
    return decoded(codec, text, blobs)


def decoded(codec: Codec, text: bytes, blobs: Iterable[Blob] = ()) -> Any:
    """The value that this JSON means. Raises MalformedError, whatever is wrong with it."""
    try:
        return codec.decode(_DECODER.decode(text.decode()), tuple(blobs))
    except MalformedError:
        raise
    except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as e:
        raise MalformedError(f"{type(e).__name__}: {e}") from None


def _refuse(name: str) -> None:
    raise MalformedError(f"{name} is no number")


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):  # 1e999
        raise MalformedError(f"{text:.20} is too large")
    return number


def _countable(text: str) -> int:
    if not -LARGEST < (number := int(text)) < LARGEST:
        raise MalformedError(f"{text:.20} is too large")
    return number


_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite, parse_int=_countable)


def _number(value: Any) -> Any:
    """A NumPy scalar among JSON values as Python's."""
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():
        return value.item()
    raise TypeError(f"a {type(value).__name__} cannot be carried between processes")
