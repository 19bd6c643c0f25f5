"""The title that a file's name gives."""

from __future__ import annotations

import os
import re
import unicodedata


def title_of(path: str) -> str:
    """The name without its suffix, in plain words: `field_trip.mp4` is `field trip`."""
    stem = os.path.splitext(os.path.basename(path))[0]
    return plain(re.sub(r"[_\s]+", " ", stem))[:200] or os.path.basename(path)


def plain(text: str) -> str:
    """The text on one line, without control and bidirectional formatting characters."""
    kept = (c if unicodedata.category(c)[0] != "C" else " " for c in text)
    return " ".join("".join(kept).split())
