"""What a codec is, and the marks that annotations of types carry for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Blob = bytes | memoryview
"""Bytes that travel beside the JSON."""
Encode = Callable[[Any, list[Any]], Any]
Decode = Callable[[Any, Sequence[Blob]], Any]

LOCAL_PATH = "a path"
"""Marks a path that is relative to the folder of the process that asks."""


@dataclass(frozen=True, slots=True)
class Array:
    """Marks an array, as in `Annotated[NDArray[np.uint8], Array((None, None, 3))]`."""

    shape: tuple[int | None, ...]
    """The length of each axis; None: any."""
    other: tuple[int | None, ...] | None = None
    """A second shape that it may have instead."""

    def fits(self, shape: Sequence[int]) -> bool:
        """Whether an array of this shape is one of these."""
        return any(
            len(allowed) == len(shape)
            and all(a is None or a == b for a, b in zip(allowed, shape, strict=True))
            for allowed in (self.shape, self.other)
            if allowed is not None
        )


class MalformedError(ValueError):
    """What was received is no value of the expected type."""


@dataclass(frozen=True, slots=True)
class Codec:
    """How values of one type travel."""

    shape: str
    """The type in words, down to the last field: equal on both sides, or they do not talk."""
    encode: Encode
    """The JSON value; appends bytes to the list it is given."""
    decode: Decode
    """The inverse; raises MalformedError."""
