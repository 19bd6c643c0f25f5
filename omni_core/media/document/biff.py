"""Records of old Excel workbooks (BIFF) that xlrd does not tell of: words beside the cells."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterator

_FILEPASS, _OBJ, _TXO, _CONTINUE = 0x2F, 0x5D, 0x1B6, 0x3C
_BEGIN, _END, _SHEET, _MARGINS = 0x809, 0x0A, 0x85, (0x14, 0x15)
_NOTE, _TEXT_BOX = 25, 6
_OF_CELLS, _OF_A_CHART = 0, 2
_KINDS = {2: "shape", 5: "chart", 6: "text box", 8: "picture", 9: "drawing", 30: "drawing"}
"""`ot` of an object that a sheet shows; comments (25) and form controls are not among them."""
_EXCEL_97 = 0x600
"""The version whose strings say themselves how wide their characters are."""


class Records:
    """What the records of a workbook tell."""

    def __init__(self, data: bytes) -> None:
        self.encrypted = False
        """With a password."""
        self.objects: dict[str, int] = {}
        """How many of each kind float above the sheets and are not read."""
        self.margins: dict[int, list[str]] = defaultdict(list)
        """Headers and footers of the printed sheets, with their codes, by the sheet's place."""
        self.words: dict[int, list[str]] = defaultdict(list)
        """Words of text boxes, shapes and controls."""
        self._sheets: dict[int, int] = {}
        self._with_cells = 0
        self._sheet, self._depth, self._version, self._object = -1, 0, 0, 0
        self._missing, self._text = 0, ""
        for at, kind, content in _all(data):
            if kind == _FILEPASS:
                self.encrypted, self.objects = True, {}
                return
            self._take(at, kind, content)
        self.objects = {name: n for name, n in self.objects.items() if n > 0}

    def _take(self, at: int, kind: int, content: bytes) -> None:
        if kind == _CONTINUE and self._missing > 0:
            self._go_on(content)
            return
        self._missing = 0
        if kind == _BEGIN and len(content) >= 2:
            self._version = struct.unpack_from("<H", content)[0]
            self._sheet = self._sheets.get(at, self._sheet)
            self._depth = 1 if at in self._sheets else self._depth + 1
        elif kind == _END:
            self._depth -= 1
        elif kind == _SHEET and len(content) >= 6:
            self._list(*struct.unpack_from("<IxB", content))
        elif kind == _OBJ and len(content) >= 6:
            self._object = struct.unpack_from("<H", content, 4)[0]
            self._count(_KINDS.get(self._object))
        elif self._version == _EXCEL_97 and self._depth == 1:  # charts have margins of their own
            self._words_in(kind, content)

    def _list(self, at: int, kind: int) -> None:
        """A sheet that begins at this byte; of those without cells xlrd tells nothing."""
        self._sheets[at] = self._with_cells if kind == _OF_CELLS else -1
        self._with_cells += kind == _OF_CELLS
        if kind == _OF_A_CHART:
            self._count("chart")

    def _count(self, name: str | None, more: int = 1) -> None:
        if name is not None:
            self.objects[name] = self.objects.get(name, 0) + more

    def _words_in(self, kind: int, content: bytes) -> None:
        if kind in _MARGINS and len(content) > 3:
            size = struct.unpack_from("<H", content)[0]
            self.margins[self._sheet].append(_characters(content[2:])[:size])
        elif kind == _TXO and len(content) >= 12 and self._object != _NOTE:
            self._missing, self._text = struct.unpack_from("<H", content, 10)[0], ""
            if self._object == _TEXT_BOX:
                self._count(_KINDS[_TEXT_BOX], -1)
            self._object = 0

    def _go_on(self, content: bytes) -> None:
        """More of the text of an object, which may be divided between records."""
        more = _characters(content)[: self._missing]
        self._text += more
        self._missing = self._missing - len(more) if more else 0
        if not self._missing and self._text.strip():
            self.words[self._sheet].append(" ".join(self._text.split()))


def _characters(data: bytes) -> str:
    """A string after the byte that says whether a character takes two bytes."""
    wide = bool(data) and data[0] & 1
    return data[1:].decode("utf-16-le" if wide else "latin-1", "replace")


def _all(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    at = 0
    while at + 4 <= len(data):
        kind, size = struct.unpack_from("<HH", data, at)
        yield at, kind, data[at + 4 : at + 4 + size]
        at += 4 + size
