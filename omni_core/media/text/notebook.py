"""Jupyter notebooks, of format 4 and of format 3: words, code and the text of outputs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from omni_core.media.text.markdown import outline
from omni_core.media.text.page import Page
from omni_core.media.text.readable import Readable

_OUTPUT_TEXTS = ("text/plain", "text/markdown", "text/latex")
_OLD_KINDS = {
    "text": "text/plain", "html": "text/html", "latex": "text/latex", "png": "image/png",
    "jpeg": "image/jpeg", "svg": "image/svg+xml",
}  # fmt: skip
"""Kinds of output as format 3 names them, beside the output's own fields."""
_OBJECT = re.compile(r"\s*<[\w.]+ (?:object|at 0x)[^<>]*>\s*")
"""What Python shows of an object that shows itself as HTML."""
_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b")


def is_notebook(value: dict[str, Any]) -> bool:
    """Whether parsed JSON is a notebook."""
    cells = value.get("cells", value.get("worksheets"))
    return "nbformat" in value and isinstance(cells, list)


class Notebook:
    """A notebook as people read it, in `read`: its cells in order, each with its outputs."""

    def __init__(self, notebook: dict[str, Any]) -> None:
        self.read = Readable()
        self._out: list[str] = []
        self._at = 0
        for number, cell in enumerate(_cells(notebook), 1):
            if isinstance(cell, dict):
                self._cell(cell)
            else:
                self.read.bad_cells.append(number)
        self.read.text = "".join(self._out)
        self.read.title = self.read.headings[0][1] if self.read.headings else ""

    def _cell(self, cell: dict[str, Any]) -> None:
        source = _joined(cell.get("source", cell.get("input")))
        attached = cell.get("attachments")
        self.read.left_out += len(attached) if isinstance(attached, dict) else 0
        if cell.get("cell_type") == "heading" and source.strip():
            self.read.headings.append((self._at, " ".join(source.split())))
        if cell.get("cell_type") == "markdown":
            self.read.headings += [(self._at + at, name) for at, name in outline(source).headings]
        self._add(source)
        outputs = cell.get("outputs")
        for output in outputs if isinstance(outputs, list) else ():
            if isinstance(output, dict):
                self._add(_COLOUR.sub("", self._output(output)))

    def _output(self, output: dict[str, Any]) -> str:
        if "ename" in output:
            said = f"{output.get('ename')}: {output.get('evalue', '')}"
            trace = output.get("traceback")
            lines = map(str, trace) if isinstance(trace, list) else ()
            above = _COLOUR.sub("", "\n".join(lines)).rstrip()
            return above if said.strip() in above else f"{above}\n{said}".lstrip("\n")
        data = output.get("data")
        kinds = dict(data) if isinstance(data, dict) else {}
        kinds |= {_OLD_KINDS[name]: output[name] for name in _OLD_KINDS if name in output}
        self.read.left_out += sum(kind.startswith("image/") for kind in kinds)
        words = next((w for kind in _OUTPUT_TEXTS if (w := _joined(kinds.get(kind)))), "")
        if "text/html" in kinds and (not words or _OBJECT.fullmatch(words)):
            words = Page(_joined(kinds["text/html"]), "output").text or words
        if not words and kinds:
            self.read.left_out += not any(kind.startswith("image/") for kind in kinds)
        return words

    def _add(self, text: str) -> None:
        if text.strip():
            self._out.append(text.rstrip("\n") + "\n\n")
            self._at += len(self._out[-1])


def _cells(notebook: dict[str, Any]) -> Iterator[Any]:
    """The cells, which format 3 keeps in worksheets; a worksheet that is none counts as one."""
    if "cells" in notebook:
        yield from notebook["cells"]
        return
    for sheet in notebook["worksheets"]:
        cells = sheet.get("cells") if isinstance(sheet, dict) else None
        yield from cells if isinstance(cells, list) else [sheet if cells is None else cells]


def _joined(source: Any) -> str:
    """A notebook's text: a string, or a list of lines."""
    if isinstance(source, list):
        return "".join(str(line) for line in source)
    return source if isinstance(source, str) else ""
