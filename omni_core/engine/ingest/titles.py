"""Titles as searchable text: a title often describes the content."""

from __future__ import annotations

import re

TITLE_PART = 1_000_000
"""`Segment.part` of the title's segment, distinct from any window of text."""

_UNINFORMATIVE = frozenset(
    re.findall(
        r"\w+",
        """
        img dsc dscn pxl mvi vid mov video film movie clip audio sound rec recording voice memo
        track scan image photo picture pic screenshot screen shot document doc file untitled
        unnamed new copy final draft test sample example part page zoom meeting whatsapp signal
        capture export jpg jpeg png pdf the and for with from
        """,
    )
)
"""Words of default file names, of cameras, phones and programs."""


def informative_words(title: str) -> str:
    """The words of a title (3 letters or more); "" for default names (`IMG_2041`, `scan 3`)."""
    words = re.findall(r"[^\W\d_]{3,}", title)
    return " ".join(words) if any(w.lower() not in _UNINFORMATIVE for w in words) else ""
