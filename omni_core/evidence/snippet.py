"""The passage of a text that is most relevant to a question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from omni_core.text.clean import clean
from omni_core.text.tokens import stem, words


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a text as it is shown, and its characters [start, end) of the cleaned text."""

    text: str
    start: int
    end: int


def snippet(text: str, question: str = "", limit: int = 30) -> str:
    """The words of `passage`."""
    return passage(text, question, limit).text


def passage(text: str, question: str = "", limit: int = 30) -> Passage:
    """At most `limit` words of `text`: the window that contains most of the question's terms.

    Ellipses mark what was cut. Texts without spaces are cut by characters, two to a word.
    """
    said = clean(text)
    parts, joiner = said.split(" "), " "
    compared = parts
    if len(parts) <= limit and len(said) > limit * 12:
        parts, joiner, limit = list(said), "", limit * 2
        compared = [said[i : i + 2] for i in range(len(said))]
    if len(parts) <= limit:
        return Passage(said, 0, len(said))
    wanted = {stem(w) for w in words(question)}
    first = _best_window([_stems(p) & wanted for p in compared], limit)
    shown = joiner.join(parts[first : first + limit])
    before = "… " if first else ""
    after = " …" if first + limit < len(parts) else ""
    start = sum(len(p) for p in parts[:first]) + first * len(joiner)
    return Passage(f"{before}{shown}{after}", start, start + len(shown))


@lru_cache(maxsize=1 << 15)
def _stems(part: str) -> frozenset[str]:
    """The stems of a word as it stands in the text."""
    return frozenset(stem(w) for w in words(part))


def _best_window(held: Sequence[frozenset[str]], limit: int) -> int:
    """Start of the window of `limit` words with the most distinct query terms, centred on them.
    `held[i]`: the query terms that word i matches."""
    found = [i for i, terms in enumerate(held) if terms]
    best, best_gain = 0, (0, 0)
    for first in found:
        inside = [i for i in found if first <= i < first + limit]
        gain = (len(set().union(*(held[i] for i in inside))), len(inside))
        if gain > best_gain:
            spread = inside[-1] - first + 1
            best, best_gain = first - (limit - spread) // 2, gain
    return max(0, min(best, len(held) - limit))
