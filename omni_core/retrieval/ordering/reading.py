"""Reads a question of order: what is sought, relative to what, the first, the last or how many.

    What does she say right after the slide about corals?   sought: speech; after: corals
    When did I last see my keys?                            the last "my keys"
    How often is the budget mentioned?                      counts "the budget"

English, Spanish, German, Russian and Chinese; the words are in `words`. Text within quotation
marks is never read as order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from omni_core.retrieval.ordering.words import LANGUAGES, UNITS, Language, Pick, Relation
from omni_core.types import Channel

_SHOWN = frozenset({Channel.VISUAL, Channel.SCREEN_TEXT})
_SPOKEN = frozenset({Channel.SPEECH})
_WRITTEN = frozenset({Channel.TEXT, Channel.SCREEN_TEXT})
LONGEST = 400
"""Characters: a longer question is not read for order."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The moment, or for `start` and `end` the source, that a question refers to."""

    words: str
    """Its content: `corals`."""
    phrase: str
    """As the question has it: `the slide about corals`."""
    pick: Literal["", "first", "last"] = ""
    """Which of several such moments is meant."""
    channels: frozenset[Channel] = frozenset()
    """Where it is to be looked for: in the picture for `slide`; empty is everywhere."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A question of order, understood."""

    sought: str
    """The content that is sought; "" where the question asks for whatever is there."""
    relation: Relation | None = None
    references: tuple[Reference, ...] = ()
    """One for after, before, start and end; two for between."""
    close: bool = False
    """Whether the nearest is meant: `right after`."""
    sure: bool = True
    """False where the words may mean something else: `what is said of life after death`."""
    pick: Pick | None = None
    channels: frozenset[Channel] = frozenset()
    """Where the sought is: in speech for `say`; empty is everywhere."""
    unit: str = ""
    """`page`, `chapter` or `section`, where such a part is asked for."""
    only_films: bool = False
    """Whether the question says that it is about a film."""


def read(question: str) -> Reading | None:
    """The question as one of order; None when it is not one."""
    if len(question) > LONGEST:
        return None
    text, quotes = _without_quotes(" ".join(question.split()))
    for code in _languages(text):
        found = _Reader(_compiled(code), quotes).read(text)
        if found is not None:
            return found
    return None


def sought(question: str) -> Reading:
    """A question whose order is given apart: only its content, and where that is looked for."""
    text, quotes = _without_quotes(" ".join(question.split()))
    readers = [_Reader(_compiled(code), quotes) for code in _languages(text)]
    best = min(readers, key=lambda r: len(r.content(text)))
    return Reading(best.content(text), channels=best.channels(text), unit=_unit(text))


@dataclass(frozen=True, slots=True)
class NamedSource:
    """Words of a question that may name a source, and the question without them."""

    name: str
    rest: str
    is_kind: bool
    """Whether the words say that it is a source: `the committee meeting`, `album.mp4`."""


def named_sources(question: str) -> Iterator[NamedSource]:
    """What may name a source at the end of a question or of a part of it, the longest first:
    "how often is tea mentioned *in the committee meeting*"."""
    for code in _languages(question):
        words = _compiled(code)
        if words.inside is None:
            continue
        for start in words.inside.finditer(question):
            phrase = re.match(r"[^,;?!]+?(?=[,;?!]|\.?\s*$)", question[start.end() :])
            if phrase is None:
                continue
            rest = question[: start.start()] + question[start.end() + phrase.end() :]
            tokens = [t for w in phrase[0].split() if (t := w.strip(_EDGES + "\"“”«»„'"))]
            kinds = [t for t in tokens if words.sources.holds(t)]
            while tokens and len(tokens) > 1 and words.empty.holds(tokens[0]):
                tokens = tokens[1:]
            named = [t for t in tokens if t not in kinds] or tokens
            ends = bool(_SUFFIX.search(phrase[0]))
            yield NamedSource(" ".join(named), rest, ends or bool(kinds))


_SUFFIX = re.compile(r"\.\w{2,4}\W*$")
_CYRILLIC, _HAN = re.compile("[а-яё]", re.I), re.compile("[\u4e00-\u9fff]")


def _languages(text: str) -> tuple[str, ...]:
    if _HAN.search(text):
        return ("zh",)
    return ("ru",) if _CYRILLIC.search(text) else ("en", "es", "de")


@dataclass(frozen=True, slots=True)
class _Cue:
    relation: Relation
    pattern: re.Pattern[str]
    close: bool


