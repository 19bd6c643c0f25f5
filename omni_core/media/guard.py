"""Exceptions of decoding libraries as UnreadableError with one line about the file."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

from omni_core.errors import OmniError, TooLargeError, UnreadableError

log = logging.getLogger(__name__)

_OUT_OF_MEMORY = ("FzErrorSystem",)
"""Exceptions of libraries that mean that the system gave them no memory: MuPDF's."""


@contextmanager
def guarded(path: str) -> Iterator[None]:
    """Turn whatever a library raises into UnreadableError, or TooLargeError where memory ran out.

    On damaged files FFmpeg, Pillow and MuPDF raise IndexError, TypeError, UnicodeDecodeError,
    SyntaxError, struct and zlib errors as well, so every Exception is caught (and logged).
    """
    try:
        yield
    except OmniError:
        raise
    except Exception as e:
        if is_out_of_memory(e):
            raise TooLargeError(
                f"{os.path.basename(path)!r} needs more memory than a decoder may use; make a "
                "smaller copy or raise memory_mb"
            ) from e
        log.debug("%s", path, exc_info=True)
        raise unreadable(path, e) from e


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether memory ran out, rather than that the file is damaged: what the error says of itself
    or of the one that it came from."""
    while error is not None:
        if isinstance(error, MemoryError) or type(error).__name__ in _OUT_OF_MEMORY:
            return True
        if isinstance(error, OSError) and error.errno == errno.ENOMEM:
            return True
        if "bad_alloc" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def unreadable(path: str, error: Exception | None = None) -> UnreadableError:
    """The error for a file that cannot be decoded; it names the exception, not its message."""
    kind = f" ({type(error).__name__})" if error is not None else ""
    return UnreadableError(
        f"{os.path.basename(path)!r} cannot be decoded{kind}: it is damaged, incomplete or not "
        "what its first bytes say. Try playing it, or make a new copy of it.",
        code="CORRUPT_MEDIA",
    )
