"""Sources that a question names in passing: "how often is tea mentioned in talk.mp4"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from omni_core.retrieval.ordering.compiled import (
    EDGES,
    LONGEST,
    Vocabulary,
    compiled,
    languages_of,
)


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
    if len(question) > LONGEST:
        return
    for file in _FILE.finditer(question):
        rest = f"{question[: file.start()]} {question[file.end() :]}"
        yield NamedSource(file[0], rest, True)
    for code in languages_of(question):
        words = compiled(code)
        if words.inside is None:
            continue
        for start in words.inside.finditer(question):
            phrase = re.match(r"[^,;?!]+?(?=[,;?!]|\.?\s*$)", question[start.end() :])
            if phrase is None:
                continue
            rest = question[: start.start()] + question[start.end() + phrase.end() :]
            tokens = [t for w in phrase[0].split() if (t := w.strip(EDGES + "\"“”«»„'"))]
            kinds = [t for t in tokens if words.sources.holds(t)]
            named = _trimmed([t for t in tokens if t not in kinds], words.empty)
            named = named or _trimmed(tokens, words.empty) or kinds or tokens
            yield NamedSource(" ".join(named), rest, bool(kinds))


def _trimmed(tokens: list[str], empty: Vocabulary) -> list[str]:
    """The tokens without those at both ends that have no content."""
    held = [n for n, token in enumerate(tokens) if not empty.holds(token)]
    return tokens[held[0] : held[-1] + 1] if held else []


_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\.[A-Za-z][A-Za-z0-9]{1,3}(?![A-Za-z0-9])")
