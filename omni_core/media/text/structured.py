"""JSON, lines of JSON and notebooks as readable text: `key: value`, escapes resolved."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from omni_core.media.text.markdown import outline
from omni_core.media.text.page import Page

MAX_PARSED = 16 << 20
"""Characters that are parsed as a whole; its tree takes about ten times as much memory."""
MAX_DEPTH = 50
_BINARY = re.compile(r"(?:data:[\w/+.-]+;base64,)?(?:[A-Za-z0-9+/_-]{64,}+={0,2}\s*)+")
"""A value of nothing but base64, 64 characters or more without a space."""
_BEGINNING = re.compile(r"[\ufeff\s]*(\{\s*[\"}]|\[\s*[\"{\[\]\d-])")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")


@dataclass
class Readable:
    """A structured text as people read it.

    headings: (first character in `text`, heading). left_out: embedded pictures and binary values.
    too_deep: values nested deeper than is read. bad_lines: lines that are no JSON, read as text.
    bad_cells: cells of a notebook that are none.
    """

    text: str = ""
    title: str = ""
    headings: list[tuple[int, str]] = field(default_factory=list)
    left_out: int = 0
    too_deep: int = 0
    bad_lines: list[int] = field(default_factory=list)
    bad_cells: list[int] = field(default_factory=list)


def begins_as_json(start: str) -> bool:
    """Whether a text begins as a JSON object, or as an array of what is no single word."""
    return _BEGINNING.match(start) is not None


def readable(text: str) -> Readable | None:
    """The text of a JSON document, of lines of JSON, or of a notebook; None for anything else."""
    if len(text) > MAX_PARSED:
        return _unescaped_lines(text)
    try:
        value = json.loads(text)
    except RecursionError:
        return None
    except ValueError:
        return _lines(text)
    if not isinstance(value, dict | list):
        return None
    if isinstance(value, dict) and isinstance(value.get("cells"), list) and "nbformat" in value:
        return _Notebook(value).read
    found = Readable()
    if isinstance(value, dict):
        found.text = "\n".join(_entries(value, "", found, 0))
    else:
        found.text = "\n".join("; ".join(_entries(r, "", found, 0)) for r in value)
    return found


def _lines(text: str) -> Readable | None:
    """Lines of JSON; None unless nine in ten of the first hundred are."""
    found = Readable()
    out: list[str] = []
    lines = [(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
    for n, (number, line) in enumerate(lines):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            found.bad_lines.append(number)
            out.append(unescape(line))
        else:
            out.append("; ".join(_entries(value, "", found, 0)))
        if n < 100 and len(found.bad_lines) > 1 + n // 10:
            return None
    if len(found.bad_lines) == len(lines):
        return None
    found.text = "\n".join(out)
    return found


def _unescaped_lines(text: str) -> Readable | None:
    """A text too long to parse, with its escapes resolved."""
    return Readable(unescape(text)) if text.lstrip()[:1] in ("{", "[") else None


def unescape(text: str) -> str:
    """The text with `\\uXXXX` resolved."""
    plain = _ESCAPE.sub(lambda m: chr(int(m[1], 16)), text)
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _entries(value: Any, name: str, found: Readable, depth: int) -> Iterator[str]:
    """`name: value` of each leaf; names of nested values are joined by dots."""
    if value is None or value == "":
        return
    if depth > MAX_DEPTH:
        found.too_deep += 1
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _entries(inner, f"{name}.{key}" if name else str(key), found, depth + 1)
    elif isinstance(value, list):
        if all(isinstance(item, str | int | float) for item in value):
            shown = [leaf for item in value if (leaf := _leaf(item, found))]
            if shown:
                yield f"{name}: {', '.join(shown)}" if name else ", ".join(shown)
        else:
            for item in value:
                yield from _entries(item, name, found, depth + 1)
    elif leaf := _leaf(value, found):
        yield f"{name}: {leaf}" if name else leaf


def _leaf(value: Any, found: Readable) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    if len(text) >= 64 and _BINARY.fullmatch(text) and re.search("[0-9+/]", text):
        found.left_out += 1
        return ""
    return text.encode("utf-8", "replace").decode()  # a lone surrogate is no text


_OUTPUT_TEXTS = ("text/plain", "text/markdown", "text/latex")


class _Notebook:
    """A Jupyter notebook: words, code and the text of its outputs, in order."""

    def __init__(self, notebook: dict[str, Any]) -> None:
        self.read = Readable()
        self._out: list[str] = []
        self._at = 0
        for number, cell in enumerate(notebook["cells"], 1):
            if isinstance(cell, dict):
                self._cell(cell)
            else:
                self.read.bad_cells.append(number)
        self.read.text = "".join(self._out)
        self.read.title = self.read.headings[0][1] if self.read.headings else ""

    def _cell(self, cell: dict[str, Any]) -> None:
        source = _joined(cell.get("source"))
        attached = cell.get("attachments")
        self.read.left_out += len(attached) if isinstance(attached, dict) else 0
        if cell.get("cell_type") == "markdown":
            self.read.headings += [(self._at + at, name) for at, name in outline(source).headings]
        self._add(source)
        outputs = cell.get("outputs")
        for output in outputs if isinstance(outputs, list) else ():
            if isinstance(output, dict):
                self._add(self._output(output))

    def _output(self, output: dict[str, Any]) -> str:
        if "ename" in output:
            return f"{output.get('ename')}: {output.get('evalue', '')}"
        if "text" in output:
            return _joined(output["text"])
        data = output.get("data")
        kinds = data if isinstance(data, dict) else {}
        self.read.left_out += sum(kind.startswith("image/") for kind in kinds)
        if words := next((kinds[kind] for kind in _OUTPUT_TEXTS if kind in kinds), None):
            return _joined(words)
        if "text/html" in kinds:
            return Page(_joined(kinds["text/html"]), "output").text
        self.read.left_out += bool(kinds) and not any(k.startswith("image/") for k in kinds)
        return ""

    def _add(self, text: str) -> None:
        if text.strip():
            self._out.append(text.rstrip("\n") + "\n\n")
            self._at += len(self._out[-1])


def _joined(source: Any) -> str:
    """A notebook's text: a string, or a list of lines."""
    if isinstance(source, list):
        return "".join(str(line) for line in source)
    return source if isinstance(source, str) else ""
