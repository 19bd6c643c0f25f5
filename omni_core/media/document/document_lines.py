"""The text of a document as lines, of which some are headings and some stand for pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from omni_core.media.document.drawing_ml import Picture
from omni_core.media.document.pictures import Pictures


class Placed(NamedTuple):
    """A picture, and the characters of the line that stands for it in the text."""

    start: int
    end: int
    picture: Picture


@dataclass
class DocumentText:
    """The text of a document, one block a line, its headings (first character, text), and its
    pictures, each of which is a line of the text: `Picture 2: its alternative text`."""

    text: str
    headings: list[tuple[int, str]] = field(default_factory=list)
    pictures: list[Placed] = field(default_factory=list)

    @property
    def scanned(self) -> bool:
        """Whether the document is a stack of scans: pictures and no other line."""
        lines = self.text.count("\n") + 1
        return bool(self.pictures) and lines == len(self.pictures)


class Line(NamedTuple):
    """A line, and the picture that it stands for."""

    text: str
    heading: bool = False
    picture: Picture | None = None


@dataclass
class NumberedPictures:
    """The lines of pictures; each picture that can be shown has one, and a number."""

    shown: Pictures
    seen: set[object] = field(default_factory=set)

    def line_of(self, one: str | Picture) -> Iterator[Line]:
        """A text as a line, or the lines of a picture."""
        return iter([Line(one)]) if isinstance(one, str) else self.lines(one)

    def lines(self, picture: Picture) -> Iterator[Line]:
        """`Picture 2: its alternative text`, once for each picture; the words of a drawing."""
        key = self.shown.key(picture)
        if key is None or key in self.seen:
            return
        words = self.shown.words(picture)
        if self.shown.has(picture):
            self.seen.add(key)
            name = f"Picture {len(self.seen)}"
            yield Line(": ".join(t for t in (name, picture.alt) if t), picture=picture)
        elif picture.alt:
            yield Line(f"Picture: {picture.alt}")
        if words:
            yield Line(words)


def joined(lines: list[Line]) -> DocumentText:
    """The lines as one text, with the places of headings and pictures."""
    at = 0
    found = DocumentText("\n".join(line.text for line in lines))
    for line in lines:
        if line.heading:
            found.headings.append((at, line.text))
        if line.picture is not None:
            found.pictures.append(Placed(at, at + len(line.text), line.picture))
        at += len(line.text) + 1
    return found
