"""The title of a source: from the file's own metadata, else from its name."""

from __future__ import annotations

import re

from omni_core.text.titles import plain as plain
from omni_core.text.titles import title_of


def title(path: str, tagged: str = "") -> str:
    """`tagged`, the title in the metadata, unless it is a placeholder; else the name's stem."""
    text = plain(tagged)
    if text and not re.fullmatch(r"(?i)untitled|unknown|no title|document\d*|\W*", text):
        return text[:200]
    return title_of(path)
