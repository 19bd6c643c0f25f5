"""The words of order in five languages, as data.

A cue is a regular expression, matched without regard to case. `{}` in a cue of a relation is the
reference ("the rabbit wakes up" in "right after the rabbit wakes up"); a cue without it is
followed by its reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Relation = Literal["after", "before", "between", "start", "end"]
Pick = Literal["first", "last", "count"]
PICKS: tuple[Pick, ...] = ("count", "first", "last")


@dataclass(frozen=True, slots=True)
class Language:
    """How one language speaks of order."""

    close: Mapping[Relation, str]
    """Cues that say order by themselves: `right after`."""
    loose: Mapping[Relation, str]
    """Cues that have other meanings too (`life after death`): they count only where the rest of the
    question asks for nothing but "what" or "which slide"."""
    follow_up: str
    """A question after a sentence that is its reference: `The rabbit yawns. What happens next?`"""
    picks: Mapping[Pick, str]
    """The first time, the last time, how often."""
    asking: str
    """Words by which a question asks for whatever is there: `what`, `which`, `happens`."""
    empty: str
    """Words without content at either end of a phrase: articles, `slide`, `is shown`. A word that
    ends in `*` stands for all that begin with it."""
    people: str
    """Of these, those for people: content where a count asks for nothing else."""
    spoken: str
    """Words that ask for speech, ..."""
    shown: str
    """... for pictures, ..."""
    written: str
    """... and for text."""
    film: str
    """`in the film`: only films are meant."""
    inside: str
    """What stands before the name of a source: `in album.mp4`."""
    sources: str
    """What a source may be called: `the film`, `the meeting`."""
    question: str = ""
    """Words that begin a question: in "right after the cat what is shown" they end the reference.
    """
