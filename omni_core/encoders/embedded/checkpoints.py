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

    def persistent_load(self, pid: Any, /) -> _Storage:
        _, dtype, key, _device, _size, *_rest = pid
        return _Storage(str(key), dtype)


def read_torch(path: Path) -> Weights:
    """The tensors of a legacy torch checkpoint by name; UnavailableError if it holds more."""
    data = io.BytesIO(path.read_bytes())
    try:
        for _header in ("magic number", "protocol", "byte order and sizes"):
            _TensorsOnly(data).load()
        views: dict[str, _View] = _TensorsOnly(data).load()
        keys: list[str] = _TensorsOnly(data).load()
        dtypes = {view.storage.key: view.storage.dtype for view in views.values()}
        storages = {}
        for key in keys:
            (length,) = struct.unpack("<q", data.read(8))
            dtype = dtypes[str(key)]
            storages[str(key)] = np.frombuffer(data.read(length * dtype.itemsize), dtype)
        return {name: _dense(storages[v.storage.key], v) for name, v in views.items()}
    except (pickle.UnpicklingError, KeyError, ValueError, EOFError, struct.error) as e:
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
