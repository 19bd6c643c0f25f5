"""The title of a source: from the file's own metadata, else from its name."""

from __future__ import annotations

import os
import re
import unicodedata


def title(path: str, tagged: str = "") -> str:
    """`tagged`, the title in the metadata, unless it is a placeholder; else the name's stem."""
    text = plain(tagged)
    if text and not re.fullmatch(r"(?i)untitled|unknown|no title|document\d*|\W*", text):
        return text[:200]
    stem = os.path.splitext(os.path.basename(path))[0]
    return plain(re.sub(r"[_\s]+", " ", stem))[:200] or os.path.basename(path)


def plain(text: str) -> str:
    """The text on one line, without control and bidirectional formatting characters."""
    kept = (c if unicodedata.category(c)[0] != "C" else " " for c in text)
    return " ".join("".join(kept).split())
