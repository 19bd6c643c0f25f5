"""Korean words, between which MuPDF adds no spaces where none are written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from omni_core.media.document.engines.base import Glyph, Line, Word, around, direction

_HANGUL = re.compile("[\uac00-\ud7a3]")
SPACE = 0.15
"""Gap between two characters, in font sizes, that is a space."""


def spoken(texts: Iterable[str]) -> bool:
    """Whether there is any Hangul."""
    return _HANGUL.search("".join(texts)) is not None


def lines(pieces: Sequence[tuple[float, list[Glyph]]]) -> list[Line]:
    """As `Page.lines`."""
    found = []
    for size, glyphs in pieces:
        text = "".join(_spaced(glyphs, size)).strip()
        if text:
            boxes = [glyph.box for glyph in glyphs if glyph.text.strip()]
            found.append(Line(text, size, around(boxes), direction(glyphs)))
    return found


def words(pieces: Sequence[tuple[float, list[Glyph]]]) -> list[Word]:
    """As `Page.words`."""
    found = []
    for size, glyphs in pieces:
        word: list[Glyph] = []
        for text, glyph in zip(_spaced(glyphs, size), glyphs, strict=True):
            if word and text != text.lstrip():
                found.append(_word(word))
                word = []
            if text.strip():
                word.append(glyph)
        if word:
            found.append(_word(word))
    return found


def _word(glyphs: Sequence[Glyph]) -> Word:
    return Word("".join(g.text for g in glyphs), around([g.box for g in glyphs]))


def _spaced(glyphs: Sequence[Glyph], size: float) -> Iterator[str]:
    """The characters, each with the space before it."""
    before: Glyph | None = None
    for glyph in glyphs:
        apart = before is not None and glyph.box[0] - before.box[2] > SPACE * size
        beside = before is not None and spoken((before.text, glyph.text))
        written = glyph.text.isspace() or (before is not None and before.text.isspace())
        yield f" {glyph.text}" if apart and beside and not written else glyph.text
        before = glyph
