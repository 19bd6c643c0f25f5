"""The name of a source as evidence: people call files what they are."""

from __future__ import annotations

import re

TITLE_PART = 1_000_000
"""Keeps the name's segment apart from any window of text."""

_EMPTY = frozenset(
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
"""What cameras, telephones and habits call files."""


def informative_words(title: str) -> str:
    """The words of a title that say something; empty for `IMG_2041`, `scan 3` or a hash."""
    words = re.findall(r"[^\W\d_]{3,}", title)
    return " ".join(words) if any(w.lower() not in _EMPTY for w in words) else ""
