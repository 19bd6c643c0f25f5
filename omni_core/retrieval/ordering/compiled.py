"""The words of a language as patterns and vocabularies, ready to be looked for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from omni_core.retrieval.ordering.language import Language, Pick, Relation
from omni_core.retrieval.ordering.languages import LANGUAGES

_CYRILLIC, _HAN = re.compile("[а-яё]", re.I), re.compile("[\u4e00-\u9fff]")


def languages_of(text: str) -> tuple[str, ...]:
    """Codes of the languages that a text may be in, by its script."""
    if _HAN.search(text):
        return ("zh",)
    return ("ru",) if _CYRILLIC.search(text) else ("en", "es", "de")


@dataclass(frozen=True, slots=True)
class Cue:
    """A pattern whose groups are the references of a relation."""

    relation: Relation
    pattern: re.Pattern[str]
    close: bool


@dataclass(frozen=True, slots=True)
class Compiled:
    """The patterns of one language."""

    spaced: bool
    """Whether words are separated by spaces."""
    cues: tuple[Cue, ...]
    follow_up: re.Pattern[str]
    picks: dict[Pick, re.Pattern[str]]
    asking: Vocabulary
    empty: Vocabulary
    people: Vocabulary
    spoken: Vocabulary
    shown: Vocabulary
    written: Vocabulary
    film: re.Pattern[str]
    question: re.Pattern[str] | None
    inside: re.Pattern[str] | None
    sources: Vocabulary


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A set of words, some known by their beginnings."""

    exact: frozenset[str]
    beginnings: tuple[str, ...]
    spaced: bool

    @classmethod
    def of(cls, listed: str, spaced: bool) -> Vocabulary:
        """The words of a list as `language` writes them."""
        entries = listed.split()
        return cls(
            frozenset(e for e in entries if not e.endswith("*")),
            tuple(e.removesuffix("*") for e in entries if e.endswith("*")),
            spaced,
        )

    def holds(self, word: str) -> bool:
        """Whether the word is in it, in any case."""
        folded = word.casefold()
        return folded in self.exact or (
            bool(self.beginnings) and folded.startswith(self.beginnings)
        )

    def is_in(self, text: str) -> bool:
        """Whether any of its words is in the text."""
        if not self.spaced:
            return any(w in text for w in self.exact)
        return any(self.holds(w) for w in _WORD.findall(text))


_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
CLOSE_FIRST: tuple[Relation, ...] = ("after", "before")
EDGES_OF_SOURCES: tuple[Relation, ...] = ("start", "end")
LONGEST = 400
"""Characters: a longer question is not read for order."""
IDIOMS = re.compile(
    r"(?i)\b(?:the following\b|following:|after all\b|once upon\b|before all\b|vor allem\b|"
    r"nach wie vor\b|nach und nach\b|vor ort\b|nach hause\b|в конце концов|ante todo\b|"
    r"después de todo\b)"
)
"""Words of order that say nothing of order."""
EDGES = " \t.,;:!?¿¡…。，、；：！？()-–—"


@lru_cache(maxsize=len(LANGUAGES))
def compiled(code: str) -> Compiled:
    """The patterns of a language, by its code."""
    language = LANGUAGES[code]
    spaced = code != "zh"
    question, inside = language.question, language.inside
    asked = rf"(?P<a>.+?)[.,;:!?。，；！？]+\s*¿?(?P<asked>{language.follow_up})[^.]*"
    return Compiled(
        spaced=spaced,
        cues=tuple(_cues(language, spaced)),
        follow_up=re.compile(asked, re.I),
        picks={pick: _pattern(cue, spaced) for pick, cue in language.picks.items()},
        asking=Vocabulary.of(language.asking, spaced),
        empty=Vocabulary.of(language.empty, spaced),
        people=Vocabulary.of(language.people, spaced),
        spoken=Vocabulary.of(language.spoken, spaced),
        shown=Vocabulary.of(language.shown, spaced),
        written=Vocabulary.of(language.written, spaced),
        film=re.compile(language.film, re.I),
        question=re.compile(rf"[,:;]|\s(?=(?:{question})\b)", re.I) if question else None,
        inside=re.compile(rf"\b(?:{inside})\s", re.I) if inside else None,
        sources=Vocabulary.of(language.sources, spaced),
    )


def _cues(language: Language, spaced: bool) -> Iterator[Cue]:
    """Cues in the order in which they are tried: the plainest first."""
    for relation in CLOSE_FIRST:
        yield _cue(relation, language.close[relation], spaced, close=True)
    for relation, cue in language.loose.items():
        yield _cue(relation, cue, spaced, close=False)
    for relation in EDGES_OF_SOURCES:
        yield _cue(relation, language.close[relation], spaced, close=True)


def _cue(relation: Relation, cue: str, spaced: bool, *, close: bool) -> Cue:
    if not spaced:
        options = (_named(option, number) for number, option in enumerate(_options(cue)))
        return Cue(relation, re.compile("|".join(options)), close)
    if "{}" in cue:
        cue = cue.replace("{}", "(?P<a>.+?)", 1).replace("{}", "(?P<b>.+)", 1)
        return Cue(relation, re.compile(rf"(?<!\w){cue}", re.I), close)
    return Cue(relation, re.compile(rf"(?<!\w)(?:{cue})(?!\w),?\s*(?P<a>.*)", re.I), close)


def _named(option: str, number: int) -> str:
    """The references of an alternative as groups a and b with its number: names are unique."""
    return option.replace("{}", f"(?P<a{number}>.+?)", 1).replace("{}", f"(?P<b{number}>.+?)", 1)


def _options(cue: str) -> list[str]:
    """The alternatives of a pattern at its outermost level."""
    options, depth, last = [], 0, 0
    for at, letter in enumerate(cue):
        depth += (letter == "(") - (letter == ")")
        if letter == "|" and not depth:
            options.append(cue[last:at])
            last = at + 1
    return [*options, cue[last:]]


def _pattern(cue: str, spaced: bool) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{cue})(?!\w)" if spaced else cue, re.I)
