"""Which folders are those of a library, a backup included: their files are nobody's media."""

from __future__ import annotations

import os
from collections.abc import Container

CATALOGS, LOCKS = ("catalog.sqlite", "restoring"), ("lock", "backup.json")
"""A library that is being restored has no catalog yet."""
SHARED = "shared"
"""In the store of a library whose catalog is elsewhere, too; its file `lock` says so."""


def is_library(folder: str, names: Container[str]) -> bool:
    """Whether a folder with entries of these names is a library's. Blocks."""
    if any(name in names for name in CATALOGS) and any(lock in names for lock in LOCKS):
        return True
    return SHARED in names and os.path.isfile(os.path.join(folder, SHARED, "lock"))


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


class _Names:
    """The names in a folder, without reading them all."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def __contains__(self, name: object) -> bool:
        return os.path.lexists(os.path.join(self._folder, str(name)))
