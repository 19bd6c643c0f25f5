"""Globs over path parts: `*`, `?` and `[...]` within a part, `**` for any number of folders."""

from __future__ import annotations

import fnmatch
import re

from omni_core import limits


class Glob:
    """A compiled glob; raises BadRequestError for a part that is longer than any name.

    A match takes at most as many steps as the path has parts times the pattern has, however many
    `**` there are.
    """

    def __init__(self, pattern: str) -> None:
        self._parts = _compiled(pattern.split("/"))

    def matches(self, parts: tuple[str, ...]) -> bool:
        """Whether these parts of a path match. A `**` at the end is one name at least."""
        pattern = self._parts
        at = place = 0
        star, resume = -1, 0  # the last `**`, and the part from which it goes on
        while True:
            if place < len(pattern) and pattern[place] is None:
                star, resume = place, at
                place += 1
                continue
            wanted = pattern[place] if place < len(pattern) else None
            if at < len(parts) and wanted is not None and wanted.fullmatch(parts[at]):
                at, place = at + 1, place + 1
            elif at == len(parts) and place == len(pattern):
                return True
            elif star >= 0 and resume < len(parts):
                resume += 1
                at, place = resume, star + 1
            else:
                return False


def _compiled(pattern: list[str]) -> tuple[re.Pattern[str] | None, ...]:
    """A pattern for each part, None for `**`: several of them in a row are one."""
    parts: list[re.Pattern[str] | None] = []
    for part in pattern:
        limits.check_text("a part of the glob", part, limits.GLOB_PART, whole=False)
        if part != "**":
            parts.append(re.compile(fnmatch.translate(part)))
        elif not parts or parts[-1] is not None:
            parts.append(None)
    return (*parts, _ANY) if parts[-1:] == [None] else tuple(parts)


_ANY = re.compile(r".*", re.S)
