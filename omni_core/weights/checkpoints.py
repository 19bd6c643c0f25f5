"""Model weights as numpy arrays, read without torch and without executing code from the file.

A checkpoint from before torch 1.6 is a sequence of pickles followed by raw storages. Unpickling
can execute code, so the unpickler here admits an ordered dict, the tensor rebuilder and the storage
types, and refuses every other name.
"""

from __future__ import annotations

import io
import math
import pickle
import struct
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from omni_core.errors import UnavailableError

Weights = dict[str, NDArray[Any]]

_STORAGES: dict[str, np.dtype[Any]] = {
    "FloatStorage": np.dtype("<f4"),
    "LongStorage": np.dtype("<i8"),
}


@dataclass(frozen=True, slots=True)
class _Storage:
    key: str
    dtype: np.dtype[Any]


@dataclass(frozen=True, slots=True)
class _View:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


def _view(
    storage: _Storage, offset: int, shape: tuple[int, ...], stride: tuple[int, ...], *_: object
) -> _View:
    return _View(storage, offset, shape, stride)


class _TensorsOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str, /) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _view
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        raise pickle.UnpicklingError(f"{module}.{name} is not part of a plain tensor file")

    def __init__(self, data: io.BytesIO) -> None:
        super().__init__(data)
        self.dtypes: dict[str, np.dtype[Any]] = {}
        """The types of the storages that were named so far, by key."""

    def persistent_load(self, pid: Any, /) -> _Storage:
        _, dtype, key, _device, _size, *_rest = pid
        self.dtypes[str(key)] = dtype
        return _Storage(str(key), dtype)


def read_torch(path: Path, entry: str = "") -> Weights:
    """The tensors of a legacy torch checkpoint by name; UnavailableError if it holds more.

    `entry` is the key of the tensors in a checkpoint that holds a training's state beside them;
    that state is plain data and tensors too, or the file is refused.
    """
    data = io.BytesIO(path.read_bytes())
    try:
        for _header in ("magic number", "protocol", "byte order and sizes"):
            _TensorsOnly(data).load()
        reader = _TensorsOnly(data)
        whole = reader.load()
        views: dict[str, _View] = whole[entry] if entry else whole
        keys: list[str] = _TensorsOnly(data).load()
        storages = {}
        for key in keys:
            (length,) = struct.unpack("<q", data.read(8))
            dtype = reader.dtypes[str(key)]
            storages[str(key)] = np.frombuffer(data.read(length * dtype.itemsize), dtype)
        return {name: _dense(storages[v.storage.key], v) for name, v in views.items()}
    except (
        pickle.UnpicklingError, KeyError, ValueError, EOFError, struct.error, TypeError,
        AttributeError,
    ) as e:  # fmt: skip
        raise UnavailableError(f"{path.name} is not a plain tensor file: {e}") from e


def _dense(flat: NDArray[Any], view: _View) -> NDArray[Any]:
    """The view as a contiguous array; ValueError where the file's strides exceed the storage."""
    last = view.offset + sum((n - 1) * s for n, s in zip(view.shape, view.stride, strict=True))
    if math.prod(view.shape) == 0 or view.offset < 0 or min(view.stride, default=0) < 0:
        raise ValueError("an empty or negative view")
    if last >= flat.size:
        raise ValueError("a view past the end of its storage")
    strides = [s * flat.itemsize for s in view.stride]
    return np.lib.stride_tricks.as_strided(flat[view.offset :], view.shape, strides).copy()


def read_safetensors(path: Path) -> Weights:
    """The tensors of a safetensors file by name; UnavailableError if it is not one.

    Only float32 and int64: other types would give other vectors than those measured.
    """
    try:
        weights: Weights = load(path.read_bytes())
    except (SafetensorError, KeyError) as e:  # KeyError: a type that numpy does not have
        raise UnavailableError(f"{path.name} is not a safetensors file of float32: {e}") from e
    types = {str(tensor.dtype) for tensor in weights.values()} - {"float32", "int64"}
    if types:
        raise UnavailableError(f"{path.name} holds {types.pop()}, not float32")
    return weights
