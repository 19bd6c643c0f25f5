"""What a PDF engine offers: a document, its pages, and what lies on them.

Boxes are (left, top, right, bottom) in points from the top left corner of the page as it is seen,
turned and cropped.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from omni_core.errors import UnreadableError
from omni_core.types import Crop, Pixels

Box = tuple[float, float, float, float]
Kind = Literal["pdf", "epub", "xps"]

FAILURES = (Exception,)
"""What engines raise for damaged files and pages: their own errors, shortage of memory, and nearly
every built-in one."""
MAX_SCALE = 8.0
"""Largest zoom, relative to 72 dpi, at which a page is rendered."""


@dataclass(frozen=True, slots=True)
class Glyph:
    """A character, or the few of a ligature, with its place."""

    text: str
    box: Box


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text: its largest font size in points, its box, and whither it is read as the page
    is seen: 0 to the right, 90 down, 180 to the left, 270 up."""

    text: str
    size: float
    box: Box
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its place."""

    text: str
    box: Box


@dataclass(frozen=True, slots=True)
class Note:
    """A remark attached to a page. drawn: whether its words belong on the page as it is seen."""

    author: str
    text: str
    drawn: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """A filled field of a form. ticked: a check box or radio button that is on; `value` is then
    the name of that state."""

    label: str
    value: str
    ticked: bool = False


class Page(ABC):
    """A page; its text is read once for each call."""

    width: float
    height: float

    @abstractmethod
    def lines(self, *, numbered: bool = False, replaced: bool = False) -> list[Line]:
        """The lines of the text layer as they are drawn.

        numbered: glyphs whose meaning the font does not say are read as the characters with
        their numbers, which they often are, instead of U+FFFD. replaced: where the file gives a
        text for what is drawn (`ActualText`), that text.
        """

    @abstractmethod
    def has_replacements(self) -> bool:
        """Whether the file gives words or numbers for something that is drawn, which `lines` does
        not use of itself."""

    @abstractmethod
    def glyphs(self, *, numbered: bool = False) -> list[tuple[float, list[Glyph]]]:
        """The characters of each line with its font size, for lines that are put in order anew."""

    @abstractmethod
    def words(self) -> list[Word]:
        """The words of the text layer as they are drawn."""

    @abstractmethod
    def pictures(self) -> list[Box]:
        """Where pictures lie."""

    @abstractmethod
    def may_have_pictures(self) -> bool:
        """Whether to look for pictures: False, at little cost, where there are none."""

    @abstractmethod
    def alternative_texts(self) -> list[str]:
        """What the author says of the pictures on it, where the file is tagged."""

    @abstractmethod
    def notes(self) -> list[Note]:
        """The remarks that readers attached."""

    @abstractmethod
    def attachments(self) -> list[str]:
        """The names of the files that hang at places of the page."""

    @abstractmethod
    def fields(self) -> list[Field]:
        """The filled fields of a form, without passwords and hidden ones."""

    @abstractmethod
    def is_damaged(self) -> bool:
        """Whether some of what the page draws cannot be unpacked; asked after its lines were."""

    @abstractmethod
    def draw(self, edge: int, crop: Crop | None) -> Pixels:
        """(height, width, 3) RGB of the page or of `crop`, the long edge `edge` pixels."""


class Document(ABC):
    """An open file; close it after use."""

    kind: Kind
    pages: int
    repaired: bool
    """Whether its structure was damaged and had to be guessed."""
    whole: bool
    """Whether all of its `pages` can be found."""
    title: str
    dates: Sequence[str]
    """When it was made and when changed, as the file says it."""

    @abstractmethod
    def page(self, number: int) -> Page:
        """Page `number`, from 1; the last one is kept."""

    @abstractmethod
    def attachments(self) -> list[str]:
        """The names of the files within it, without those that hang at a page."""

    @abstractmethod
    def form(self) -> bytes:
        """The XML of the XFA form for which the only page stands; empty without one."""

    @abstractmethod
    def outline(self) -> list[tuple[str, int]]:
        """(title, page from 1) of each bookmark, in order."""

    @abstractmethod
    def close(self) -> None:
        """Release the file."""


class Engine(ABC):
    """A library that opens documents."""

    name: ClassVar[str]
    kinds: ClassVar[frozenset[Kind]]

    @abstractmethod
    def open(self, path: str, kind: Kind, password: str | None) -> Document:
        """Raises UnreadableError (ENCRYPTED) without the right password, or any of `FAILURES`."""


_SHADOW, _REPEATED = 0.15, 8
"""Distance of a shadow in font sizes, and lines of the same text that one is compared with."""


def encrypted(path: str, password: str | None) -> UnreadableError:
    """The error for a missing or a wrong password."""
    how = (
        "the password given is wrong"
        if password
        else "it needs a password (omni-mcp ingest FILE --password ...)"
    )
    return UnreadableError(f"{os.path.basename(path)!r} is encrypted: {how}", code="ENCRYPTED")


def turned(box: Box, width: float, height: float, rotation: int) -> Box:
    """A box on a page of this size, after the page was turned clockwise by `rotation` degrees."""
    x0, y0, x1, y1 = box
    if rotation == 90:
        return height - y1, x0, height - y0, x1
    if rotation == 180:
        return width - x1, height - y1, width - x0, height - y0
    if rotation == 270:
        return y0, width - x1, y1, width - x0
    return box


def direction(glyphs: Sequence[Glyph]) -> int:
    """Whither the characters of a line are read, as `Line.turn`, by the first and the last one."""
    seen = [glyph.box for glyph in glyphs if glyph.text.strip()]
    if len(seen) < 2:
        return 0
    first, last = seen[0], seen[-1]
    across = (last[0] + last[2]) - (first[0] + first[2])
    down = (last[1] + last[3]) - (first[1] + first[3])
    if abs(across) >= abs(down):
        return 0 if across >= 0 else 180
    return 90 if down > 0 else 270


def drawn_once(lines: Sequence[Line]) -> list[Line]:
    """The lines without those that are drawn again at nearly their place, to look bold or to throw
    a shadow."""
    found: list[Line] = []
    same: dict[str, list[Line]] = {}
    for line in lines:
        before = same.setdefault(line.text, [])
        if not any(_is_at_place(line, other) for other in before[-_REPEATED:]):
            before.append(line)
            found.append(line)
    return found


def _is_at_place(line: Line, other: Line) -> bool:
    return all(abs(a - b) <= _SHADOW * line.size for a, b in zip(line.box, other.box, strict=True))


def around(boxes: Sequence[Box]) -> Box:
    """The smallest box that holds all of these."""
    return (
        min(b[0] for b in boxes), min(b[1] for b in boxes),
        max(b[2] for b in boxes), max(b[3] for b in boxes),
    )  # fmt: skip