@dataclass(frozen=True, slots=True)
class _Compiled:
    """The patterns of one language."""

    spaced: bool
    """Whether words are separated by spaces."""
    cues: tuple[_Cue, ...]
    follow_up: re.Pattern[str]
    picks: dict[Pick, re.Pattern[str]]
    asking: _Vocabulary
    empty: _Vocabulary
    spoken: _Vocabulary
    shown: _Vocabulary
    written: _Vocabulary
    film: re.Pattern[str]
    question: re.Pattern[str] | None
    inside: re.Pattern[str] | None
    sources: _Vocabulary


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    """A set of words, some known by their beginnings."""

    exact: frozenset[str]
    beginnings: tuple[str, ...]
    spaced: bool

    @classmethod
    def of(cls, listed: str, spaced: bool) -> _Vocabulary:
        entries = listed.split()
        return cls(
            frozenset(e for e in entries if not e.endswith("*")),
            tuple(e.removesuffix("*") for e in entries if e.endswith("*")),
            spaced,
        )

    def holds(self, word: str) -> bool:
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
_CLOSE_FIRST: tuple[Relation, ...] = ("after", "before")
_EDGES = " \t.,;:!?¿¡…。，、；：！？()-–—"


@lru_cache(maxsize=len(LANGUAGES))
def _compiled(code: str) -> _Compiled:
    language = LANGUAGES[code]
    spaced = code != "zh"
    question, inside = language.question, language.inside
    asked = rf"(?P<a>.+?)[.,;:!?。，；！？]+\s*¿?(?P<asked>{language.follow_up})[^.]*"
    return _Compiled(
        spaced=spaced,
        cues=tuple(_cues(language, spaced)),
        follow_up=re.compile(asked, re.I),
        picks={pick: _pattern(cue, spaced) for pick, cue in language.picks.items()},
        asking=_Vocabulary.of(language.asking, spaced),
        empty=_Vocabulary.of(language.empty, spaced),
        spoken=_Vocabulary.of(language.spoken, spaced),
        shown=_Vocabulary.of(language.shown, spaced),
        written=_Vocabulary.of(language.written, spaced),
        film=re.compile(language.film, re.I),
        question=re.compile(rf"[,:;]|\s(?=(?:{question})\b)", re.I) if question else None,
        inside=re.compile(rf"\b(?:{inside})\s", re.I) if inside else None,
        sources=_Vocabulary.of(language.sources, spaced),
    )


def _cues(language: Language, spaced: bool) -> Iterator[_Cue]:
    """Cues in the order in which they are tried: the plainest first."""
    for relation in _CLOSE_FIRST:
        yield _cue(relation, language.close[relation], spaced, close=True)
    for relation, cue in language.loose.items():
        yield _cue(relation, cue, spaced, close=False)
    for relation in ("start", "end"):
        yield _cue(relation, language.close[relation], spaced, close=True)  # type: ignore[arg-type]


def _cue(relation: Relation, cue: str, spaced: bool, *, close: bool) -> _Cue:
    if not spaced:
        options = []
        for number, option in enumerate(_options(cue)):
            marks = iter("ab")
            options.append(
                re.sub(r"\{\}", lambda _, m=marks, n=number: f"(?P<{next(m)}{n}>.+?)", option)
            )
        return _Cue(relation, re.compile("|".join(options)), close)
    if "{}" in cue:
        cue = cue.replace("{}", "(?P<a>.+?)", 1).replace("{}", "(?P<b>.+)", 1)
        return _Cue(relation, re.compile(rf"(?<!\w){cue}", re.I), close)
    # 'after' ends a German verb now and then: a reference follows a cue, or for start and end none
    return _Cue(relation, re.compile(rf"(?<!\w)(?:{cue})(?!\w),?\s*(?P<a>.*)", re.I), close)


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


_QUOTED = re.compile(r"[\"“”«»„「『][^\"“”«»„」』]+[\"“”«»„」』]")
_MASK = 0xE000
"""A private-use letter stands for each quotation while cues are looked for."""


def _without_quotes(text: str) -> tuple[str, list[str]]:
    quotes: list[str] = []

    def mask(found: re.Match[str]) -> str:
        quotes.append(found[0])
        return chr(_MASK + len(quotes) - 1)

    return _QUOTED.sub(mask, text), quotes


