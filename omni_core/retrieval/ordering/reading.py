"""Reads a question of order: what is sought, relative to what, the first, the last or how many.

    What does she say right after the slide about corals?   sought: speech; after: corals
    When did I last see my keys?                            the last "my keys"
    How often is the budget mentioned?                      counts "the budget"

English, Spanish, German, Russian and Chinese; the words are in `languages`. Text within quotation
marks is never read as order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from omni_core.retrieval.ordering.compiled import (
    EDGES,
    IDIOMS,
    LONGEST,
    Compiled,
    Cue,
    compiled,
    languages_of,
)
from omni_core.retrieval.ordering.language import PICKS, Pick, Relation
from omni_core.retrieval.ordering.languages import UNITS
from omni_core.types import Channel

_SHOWN = frozenset({Channel.VISUAL, Channel.SCREEN_TEXT})
_SPOKEN = frozenset({Channel.SPEECH})
_WRITTEN = frozenset({Channel.TEXT, Channel.SCREEN_TEXT})


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
    if len(question) > LONGEST or IDIOMS.search(question):
        return None
    text, quotes = _without_quotes(" ".join(question.split()))
    for code in languages_of(text):
        found = _Reader(compiled(code), quotes).read(text)
        if found is not None:
            return found
    return None


def sought(question: str) -> Reading:
    """A question whose order is given apart: only its content, and where that is looked for."""
    if len(question) > LONGEST:
        return Reading(" ".join(question.split()))
    text, quotes = _without_quotes(" ".join(question.split()))
    readers = [_Reader(compiled(code), quotes) for code in languages_of(text)]
    best = min(readers, key=lambda r: len(r.content(text)))
    return Reading(best.content(text), channels=best.channels(text), unit=_unit(text))


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

    words: Compiled
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
        content = self.content(rest) or (self._people(rest) if pick == "count" else "")
        if pick is None or not content:
            return None
        reading = self._reading(text, None, (), close=False, sure=True, whole=text)
        return replace(reading, sought=content)

    def _related(self, text: str, cue: Cue) -> Reading | None:
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
        if needed and not all(self.content(r) or r.strip(EDGES) for r in references):
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
        for pick in PICKS:
            match = self.words.picks[pick].search(text)
            if match is not None:
                return pick, f"{text[: match.start()]} {text[match.end() :]}"
        return None, text

    def _reference(self, phrase: str) -> Reference:
        pick, rest = self._picked(phrase)
        shown = self.words.shown.is_in(phrase)
        spoken = self.words.spoken.is_in(phrase)
        whole = self._quoted(phrase.strip(EDGES))
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

    def _people(self, text: str) -> str:
        """The word for people in a text that has no other content; "" without one."""
        if self.words.spaced:
            tokens = (token.strip(EDGES) for token in text.split())
            return next((token for token in tokens if self.words.people.holds(token)), "")
        return max((w for w in self.words.people.exact if w in text), key=len, default="")

    def _trimmed_words(self, text: str) -> str:
        left = [w for token in text.split() if (w := token.strip(EDGES))]
        while left and self.words.empty.holds(left[0]):
            left.pop(0)
        while left and self.words.empty.holds(left[-1]):
            left.pop()
        return " ".join(left)

    def _trimmed_letters(self, text: str) -> str:
        text = text.strip(EDGES)
        longest = sorted(self.words.empty.exact, key=len, reverse=True)
        shorter = True
        while shorter and text:
            shorter = False
            for word in longest:
                if text.startswith(word) or text.endswith(word):
                    text = text.removeprefix(word).removesuffix(word).strip(EDGES)
                    shorter = True
                    break
        return text

    def _quoted(self, text: str) -> str:
        for number, quote in enumerate(self.quotes):
            text = text.replace(chr(_MASK + number), quote)
        return text
