"""Who speaks when in a source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from omni_core.types.contents import Vector

NameFrom = Literal["", "person", "subtitles", "voice"]
"""Who named a speaker: a person, subtitles, or a voice known from another file; "": nobody."""


@dataclass(frozen=True, slots=True, order=True)
class Turn:
    """A stretch of speech of one speaker: [start, end) seconds of the source."""

    start: float
    end: float
    speaker: int
    """Number of the speaker in this source, from 0, in order of appearance."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """A speaker of one source."""

    number: int
    name: str = ""
    """Given by a person, by subtitles or by a known voice; "" for an unknown one."""
    name_from: NameFrom = ""
    written: str = ""
    """What the subtitles call it, whatever it is called now."""
    seconds: float = 0.0
    """How long it speaks in all."""
    turns: int = 0
    first_s: float = 0.0
    """The second at which it is heard first."""

    @property
    def letter(self) -> str:
        """`A` for the first speaker, `B` for the second ... `Z`, `AA`."""
        return letter(self.number)

    @property
    def label(self) -> str:
        """Its name, or `speaker A`."""
        return self.name or f"speaker {self.letter}"


@dataclass(frozen=True, slots=True, eq=False)
class Voices:
    """What was heard of the speakers of a whole source."""

    turns: tuple[Turn, ...]
    """In order of time; they do not overlap."""
    vectors: Sequence[Vector] = ()
    """The mean voice of each speaker, by number: personal data, kept only where that is set."""


def letter(number: int) -> str:
    """0 is A, 25 Z, 26 AA."""
    before, here = divmod(number, 26)
    return (letter(before - 1) if before else "") + chr(ord("A") + here)
