"""Removes a table from a TOML text, but not the comments before the next table.

A round-trip parser assigns such a comment to the table above it, and would remove it too.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

_HEADER = re.compile(r"[ \t]*\[.*\][ \t]*(?:#.*)?$")


def drop(text: str, path: tuple[str, ...]) -> str:
    """`text` without the table at `path` and those below it; the same text without such a header.

    Each goes from its header to its last value; comments and empty lines after that stay.
    """
    lines = text.splitlines(keepends=True)
    headers = [(i, p) for i, line in enumerate(lines) if (p := _path(line)) is not None]
    headers = [(i, p) for i, p in headers if _whole("".join(lines[:i]))]
    ends = [*(i for i, _ in headers), len(lines)][1:]
    gone: set[int] = set()
    for (start, found), end in zip(headers, ends, strict=True):
        if found[: len(path)] != path:
            continue
        while end > start + 1 and lines[end - 1].lstrip()[:1] in ("", "#"):
            end -= 1
        empty_after = end == len(lines) or not lines[end].strip()
        if start and not lines[start - 1].strip() and empty_after:
            start -= 1
        gone.update(range(start, end))
    return "".join(line for i, line in enumerate(lines) if i not in gone)


def _whole(before: str) -> bool:
    """Whether a header can follow: not inside a text or a list of several lines."""
    try:
        tomllib.loads(before)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _path(line: str) -> tuple[str, ...] | None:
    """The names in a header; None for any other line."""
    if not _HEADER.match(line.rstrip("\r\n")):
        return None
    try:
        node: Any = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return None
    names = []
    while node:
        (name,) = node
        names.append(name)
        node = node[name]
        node = node[0] if isinstance(node, list) else node
    return tuple(names)
