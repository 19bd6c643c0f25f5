"""UTF-7 that nothing names: ASCII bytes in which `+APw-` is a letter."""

from __future__ import annotations

import re
import unicodedata

MIN_RUNS, MIN_LETTERS = 3, 9
"""Encoded stretches, or characters in them, from which a text is UTF-7."""
MAX_BYTES = 1 << 20
"""A longer text is none: mail and exports of it, which alone use UTF-7, are short."""
_RUN = re.compile(rb"\+([A-Za-z0-9+/]*)-?")
_PLAIN = re.compile(rb"\d+[A-Za-z]?|[A-Za-z]?[a-z\d]+")
"""What people write behind a plus: `+100`, `+10k`, `one+two`, telephone numbers."""
_SIGNS = frozenset(["Sc", "Pd", "Pi", "Pf", "Po", "Ps", "Pe", "Zs", "So"])
"""Categories of what stands beside letters: currencies, dashes, quotes, no-break spaces."""
_BESIDE = frozenset({"LATIN", "COMBINING", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"})
"""First words of the names of letters that stand beside those of another script."""


def utf7_text(data: bytes) -> str | None:
    """The text, where every `+` begins an encoded stretch, and these are letters of one script or
    Latin, and most do not look like words or numbers; None for any other text."""
    if b"+" not in data or len(data) > MAX_BYTES or not data.isascii():
        return None
    runs = plain = 0
    for run in _RUN.finditer(data):
        size = len(run[1])
        if size == 0 and run[0] == b"+-":
            continue
        if size < 3 or 6 * size % 16 >= 6:  # what is left of the last letter is filled up
            return None
        runs += 1
        plain += _PLAIN.fullmatch(run[1]) is not None
    if 2 * plain >= runs:  # none at all, too
        return None
    try:
        text = data.decode("utf-7")
    except UnicodeDecodeError:
        return None
    beyond = [c for c in text if c > "\x7f"]
    enough = len(beyond) >= (MIN_RUNS if runs >= MIN_RUNS else MIN_LETTERS)
    return text if enough and _are_written(set(beyond)) else None


def _are_written(characters: set[str]) -> bool:
    """Whether they are letters of one script beside Latin ones, and signs."""
    scripts = set()
    for c in characters:
        category = unicodedata.category(c)
        if category[0] in "LM":
            scripts.add(unicodedata.name(c, "?").partition(" ")[0])
        elif category not in _SIGNS:
            return False
    return "?" not in scripts and len(scripts - _BESIDE) <= 1
