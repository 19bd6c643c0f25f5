"""JSON, lines of JSON and notebooks as readable text: `key: value`, escapes resolved."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from omni_core.media.text.json_values import SHORTEST, as_pieces, as_read, positions, with_date
from omni_core.media.text.notebook import Notebook, is_notebook
from omni_core.media.text.readable import Readable, is_binary

MAX_PARSED = 16 << 20
"""Characters that are parsed as a whole; its tree takes about ten times as much memory."""
MAX_DEPTH = 50
_BEGINNING = re.compile(r"[\ufeff\s]*(\{\s*[\"}]|\[\s*[\"{\[\]\d-])")
_BETWEEN = re.compile(r"[\ufeff\s,\x1e]*")
"""What stands between values, as programs write them one after the other."""
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")


def begins_as_json(start: str) -> bool:
    """Whether a text begins as a JSON object, or as an array of what is no single word."""
    return _BEGINNING.match(start) is not None


def readable(text: str) -> Readable | None:
    """The text of a JSON document, of lines of JSON, or of a notebook; None for anything else."""
    if len(text) > MAX_PARSED:
        return _unescaped_lines(text)
    try:
        value = json.loads(text, object_pairs_hook=_all_pairs)
    except RecursionError:
        return None
    except ValueError:
        lines = _lines(text)
        return lines if lines and not lines.bad_lines else _sequence(text) or lines
    if not isinstance(value, dict | list):
        return None
    if isinstance(value, dict) and is_notebook(value):
        return Notebook(value).read
    found = Readable()
    if isinstance(value, dict):
        found.text = "\n".join(_entries(value, "", found, 0))
    else:
        found.text = "\n".join("; ".join(_entries(r, "", found, 0)) for r in value)
    return found


def _all_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object with every value: a list of those that share a name."""
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    values: dict[str, list[Any]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: each if len(each) > 1 else each[0] for name, each in values.items()}


def _lines(text: str) -> Readable | None:
    """Lines of JSON; None unless nine in ten of the first hundred are."""
    found = Readable()
    out: list[str] = []
    lines = [(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
    for n, (number, line) in enumerate(lines):
        try:
            value = json.loads(line, object_pairs_hook=_all_pairs)
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


def _sequence(text: str) -> Readable | None:
    """JSON values one after the other, on a line or over many; None for anything else."""
    decoder = json.JSONDecoder(object_pairs_hook=_all_pairs)
    found, rows, at = Readable(), list[str](), 0
    while (at := _next(text, at)) < len(text):
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return None
        if not isinstance(value, dict | list):
            return None
        rows.append("; ".join(_entries(value, "", found, 0)))
    found.text = "\n".join(rows)
    return found if len(rows) > 1 else None


def _next(text: str, at: int) -> int:
    """Where the next value begins."""
    between = _BETWEEN.match(text, at)
    return between.end() if between else at


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
        before, whole = None, None
        for key, inner in value.items():
            if type(inner) is list and dict in map(type, inner):
                text = as_pieces(inner)
                if whole is None:
                    whole = {one for one in value.values() if type(one) is str}
                if text is not None and (text == before or text in whole):
                    continue  # said as a whole, or in other pieces
                before = text or before
                inner = inner if text is None else text
            yield from _entries(inner, f"{name}.{key}" if name else str(key), found, depth + 1)
    elif isinstance(value, list):
        if value and type(value[0]) is list and (count := positions(name, value)):
            yield f"{name}: {count} positions"
        elif all(isinstance(item, str | int | float) for item in value):
            shown = [leaf for item in value if (leaf := _leaf(item, found))]
            if shown:
                yield f"{name}: {', '.join(shown)}" if name else ", ".join(shown)
        else:
            for item in value:
                yield from _entries(item, name, found, depth + 1)
    elif leaf := _leaf(value, found):
        if name and len(leaf) >= SHORTEST and leaf[:SHORTEST].isdecimal():
            leaf = with_date(name, leaf)
        yield f"{name}: {leaf}" if name else leaf


def _leaf(value: Any, found: Readable) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    if is_binary(text):
        found.left_out += 1
        return ""
    if "</" in text:
        text = as_read(text)
    return text.encode("utf-8", "replace").decode()  # a lone surrogate is no text
