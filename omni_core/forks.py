"""File descriptors that a forked child must not keep.

Programs started by `subprocess` inherit no descriptor of ours; a plain `os.fork` copies all of
them. A copy of a lock would hold it, and a copy of a socket would keep it open, after this process
has died.
"""

from __future__ import annotations

import contextlib
import os

_kept: set[int] = set()


def close_in_children(descriptor: int) -> None:
    """Close this descriptor in every child that is forked from now on."""
    _kept.add(descriptor)


def forget(descriptor: int) -> None:
    """Call this before the descriptor is closed here: its number will be used again."""
    _kept.discard(descriptor)


def _close_all() -> None:
    while _kept:
        with contextlib.suppress(OSError):
            os.close(_kept.pop())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_all)
