"""Exceptions of decoding libraries as UnreadableError with one line about the file."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

from omni_core.errors import OmniError, TooLargeError, UnreadableError

log = logging.getLogger(__name__)


@contextmanager
def guarded(path: str) -> Iterator[None]:
    """Turn whatever a library raises into UnreadableError, or TooLargeError for a MemoryError.

    On damaged files FFmpeg, Pillow and MuPDF raise IndexError, TypeError, UnicodeDecodeError,
    SyntaxError, struct and zlib errors as well, so every Exception is caught (and logged).
    """
    try:
        yield
    except OmniError:
        raise
    except MemoryError as e:
        raise TooLargeError(
            f"{os.path.basename(path)} needs more memory than a decoder may use; make a smaller "
            "copy or raise memory_mb"
        ) from e
    except Exception as e:
        log.debug("%s", path, exc_info=True)
        raise unreadable(path, e) from e


def unreadable(path: str, error: Exception | None = None) -> UnreadableError:
    """The error for a file that cannot be decoded; it names the exception, not its message."""
    kind = f" ({type(error).__name__})" if error is not None else ""
    return UnreadableError(
        f"{os.path.basename(path)} cannot be decoded{kind}: it is damaged, incomplete or not what "
        "its first bytes say. Try playing it, or make a new copy of it.",
        code="CORRUPT_MEDIA",
    )
