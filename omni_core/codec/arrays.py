"""NumPy arrays: their bytes as they lie in memory, their shape as JSON."""

from __future__ import annotations

import math
import typing
from collections.abc import Sequence
from typing import Any

import numpy as np

from omni_core.codec.base import Array, Blob, Codec, MalformedError

MAX_AXES = 8


def is_array(hint: Any) -> bool:
    """Whether an annotation is `NDArray[...]`."""
    return typing.get_origin(hint) is np.ndarray


def array_codec(hint: Any, mark: Array | None = None) -> Codec:
    """The codec of `NDArray[dtype]`; other dtypes are cast where nothing of their kind is lost."""
    dtype = np.dtype(typing.get_args(typing.get_args(hint)[1])[0])
    shape = f"array of {dtype.name}" + (f" {mark.shape} or {mark.other}" if mark else "")

    def fits(axes: Sequence[int]) -> bool:
        return len(axes) <= MAX_AXES and (mark is None or mark.fits(axes))

    def encode(value: Any, blobs: list[Any]) -> Any:
        array = np.asarray(value)
        if array.dtype != dtype:
            array = array.astype(dtype, casting="same_kind")
        if not fits(array.shape):
            raise TypeError(f"an array of shape {array.shape} is no {shape}")
        blobs.append(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
        return [len(blobs) - 1, list(array.shape)]

    def decode(value: Any, blobs: Sequence[Blob]) -> Any:
        match value:
            case [int(at), list(axes)] if 0 <= at < len(blobs) and all(
                type(n) is int and n >= 0 for n in axes
            ):
                blob = blobs[at]
            case _:
                raise MalformedError(f"not an {shape}: {value!r:.80}")
        if not fits(axes) or math.prod(axes) * dtype.itemsize != len(blob):
            raise MalformedError(f"not an {shape}: {axes} in {len(blob):,} bytes")
        return np.ndarray(tuple(axes), dtype, buffer=blob)

    return Codec(shape, encode, decode)
