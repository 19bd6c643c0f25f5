"""Frames on the pipes between a process and its child: a length, then that many bytes."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from typing import IO, BinaryIO, cast

LENGTH = struct.Struct("<Q")
HEAD = struct.Struct("<QB7x")
"""Before each answer: the number of its call, and how the rest is to be read; 16 bytes."""
TYPED, PLAIN, RAW, FAILED, ENDED, SEALED = range(6)
"""A value of the type that the caller named (`codec.frames`); JSON of a plain value; bytes as they
are; JSON of an error (`errors.pack`); nothing: the iterator has ended; nothing: the value lies in
the sealed memory whose descriptor was sent before."""
MAX_FRAME = 2 << 30
"""Bytes, in a pipe or in sealed memory. An hour of sound is 230 MB, a shot 6 MB, a picture at most
3 bytes a pixel."""


def read_frame(pipe: BinaryIO | IO[bytes], most: int = MAX_FRAME) -> memoryview | None:
    """One frame; None at the end of the pipe, or when it is cut short.

    Raises MemoryError for one of more than `most` bytes.
    """
    head = pipe.read(LENGTH.size)
    if head is None or len(head) < LENGTH.size:
        return None
    (size,) = LENGTH.unpack(head)
    if size > most:
        raise MemoryError(f"a frame of {size:,} bytes")
    frame = memoryview(bytearray(size))
    return frame if cast(io.BufferedReader, pipe).readinto(frame) == size else None


def write_frame(pipe: BinaryIO | IO[bytes], parts: Sequence[bytes | memoryview]) -> None:
    """Write one frame of these parts; raises OSError, ValueError for a pipe that is closed."""
    pipe.write(LENGTH.pack(sum(map(len, parts))))
    for part in parts:
        pipe.write(part)
    pipe.flush()