def _unit(text: str) -> str:
    return next((u for u, pattern in UNITS.items() if re.search(pattern, text, re.I)), "")


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads questions of one language; `quotes` stand in the text as private-use letters."""

    words: _Compiled
    quotes: list[str]

    def read(self, text: str) -> Reading | None:
        follow_up = self.words.follow_up.fullmatch(text)
        if follow_up:
            return self._reading(
                follow_up["asked"], "after", (follow_up["a"],), close=True, sure=True, whole=text
            )
        for cue in self.words.cues:
            found = self._related(text, cue)
            if found is not None:
                return found
        pick, rest = self._picked(text)
        if pick is None or not self.content(rest):
            return None
        return self._reading(text, None, (), close=False, sure=True, whole=text)

    def _related(self, text: str, cue: _Cue) -> Reading | None:
        match = cue.pattern.search(text)
        if match is None:
            return None
        groups = [g for name, g in sorted(match.groupdict().items()) if g is not None]
        before, after = text[: match.start()], text[match.end() :]
        if self.words.spaced:
            rest, references = self._split(before, groups)
        else:
            rest, references = before + after, groups
        needed = cue.relation not in ("start", "end")
        if needed and not all(self.content(r) or r.strip(_EDGES) for r in references):
            return None
        pick, target = self._picked(rest)
        asks = self.words.asking.is_in(rest) or pick is not None
        content = self.content(target)
        if not cue.close and not asks:
            return None
        if cue.relation == "between" and content:
            return None  # the difference between supervised and unsupervised learning
        sure = cue.close or not content
        cue_itself = ""
        if not needed:  # `the last slide of` names a part that is sought
            cue_itself, sure = match[0].removesuffix(groups[-1]), asks
        return self._reading(
            rest, cue.relation, tuple(references), close=cue.close, sure=sure, whole=text,
            hints=f"{rest} {cue_itself}",
        )  # fmt: skip

    def _split(self, before: str, groups: list[str]) -> tuple[str, list[str]]:
        """What is sought, and the references: `Right after X, what is shown?` has both behind
        the cue."""
        *first, last = groups
        asked = self.content(before) or self.words.asking.is_in(before)
        ends = re.search(r"[?!;]|\.(?:\s|$)", last)
        if asked or self.words.question is None:
            return before, [*first, last[: ends.start()] if ends else last]
        cut = self.words.question.search(last)
        if cut is None:
            return before, [*first, last]
        return f"{before} {last[cut.end() :]}", [*first, last[: cut.start()]]

    def _reading(
        self,
        rest: str,
        relation: Relation | None,
        references: tuple[str, ...],
        *,
        close: bool,
        sure: bool,
        whole: str,
        hints: str = "",
    ) -> Reading:
        """`hints` are the words that tell where the sought is: `rest`, unless given."""
        pick, target = self._picked(rest)
        hints = hints or rest
        return Reading(
            self.content(target),
            relation,
            tuple(self._reference(r) for r in references),
            close=close,
            sure=sure,
            pick=pick,
            channels=self.channels(hints),
            unit=_unit(hints),
            only_films=bool(self.words.film.search(whole)),
        )

    def _picked(self, text: str) -> tuple[Pick | None, str]:
        """Which of several is meant, and the text without the words that say it."""
        for pick in ("count", "first", "last"):
            match = self.words.picks[pick].search(text)  # type: ignore[index]
            if match is not None:
                return pick, f"{text[: match.start()]} {text[match.end() :]}"  # type: ignore[return-value]
        return None, text

    def _reference(self, phrase: str) -> Reference:
        pick, rest = self._picked(phrase)
        shown = self.words.shown.is_in(phrase)
        spoken = self.words.spoken.is_in(phrase)
        whole = self._quoted(phrase.strip(_EDGES))
        return Reference(
            self.content(rest) or whole,
            whole,
            "" if pick in (None, "count") else pick,  # type: ignore[arg-type]
            (_SHOWN if shown else frozenset()) | (_SPOKEN if spoken else frozenset()),
        )

    def channels(self, text: str) -> frozenset[Channel]:
        """Where the verbs and nouns of a text look for its content."""
        words = self.words
        found: frozenset[Channel] = frozenset()
        for vocabulary, channels in (
            (words.spoken, _SPOKEN), (words.shown, _SHOWN), (words.written, _WRITTEN)
        ):  # fmt: skip
            if vocabulary.is_in(text):
                found |= channels
        return found

    def content(self, text: str) -> str:
        """The text without the words at its ends that have no content of their own."""
        film = self.words.film.sub(" ", text)
        shorter = self._trimmed_words(film) if self.words.spaced else self._trimmed_letters(film)
        return self._quoted(shorter)

    def _trimmed_words(self, text: str) -> str:
        left = [w for token in text.split() if (w := token.strip(_EDGES))]
        while left and self.words.empty.holds(left[0]):
            left.pop(0)
        while left and self.words.empty.holds(left[-1]):
            left.pop()
        return " ".join(left)

    def _trimmed_letters(self, text: str) -> str:
        text = text.strip(_EDGES)
        longest = sorted(self.words.empty.exact, key=len, reverse=True)
        shorter = True
        while shorter and text:
            shorter = False
            for word in longest:
                if text.startswith(word) or text.endswith(word):
                    text = text.removeprefix(word).removesuffix(word).strip(_EDGES)
                    shorter = True
                    break
        return text

    def _quoted(self, text: str) -> str:
        for number, quote in enumerate(self.quotes):
            text = text.replace(chr(_MASK + number), quote)
        return text
