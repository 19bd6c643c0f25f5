"""Which row of a table a moment is about: the one that holds the question's words and numbers.

Rows of one table are alike for a model, and BM25 counts the 4 of 4.9 as well; here a number is
only equal to itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from omni_core.retrieval.fusion import Candidate
from omni_core.retrieval.moments import Moment
from omni_core.text.bm25 import telling, terms

LEAST = 2
"""Words of the question that a row holds from which it may come before other words of its page."""
_NUMBER = re.compile(r"(?<![^\W\d_])[^\W\d_]*\d[\w.,:/-]*")


def rows_first(moments: Sequence[Moment], question: str) -> list[Moment]:
    """The moments, those with rows of tables led by the row that agrees best with the question,
    where no other words of the moment agree better."""
    wanted = _wanted(question)
    return [_led(moment, wanted) if wanted else moment for moment in moments]


def _led(moment: Moment, wanted: frozenset[str]) -> Moment:
    rows = [m for m in moment.members if m.stored.unit == "row"]
    if not rows:
        return moment
    best = max(rows, key=lambda m: _agreement(m, wanted))
    least = _agreement(moment.best, wanted) + (moment.best.stored.unit == "row")
    if best is moment.best or _agreement(best, wanted) < max(LEAST, least):
        return moment
    others = tuple(m for m in moment.members if m is not best)
    # the moment keeps its place: it is the page that was ranked
    led = best._replace(score=moment.best.score)
    return replace(moment, members=(led, *others))


def _agreement(candidate: Candidate, wanted: frozenset[str]) -> int:
    stored = candidate.stored
    return len(_said(f"{stored.heading}\n{stored.text}") & wanted)


@lru_cache(maxsize=1 << 10)
def _said(text: str) -> frozenset[str]:
    return frozenset(t for t in terms(text) if not any(c.isdigit() for c in t)) | _numbers(text)


def _wanted(question: str) -> frozenset[str]:
    words = {t for t in telling(question) if not any(c.isdigit() for c in t)}
    return frozenset(words) | _numbers(question)


def _numbers(text: str) -> frozenset[str]:
    """Numbers and codes as they are written: `4`, `4.9`, `e-1042`."""
    return frozenset(n.rstrip(".,:/-").casefold() for n in _NUMBER.findall(text))
