"""What terminals and printers made of a text: colours, movements, letters struck twice."""

from __future__ import annotations

import re

_COLOURS = re.compile(
    r"\x1b(?:\[[0-9;:?]*[ -/]*[@-~]|\][^\x07\x1b]{0,2000}(?:\x07|\x1b\\)|[()*+][0-9A-Z]|[=>78cM])"
)
"""What terminals take for a colour, a movement, a title or an alphabet (ECMA-48)."""
_BOLD = re.compile(r"([^\n\x08])\x08\1")
_UNDERLINED = re.compile(r"_\x08([^\n\x08])|([^\n\x08])\x08_")
_ERASED = re.compile(r"[^\n\x08]\x08")
MAX_ERASED = 16
"""Letters in a row that are taken back."""


def without_terminal(text: str) -> str:
    """The text as it was shown: without escape sequences; of letters that were struck twice to be
    bold or underlined (`N\\bNA\\bA`, manual pages) one; without what was taken back while typing,
    where a terminal recorded it."""
    recorded = "\x1b" in text
    if recorded:
        text = _COLOURS.sub("", text)
    if "\b" not in text:
        return text
    text = _UNDERLINED.sub(r"\1\2", text)
    for _ in range(MAX_ERASED):
        struck = (_ERASED if recorded else _BOLD).sub("" if recorded else r"\1", text)
        if struck == text:
            break
        text = struck
    return text.replace("\b", "")
