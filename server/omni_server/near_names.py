"""Files whose names are like one that is not there, for the message that says so."""

from __future__ import annotations

import difflib
import heapq
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from omni_core.file_calls import go_on
from omni_core.libraries import is_library

LOOK_S = 0.5
"""Seconds after which the likest so far are taken: a suggestion is worth no more."""
MOST_NAMES = 5000
SHOWN = 3
CUTOFF = 0.6
"""Similarity ratio (difflib) from which a name is like another."""
LONGEST = 100
"""Characters of a name that are compared."""


def near_names(root: Path, name: str, without: Path | None = None) -> list[str]:
    """Up to three regular files under `root`, as paths relative to it, the likest first; none of
    the folder `without`, and of no other library in it."""
    until = time.monotonic() + LOOK_S
    matcher = difflib.SequenceMatcher(None, b=name.lower()[:LONGEST])
    found: list[tuple[float, str]] = []
    seen: set[str] = set()
    for path in _files(root, without):
        if time.monotonic() > until or len(seen) > MOST_NAMES:
            break
        lower = path.name.lower()[:LONGEST]
        if lower in seen:
            continue
        seen.add(lower)
        matcher.set_seq1(lower)
        quick = min(matcher.real_quick_ratio(), matcher.quick_ratio())
        if quick >= CUTOFF and (ratio := matcher.ratio()) >= CUTOFF and _regular(path):
            found.append((ratio, str(path.relative_to(root))))
    return [near for _, near in heapq.nlargest(SHOWN, found)]


def _files(root: Path, without: Path | None) -> Iterator[Path]:
    for at, folders, files in os.walk(root, followlinks=False):
        go_on()
        if at != str(root) and is_library(at, (*folders, *files)):
            folders.clear()
            continue
        folders[:] = [d for d in folders if not d.startswith(".") and Path(at, d) != without]
        yield from (Path(at, name) for name in files if not name.startswith("."))


def _regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False
