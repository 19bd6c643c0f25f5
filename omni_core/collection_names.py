"""The names of collections: one spelling for each, whatever a caller types."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

DEFAULT = "default"
"""The collection of files for which none is named."""


BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
"""Letters and symbols without a visible glyph."""
VARIATION = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
"""Selectors of a variation of the character before, as ranges of a regular expression."""
_UNSEEN = re.compile(f"[{BLANK}\u180b-\u180f{VARIATION}]")
"""What counts as printable and shows nothing; Mongolian selectors too."""


def collection_name(given: str) -> str:
    """The name as it is stored: NFKC, case-folded, single spaces; `default` for a blank one.

    `Trips  2026 ` and `trips 2026` are one collection.
    """
    return _folded(given) or DEFAULT


def collection_filter(given: str) -> str:
    """`collection_name` of a filter, in which blank means every collection: "" stays ""."""
    return _folded(given)


def collection_names(given: Iterable[str]) -> tuple[str, ...]:
    """Each name once, as it is stored, in alphabetical order."""
    return tuple(sorted({collection_name(name) for name in given}))


def _folded(given: str) -> str:
    visible = "".join(c for c in _UNSEEN.sub("", given) if c.isprintable() or c.isspace())
    folded = unicodedata.normalize("NFKC", visible).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())  # folding can undo the first
