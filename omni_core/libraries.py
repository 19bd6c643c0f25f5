"""Which folders are those of a library, a backup included: their files are nobody's media."""

from __future__ import annotations

import os
import stat
from collections.abc import Container
from itertools import islice

CATALOGS, LOCKS = ("catalog.sqlite", "restoring"), ("lock", "backup.json")
"""A library that is being restored has no catalog yet."""
SHARED = "shared"
"""In the store of a library whose catalog is elsewhere, too: its file `lock`, with a pid in it or
nothing, beside files of these names alone."""
OF_SHARED = ("lock", "notice.json", "engine.sock", ".notice.json.")
MAX_LOCK = 20
"""Bytes."""
STORED = (
    "thumbs", "clips", "uploads", "downloads", "tenants", "tasks", "cache", "weights",
    "voices.sqlite", "links.key", "tokens.toml", "faults.log",
)  # fmt: skip
"""What is in a store whose catalog and index are elsewhere; with none of it nothing is left out."""


def is_library(folder: str, names: Container[str]) -> bool:
    """Whether a folder with entries of these names is a library's. Blocks."""
    if _any_file(folder, CATALOGS, names) and _any_file(folder, LOCKS, names):
        return True
    return (
        SHARED in names
        and any(name in names for name in STORED)
        and _is_shared(os.path.join(folder, SHARED))
    )


def in_library(path: str, top: str) -> bool:
    """Whether the path is, or lies in, a library's folder which lies in `top` and is not that
    itself. By names alone: links are not followed. Blocks."""
    within = os.path.relpath(path, top)
    if within == os.curdir or within.split(os.sep)[0] == os.pardir:
        return False
    at = top
    for part in within.split(os.sep):
        at = os.path.join(at, part)
        if is_library(at, _Names(at)):
            return True
    return False


def _any_file(folder: str, wanted: tuple[str, ...], names: Container[str]) -> bool:
    return any(n in names and os.path.isfile(os.path.join(folder, n)) for n in wanted)


def _is_shared(folder: str) -> bool:
    """Whether it is where processes that share a library meet (`sharing.place`)."""
    try:
        lock = os.lstat(os.path.join(folder, "lock"))
        with os.scandir(folder) as entries:
            found = [entry.name for entry in islice(entries, 2 * len(OF_SHARED))]
    except OSError:  # as where there is none
        return False
    own = all(name.startswith(OF_SHARED) for name in found)
    return own and stat.S_ISREG(lock.st_mode) and lock.st_size <= MAX_LOCK


class _Names:
    """The names in a folder, without reading them all."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def __contains__(self, name: object) -> bool:
        return os.path.lexists(os.path.join(self._folder, str(name)))
