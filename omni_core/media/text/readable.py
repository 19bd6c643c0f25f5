"""A structured text as people read it, and what of it is no text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_BINARY = re.compile(r"(?:data:[\w/+.-]+;base64,)?(?:[A-Za-z0-9+/_-]{64,}+={0,2}\s*)+")
"""A value of nothing but base64, 64 characters or more without a space."""
_QUOTED = re.compile(
    r"(?:^[ \t]*|(?<=[\[{,:?-])[ \t]+|(?<=[\[{,])|(?<=\":))(?:[!&]\S{0,80}[ \t]+)?"
    r"(?:'(?:[^']++|'')*+'|(\"(?:[^\"\\]++|\\.)*+\"))",
    re.M | re.S,
)
"""A value of YAML in quotes; the group is one in double quotes, which alone have escapes."""
_SHORT_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|.)", re.S)
_ESCAPES = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")


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


def is_binary(text: str) -> bool:
    """Whether a value is a file written as base64; a long word has neither digits nor signs."""
    if len(text) < 64 or not _BINARY.fullmatch(text):
        return False
    return re.search("[0-9+/]", text) is not None


def with_letters(source: str, *, short: bool = False) -> str:
    """Source text in which `\\uXXXX` is the letter that it stands for; with `short` also `\\xXX`
    within double quotes, as in YAML. Escapes of characters that do not print stay as written."""
    if short:
        source = _QUOTED.sub(_value, source)
    return _ESCAPES.sub(_letters, source)


def _value(value: re.Match[str]) -> str:
    """A value in double quotes with letters for its short escapes; any other as it is."""
    return _SHORT_ESCAPE.sub(_letter, value[0]) if value[1] else value[0]


def _letter(escape: re.Match[str]) -> str:
    letter = chr(int(escape[1], 16)) if escape[1] else "\\"
    return letter if letter.isprintable() and letter != "\\" else escape[0]


def _letters(escapes: re.Match[str]) -> str:
    codes = bytes.fromhex(escapes[0].replace("\\u", ""))
    letters = codes.decode("utf-16-be", "replace")
    return letters if letters.isprintable() and "\ufffd" not in letters else escapes[0]
