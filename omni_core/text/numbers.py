"""Numbers that people group in different ways: telephone numbers, account numbers, thousands.

`(555) 123-4567`, `555.123.4567` and `5551234567` are one number, as are `DE89 3704 0044` and
`DE8937040044`, `E 1042` and `E1042`, `1 042`, `1.042` and `1042`.
"""

from __future__ import annotations

import re

MIN_DIGITS, MAX_DIGITS, MAX_GROUPS = 7, 24, 8
"""Digits and groups of a number that is joined; a longer row is a table's, not a number."""
LOCAL_DIGITS = 7
"""Last digits of a telephone number that stay the same with and without country and area codes."""

# possessive digits and separators that match something: a row of digits is read in one way
_SEPARATOR = r"(?: ?[-./\u2019'\u2010-\u2013] ?|\) ?\(?| ?\(| )"
_GROUPED = re.compile(
    rf"(?<![\w.,])(?P<letters>[A-Z]{{1,4}}[ -]?)?\+?\(?\d++(?:{_SEPARATOR}\d++)*\)?(?![\w])"
)
_DIGITS = re.compile(r"\d+")


def joined(text: str) -> list[str]:
    """The grouped numbers of a text without their separators, letters before them in lower case; of
    one with 9 digits or more also its last 7."""
    found = []
    for match in _GROUPED.finditer(text):
        groups = _DIGITS.findall(match[0])
        letters = (match["letters"] or "").strip(" -").lower()
        digits = "".join(groups)
        if len(groups) > MAX_GROUPS or len(digits) > MAX_DIGITS:
            continue
        thousands = len(groups[0]) <= 3 and all(len(g) == 3 for g in groups[1:])
        if letters or (len(groups) > 1 and (thousands or len(digits) >= MIN_DIGITS)):
            found.append(letters + digits)
        if not letters and len(digits) >= LOCAL_DIGITS + 2:
            found.append(digits[-LOCAL_DIGITS:])
    return found
