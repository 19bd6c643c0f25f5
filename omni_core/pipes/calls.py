"""A call as it travels to a child: its arguments pickled, and large arrays beside them.

    number of the call, of descriptors, of arrays, bytes of the pickle    uint64, 3 x uint32
    of each array: descriptor (-1: it follows), first byte, bytes         int64, 2 x uint64
    the pickle, then the arrays that follow, each at a multiple of 64

In the pickle stand their numbers, types and shapes. An array of a decoder's answer lies in sealed
memory: the child is given its descriptor and maps it. Others are written as they lie. Neither is
copied, and both can be written where they arrive.
"""

from __future__ import annotations

import io
import pickle
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from omni_core.pipes import memory
from omni_core.pipes.descriptors import MOST

BESIDE_FROM = 16 << 10
"""Bytes from which on an array does not lie in the pickle; one that cannot be written never does,
since it could not be written where it arrives."""
Key = tuple[int, str, tuple[int, ...]]
"""What stands for an array in the pickle: its number, type and shape."""
_HEAD = struct.Struct("<QIII4x")
_PLACE = struct.Struct("<qQQ")
_ALIGNED = 64


@dataclass(slots=True)
class Packed:
    """A call, ready to be sent."""

    parts: list[bytes | memoryview]
    """Of its frame."""
    shared: list[memory.Sealed] = field(default_factory=list)
    """Memories whose descriptors go before it."""


@dataclass(frozen=True, slots=True)
class Received:
    """A call whose arguments are still pickled."""

    pickled: memoryview
    arrays: Sequence[memoryview]

    def array(self, key: Key) -> Any:
        """The array that `key` stands for."""
        import numpy as np  # there is an array, so this child has it

        which, dtype, shape = key
        return np.ndarray(shape, dtype, buffer=self.arrays[which])


def pack(number: int, method: str, args: tuple[Any, ...], *, share: bool) -> Packed:
    """The call; `share`: whether the child can be given descriptors. Raises what pickling does."""
    pickled, arrays = _pickled((method, args))
    packed = Packed([])
    places, following = b"", []
    for array in arrays:
        found = _shared(array, packed.shared) if share else None
        if found is None:
            following.append(array.reshape(-1).view("B").data)
            found = -1, 0
        places += _PLACE.pack(*found, array.nbytes)
    head = _HEAD.pack(number, len(packed.shared), len(arrays), len(pickled))
    packed.parts += [head, places, pickled]
    at = sum(map(len, packed.parts))
    for raw in following:
        packed.parts += [bytes(-at % _ALIGNED), raw]
        at += -at % _ALIGNED + len(raw)
    return packed


def number_of(frame: memoryview) -> int:
    """The number of the call of a frame."""
    return int(_HEAD.unpack_from(frame)[0])


def count_of_descriptors(frame: memoryview) -> int:
    """How many descriptors were sent before this frame."""
    return int(_HEAD.unpack_from(frame)[1])


def unpack(frame: memoryview, shared: Sequence[memoryview]) -> Received:
    """The call of a frame; `shared`: the memories whose descriptors came with it."""
    _, _, count, size = _HEAD.unpack_from(frame)
    at = _HEAD.size + count * _PLACE.size
    places = _PLACE.iter_unpack(frame[_HEAD.size : at])
    pickled = frame[at : at + size]
    at += size
    arrays = []
    for which, first, length in places:
        if which < 0:
            first = at + -at % _ALIGNED
            at = first + length
        holder = frame if which < 0 else shared[which]
        arrays.append(holder[first : first + length])
    return Received(pickled, arrays)


class _Pickler(pickle.Pickler):
    """Takes large arrays out, instead of writing them."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, 5)
        import numpy as np  # a child imports this module before it is confined

        self._kind = np.ndarray
        self.arrays: list[Any] = []

    def persistent_id(self, obj: Any) -> Key | None:
        if type(obj) is not self._kind or obj.dtype.kind not in "biufc":
            return None
        small = obj.nbytes < BESIDE_FROM and obj.flags.writeable
        if small or not obj.flags.c_contiguous:
            return None
        self.arrays.append(obj)
        return len(self.arrays) - 1, obj.dtype.str, obj.shape


def _pickled(value: Any) -> tuple[bytes, list[Any]]:
    """Its pickle, and the arrays that do not lie in it."""
    written = io.BytesIO()
    pickler = _Pickler(written)
    pickler.dump(value)
    return written.getvalue(), pickler.arrays


def _shared(array: Any, known: list[memory.Sealed]) -> tuple[int, int] | None:
    """Which of `known` the array lies in, and where; None for none. A new one is added."""
    found = memory.behind(array)
    if found is None or (found not in known and len(known) == MOST):
        return None
    if found not in known:
        known.append(found)
    return known.index(found), _address(array) - found.address


def _address(array: Any) -> int:
    return int(array.__array_interface__["data"][0])
