"""Headings: paths of nested ones, and the words that a heading adds to the text below it."""

from __future__ import annotations

from collections.abc import Iterable

from omni_core.types import Modality, Segment

BETWEEN = " › "
"""Between a heading and the one below it."""


def paths(headings: Iterable[tuple[int, int, str]]) -> list[tuple[int, str]]:
    """(first character, level from 1, text) of headings in order, to (first character, path):
    `Install › Linux`."""
    found: list[tuple[int, str]] = []
    above: list[tuple[int, str]] = []
    for at, level, name in headings:
        above = [(depth, text) for depth, text in above if depth < level]
        above.append((level, name))
        found.append((at, BETWEEN.join(text for _, text in above)))
    return found


def shown(path: str, title: str, text: str) -> str:
    """The path as it is shown beside `text`, a passage of the source `title`: without what these
    say already."""
    said = text.casefold()
    parts = [p for p in path.split(BETWEEN) if p.casefold() not in (title.casefold(), "")]
    return "" if not parts or parts[-1].casefold() in said else BETWEEN.join(parts)


def with_heading(segment: Segment, text: str) -> str:
    """The text of a document's segment below its heading, where it does not hold the heading's
    words itself: what was asked for is often named in the heading alone. Chapters of recordings
    have segments of their own."""
    path = segment.heading_path if segment.modality is Modality.DOCUMENT else ""
    if not path or not text or path.rpartition(BETWEEN)[2].casefold() in text.casefold():
        return text
    return f"{path.replace(BETWEEN, ' ')}\n{text}"
