"""What a transcript in JSON says beside its cues: titles, names, summaries."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from omni_core.media.text.readable import is_binary
from omni_core.media.text.transcript_rows import END, LENGTH, START, Row, time_of

_MEASURED = {*START, *END, *LENGTH, "offset", "resultEndTime", "confidence"}
_LANGUAGE = {"language", "lang", "locale", "language_code", "languageCode", "languages"}
_OF_PROGRAMS = {"status", "task", "format", "version", "model", "api_version"}
"""What programs say to each other in one word."""
_CODE = re.compile(r"[a-z]{2,3}(?:[-_]\w+)*", re.I)
_ID = re.compile(r"(?:.*_|uu|gu)?id|.*I[dD]")
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_PIECES = ("words", "items", "elements", "tokens", "chars", "characters")
"""Lists of pieces of what is said elsewhere."""
_KINDS = {
    "type": ("pronunciation", "punctuation", "punct", "spacing", "word", "text"),
    "attaches_to": ("previous", "next", "both", "none"), "recognitionStatus": ("Success",),
}  # fmt: skip
_KIND = re.compile(r"tokens|[a-z_]+(?:\.[a-z_]+)+")
"""Kinds of OpenAI's parts: `transcript.text.segment`."""
_MARK = re.compile(r"\[_[A-Z]+_\d*\]")
"""What whisper.cpp writes among the pieces of words: `[_BEG_]`, `[_TT_50]`."""
_SHORT = 20
"""Letters up to which a text is said only where it is said in whole words."""
_MAX_SOUGHT = 2_000


def beside(top: Any, rows: Sequence[Row], clocks: frozenset[str]) -> Iterator[str]:
    """Texts that are in no cue: titles, names, summaries; `clocks` are the cues' times."""
    said = {row.text for row in rows} | {row.speaker.removeprefix("speaker ") for row in rows}
    said |= clocks
    whole = " ".join(row.text for row in rows)
    spoken, in_words = _letters(whole), f" {_in_words(whole)} "
    words = {_letters(word) for word in whole.split()} | {""}
    left: list[tuple[str, Any, bool]] = [("", top, False)]
    sought = 0
    while left:
        key, one, piece = left.pop()
        if isinstance(one, dict):
            left += reversed([(str(k), v, piece or k in _PIECES) for k, v in one.items()])
        elif isinstance(one, list):
            left += [(key, value, piece) for value in reversed(one)]
        elif isinstance(one, str) and one not in said and not _is_no_text(key, one.strip()):
            said.add(one)
            letters = _letters(one)
            if letters in words:
                continue
            sought += 1
            if sought > _MAX_SOUGHT:
                known = piece
            elif piece or len(letters) > _SHORT:
                known = letters in spoken
            else:
                known = f" {_in_words(one)} " in in_words
            if not known:
                yield one.strip()


def _is_no_text(key: str, text: str) -> bool:
    """Whether a value is a time, a measure, a kind, an id, a file or the code of a language."""
    if key in _MEASURED:
        return time_of(text) is not None
    if key in _LANGUAGE:
        return _CODE.fullmatch(text) is not None or text.isalpha()
    if key in _OF_PROGRAMS and " " not in text:
        return True
    if text in _KINDS.get(key, ()) or (key == "type" and _KIND.fullmatch(text)):
        return True
    if " " not in text and _ID.fullmatch(key) is not None:
        return True
    return any(kind.fullmatch(text) for kind in (_UUID, _MARK)) or is_binary(text)


def _in_words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()
