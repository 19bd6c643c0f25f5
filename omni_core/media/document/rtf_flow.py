"""The lines that RTF text makes: paragraphs, table rows, and what follows them."""

from __future__ import annotations

from collections.abc import Sequence

from omni_core.media.document.document_lines import Line
from omni_core.media.document.drawing_ml import Picture


class Flow:
    """Text that is read in order: the body, a note, a header, a text box."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.endnote = False
        self._words: list[str] = []
        self._cells: list[str] = []
        self._after: list[Line] = []

    def add(self, text: str) -> None:
        """Some text of the paragraph."""
        self._words.append(text)

    def follow(self, lines: Sequence[str | Picture]) -> None:
        """Lines and pictures that come after the paragraph or row that is being read."""
        self._after += [Line(x) if isinstance(x, str) else Line("", picture=x) for x in lines]

    def end_paragraph(self, *, heading: bool, in_table: bool) -> None:
        """A paragraph ends; within a cell it is a space."""
        if in_table:
            self._words.append(" ")
            return
        self.end_row()
        if text := self._taken():
            self.lines.append(Line(text, heading))
        self._settle()

    def end_cell(self) -> None:
        """A cell of a table row ends."""
        self._cells.append(self._taken())

    def end_row(self) -> None:
        """A table row ends: `a | b`, without empty cells at its end."""
        while self._cells and not self._cells[-1]:
            self._cells.pop()
        if self._cells:
            self.lines.append(Line(" | ".join(self._cells)))
            self._cells = []
            self._settle()

    def close(self) -> None:
        """The text ends, whether or not its last paragraph did."""
        self.end_paragraph(heading=False, in_table=False)

    def texts(self) -> list[str]:
        """The lines so far, as they stand; ends the text."""
        self.close()
        return [line.text for line in self.lines if line.picture is None]

    def pictures(self) -> list[Picture]:
        """Those of the lines."""
        return [line.picture for line in self.lines if line.picture is not None]

    def _taken(self) -> str:
        text = joined("".join(self._words))
        self._words.clear()
        return text

    def _settle(self) -> None:
        self.lines += self._after
        self._after.clear()


def joined(text: str) -> str:
    """On one line, with surrogate pairs as the characters that they encode."""
    if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return " ".join(text.split())
