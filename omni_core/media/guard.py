"""Exceptions of decoding libraries as one error of ours, one line about the file."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

from omni_core.errors import OmniError, TooLargeError, UnreadableError

log = logging.getLogger(__name__)


@contextmanager
def guarded(path: str) -> Iterator[None]:
    """Turn whatever a library raises into one line about this file.

    FFmpeg, Pillow and MuPDF let IndexError, TypeError, UnicodeDecodeError, SyntaxError, struct and
    zlib errors through on damaged files, so nothing less than Exception will do.
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
    """One line about a file that cannot be decoded; a library's own words stay out of it."""
    kind = f" ({type(error).__name__})" if error is not None else ""
    return UnreadableError(
        f"{os.path.basename(path)} cannot be decoded{kind}: it is damaged, incomplete or not what "
        "its first bytes say. Try playing it, or make a new copy of it.",
        code="CORRUPT_MEDIA",
    )
