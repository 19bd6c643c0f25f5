"""The title of a source: from the file's own metadata, else from its name."""

from __future__ import annotations

import os
import re
import unicodedata


def title(path: str, tagged: str = "") -> str:
    """The file's own title where it has one, else its name without suffix, in plain words."""
    text = plain(tagged)
    if text and not re.fullmatch(r"(?i)untitled|unknown|no title|document\d*|\W*", text):
        return text[:200]
    stem = os.path.splitext(os.path.basename(path))[0]
    return plain(re.sub(r"[_\s]+", " ", stem))[:200] or os.path.basename(path)


def plain(text: str) -> str:
    """One line without control and direction marks."""
    kept = (c if unicodedata.category(c)[0] != "C" else " " for c in text)
    return " ".join("".join(kept).split())
