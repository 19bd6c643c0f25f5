"""Text whose UTF-8 was once read in another encoding and saved so: `cafÃ©` for `café`.

Put right only where that is certain: every character beyond ASCII belongs to a sequence of UTF-8
in one page, and most of them stand within words. A text that has one right letter, or speaks of
such sequences, stays as it is.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

PAGES = {
    "cp1252": "Windows-1252", "mac-roman": "Mac Roman", "cp1250": "Windows-1250",
    "cp1251": "Windows-1251", "cp850": "DOS 850", "cp437": "DOS 437",
}  # fmt: skip
"""Pages that UTF-8 is mistaken for, and their names."""
MIN_SEQUENCES = 3
"""Sequences that are no chance in any page; one is enough within a word of Latin letters."""
_CAPITALS = 2
"""Capitals that a small letter does not follow: `QUANTITÉ :` and `MANHÃ` are right."""
LOOKED_AT = 1_000
"""Sequences of which the letters beside are looked at."""
MAX_TIMES = 3
"""How often a text was saved so."""
_RUN = re.compile(r"[^\x00-\x7f]+(?:(?<=Ã)  ?|(?<=Â) )?")
"""Characters beyond ASCII; a space behind `Ã` or `Â` was one that does not break."""
_WESTERN = ("cp1252", "mac-roman")
_LATIN_END = "\u024f"
_NOT_WRITTEN = ("Cc", "Cn", "Co", "Cs")
_ESCAPES = re.compile(r"(?<!\\)((?:\\\\)*)((?:\\u00[89a-fA-F][0-9a-fA-F])+)")
"""Escapes of JSON for bytes beyond ASCII, as Facebook and Instagram export them."""
_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*\\u(?!00[0-7])[0-9a-fA-F]{4}")


def mended(text: str) -> tuple[str, str]:
    """The text as it was meant, and the page that it was read in; "" where it stays as it is."""
    found = ""
    for _ in range(MAX_TIMES):
        first = None if text.isascii() else _RUN.search(text)
        if first is None:
            break
        for page in PAGES:
            right = _put_right(text, page) if _meant(first[0], page) is not None else None
            if right is not None:
                text, found = right, found or page
                break
        else:
            break
    return text, found


def mended_escapes(json: str) -> tuple[str, bool]:
    """JSON whose letters are written as escapes of the bytes of UTF-8, put right where all of them
    are; and whether it was."""
    runs = _ESCAPES.findall(json) if "\\u00" in json and json.isascii() else []
    try:
        right = {run: bytes.fromhex(run.replace("\\u00", "")).decode() for _, run in runs}
    except UnicodeDecodeError:
        return json, False
    if all(_is_behind_capitals(json, m.start(), right[m[2]]) for m in _ESCAPES.finditer(json)):
        return json, False
    out = _ESCAPES.sub(lambda m: m[1] + right[m[2]], json)
    return (json, False) if _ESCAPE.search(out) else (out, True)


def _put_right(text: str, page: str) -> str | None:
    meant: dict[str, str] = {}
    runs = said = within = small = 0
    for run in _RUN.finditer(text):
        if run[0] not in meant:
            right = _meant(run[0], page)
            if right is None:
                return None
            meant[run[0]] = right
        if runs == LOOKED_AT:
            continue
        right = meant[run[0]].strip()
        beside = text[run.start() - 1 : run.start()] + text[run.end() : run.end() + 1]
        runs += 1
        if _is_behind_capitals(text, run.start(), right):
            continue
        said += len(right)
        foreign = any(c > "\uffff" or (c.isalpha() and c > _LATIN_END) for c in right)
        within += foreign or any(c.isalnum() for c in beside)
        small += right.islower() and right <= _LATIN_END and any(c.islower() for c in beside)
    few = said < MIN_SEQUENCES and not (small and page in _WESTERN)
    if few or 2 * within < runs:
        return None
    return _RUN.sub(lambda m: meant[m[0]], text)


def _is_behind_capitals(text: str, at: int, right: str) -> bool:
    before = text[max(0, at - _CAPITALS) : at]
    return (
        right[:1].islower() and len(before) == _CAPITALS and before.isalpha() and before.isupper()
    )


def _meant(run: str, page: str) -> str | None:
    """What the characters were before they were read in the page; None where they are no UTF-8."""
    end = ""
    if run.endswith(" "):
        run, end = run.rstrip(" ") + "\u00a0", " "
    table = _bytes_of(page)
    try:
        right = bytes(table[c] for c in run).decode("utf-8")
    except (KeyError, UnicodeDecodeError):
        return None
    if any(unicodedata.category(c) in _NOT_WRITTEN for c in right):
        return None
    if not end:
        return right
    return right.removesuffix("\u00a0") + end if right[-1] in "à\u00a0" else None


@cache
def _bytes_of(page: str) -> dict[str, int]:
    """The byte of each character beyond ASCII; what a page leaves out are control characters."""
    found = {chr(b): b for b in range(0x80, 0xA0)}
    for b in range(0x80, 0x100):
        character = bytes((b,)).decode(page, "ignore")
        if character:
            found[character] = b
    return found
