"""A call as it travels to a child: its arguments pickled, and large arrays beside them.

    number of the call, of descriptors, of arrays, bytes of the pickle    uint64, 3 x uint32
    of each array: descriptor (-1: it follows), first byte, bytes         int64, 2 x uint64
    the pickle, then the arrays that follow, each at a multiple of 64

Arrays of a decoder's answer lie in sealed memory: the child is given its descriptor and maps it.
Others are written as they lie, without a copy (PEP 574).
"""

from __future__ import annotations

import pickle
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from omni_core.pipes import memory
from omni_core.pipes.descriptors import MOST

BESIDE_FROM = 16 << 10
"""Bytes from which on an array does not lie in the pickle."""
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

    number: int
    pickled: memoryview
    arrays: Sequence[memoryview]
    """What `pickle.loads` takes as its buffers."""


def pack(number: int, method: str, args: tuple[Any, ...], *, share: bool) -> Packed:
    """The call; `share`: whether the child can be given descriptors. Raises what pickling does."""
    beside: list[memoryview] = []

    def keep(buffer: pickle.PickleBuffer) -> bool:
        raw = buffer.raw()
        if raw.nbytes < BESIDE_FROM:
            return True
        beside.append(raw)
        return False

    pickled = pickle.dumps((method, args), 5, buffer_callback=keep)
    packed = Packed([])
    places, following = b"", []
    for raw in beside:
        found = _shared(raw, packed.shared) if share else None
        if found is None:
            following.append(raw)
            found = -1, 0
        places += _PLACE.pack(*found, raw.nbytes)
    head = _HEAD.pack(number, len(packed.shared), len(beside), len(pickled))
    packed.parts += [head, places, pickled]
    at = sum(map(len, packed.parts))
    for raw in following:
        packed.parts += [bytes(-at % _ALIGNED), raw]
        at += -at % _ALIGNED + raw.nbytes
    return packed


def number_of(frame: memoryview) -> int:
    """The number of the call of a frame."""
    return int(_HEAD.unpack_from(frame)[0])


def count_of_descriptors(frame: memoryview) -> int:
    """How many descriptors were sent before this frame."""
    return int(_HEAD.unpack_from(frame)[1])


def unpack(frame: memoryview, shared: Sequence[memoryview]) -> Received:
    """The call of a frame; `shared`: the memories whose descriptors came with it."""
    number, _, count, size = _HEAD.unpack_from(frame)
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
    return Received(number, pickled, arrays)


def _shared(raw: memoryview, known: list[memory.Sealed]) -> tuple[int, int] | None:
    """Which of `known` these bytes lie in, and where; None for none. A new one is added."""
    found = memory.behind(raw.obj)
    if found is None or (found not in known and len(known) == MOST):
        return None
    if found not in known:
        known.append(found)
    return known.index(found), _address(raw) - _address(found)


def _address(buffer: Any) -> int:
    import numpy as np  # what lies in sealed memory is an array

    return int(np.frombuffer(buffer, np.uint8).__array_interface__["data"][0])
