"""Speakers that a transcript or subtitles name: `Ann: we walked to the weir`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# a dash or >> begins what the next one says; possessive, so that a row of them is read in one way
_NAME = re.compile(
    r"\s*+(?:[-\u2010-\u2015>\u00bb][-\u2010-\u2015>\u00bb\s]*+)?"
    r"([^\W\d_][\w.'\u2019-]*(?: [\w.'\u2019-]+){0,3}) ?[:\uff1a](?!//)\s*(?=\S)"
)
_SMALL = frozenset(
    {"de", "da", "di", "del", "der", "den", "la", "le", "of", "van", "von", "y", "zu"}
)
_ENDS = tuple('.!?…。！？"”»)')
MAX_NAME = 40
"""Characters of a name; a longer beginning is a sentence."""


@dataclass(frozen=True, slots=True)
class Said:
    """Words between two times, and who says them as the text has it."""

    start: float
    end: float
    name: str
    """"" where the text does not say."""


def leading_name(text: str) -> tuple[str, int]:
    """The speaker with whose name a text begins, and where the words after it begin; "" and 0
    without one. A name in capitals is written as names are: `ANN LEE` is `Ann Lee`."""
    found = _NAME.match(text)
    if found is None or len(found[1]) > MAX_NAME or not _is_name(found[1]):
        return "", 0
    name = found[1]
    return (name.title() if name.isupper() and len(name) > 1 else name), found.end()


def _is_name(text: str) -> bool:
    """Whether its words begin as those of a name do; a script without capitals has none to see."""
    first, *rest = text.split()
    return not first[0].islower() and all(
        not w[0].islower() or w.casefold() in _SMALL for w in rest
    )


def said_by(
    text: str, beats: Sequence[tuple[int, float]], start: float, end: float
) -> Iterator[Said]:
    """The phrases of a window of subtitles with their speakers.

    `beats`: where phrases begin after the first, as (character, second). A phrase without a name
    that goes on with an unfinished sentence is of the speaker before.
    """
    begins = [(0, start), *beats]
    until = [*begins[1:], (len(text), end)]
    name, before = "", ""
    for (at, second), (next_at, next_second) in zip(begins, until, strict=True):
        phrase = text[at:next_at].strip()
        found, _ = leading_name(phrase)
        name = found or ("" if before.endswith(_ENDS) else name)
        yield Said(second, max(second, next_second), name)
        before = phrase
