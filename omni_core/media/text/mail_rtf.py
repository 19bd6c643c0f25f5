"""The body of a message as Outlook keeps it in RTF: the page that is wrapped in it, or its text.

No more than that: the RTF of documents is read by `document.rtf_text`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from omni_core.media.text.rtf_charset import SYMBOL, code_page, of_charset

_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\(.)|([{}])|([^\\{}\r\n]+)|[\r\n]+",
    re.S,
)
_LEFT_OUT = {
    b"colortbl", b"stylesheet", b"info", b"pict", b"object", b"header", b"footer", b"footnote",
    b"mhtmltag", b"pntext", b"pntxta", b"pntxtb", b"listtable", b"listoverridetable", b"generator",
    b"fldinst",
}  # fmt: skip
"""Destinations whose text is none of the message."""
_CHARACTERS = {
    b"par": "\n", b"line": "\n", b"tab": "\t", b"cell": " | ", b"row": "\n", b"lquote": "‘",
    b"rquote": "’", b"ldblquote": "“", b"rdblquote": "”", b"emdash": "—", b"endash": "–",
    b"bullet": "•",
}  # fmt: skip
_SYMBOLS = {b"~": "\u00a0", b"_": "-", b"\\": "\\", b"{": "{", b"}": "}", b"\n": "\n"}
MAX_DEPTH = 1_000


@dataclass(slots=True)
class _State:
    """mute: its text is left out. fonts: it is the table of fonts. tag: it holds markup."""

    mute: bool = False
    fonts: bool = False
    tag: bool = False
    shown: bool = True
    font: int = -1
    skipped: int = 1


def body_of(rtf: bytes) -> tuple[str, bool]:
    """The text, and whether it is a page (HTML)."""
    return _Body(rtf).read()


class _Body:
    def __init__(self, rtf: bytes) -> None:
        self._rtf = rtf
        self._page = "cp1252"
        self._fonts: dict[int, str] = {}
        self._out: list[str] = []
        self._raw = bytearray()
        self._state = _State()
        self._stack: list[_State] = []
        self._to_skip = 0
        self._is_html = False

    def read(self) -> tuple[str, bool]:
        for token in _TOKEN.finditer(self._rtf):
            word, number, code, symbol, brace, text = token.groups()
            if code is not None:
                self._byte(bytes((int(code, 16),)))
            elif text is not None:
                self._text(text)
            else:
                self._flush()
                if brace is not None:
                    self._brace(brace)
                elif symbol == b"*":
                    self._state.mute = True  # unless a known word follows
                elif symbol is not None:
                    self._say(_SYMBOLS.get(symbol, ""))
                elif word is not None:
                    self._word(word, None if number is None else int(number))
        self._flush()
        return "".join(self._out), self._is_html

    def _brace(self, brace: bytes) -> None:
        if brace == b"{":
            if len(self._stack) < MAX_DEPTH:
                self._stack.append(replace(self._state))
        elif self._stack:
            self._state = self._stack.pop()

    def _word(self, word: bytes, number: int | None) -> None:
        state = self._state
        if word == b"u" and number is not None:
            self._say(chr(number & 0xFFFF))
            self._to_skip = state.skipped
        elif word == b"uc":
            state.skipped = min(max(number or 0, 0), 10)
        elif word == b"ansicpg" and number is not None:
            self._page = code_page(number) or self._page
        elif word == b"fromhtml":
            self._is_html = number != 0
        elif word == b"htmltag":
            state.mute, state.tag = False, True
        elif word == b"htmlrtf":
            state.shown = number == 0
        elif word == b"fonttbl":
            state.fonts = state.mute = True
        elif word == b"f" and number is not None:
            state.font = number
        elif word == b"fcharset" and state.fonts and number is not None:
            self._fonts[state.font] = of_charset(number)
        elif word in _LEFT_OUT:
            state.mute = True
        elif word in _CHARACTERS:
            self._say(_CHARACTERS[word])

    def _byte(self, byte: bytes) -> None:
        if self._to_skip:
            self._to_skip -= 1
        elif self._is_said():
            self._raw += byte

    def _text(self, text: bytes) -> None:
        skipped, self._to_skip = min(self._to_skip, len(text)), 0
        if self._is_said():
            self._raw += text[skipped:]

    def _say(self, text: str) -> None:
        if self._is_said():
            self._out.append(text)

    def _is_said(self) -> bool:
        return not self._state.mute and (self._state.tag or self._state.shown)

    def _flush(self) -> None:
        """Bytes that follow one another are decoded together: letters may have several."""
        if self._raw:
            page = self._fonts.get(self._state.font) or self._page
            page = "latin-1" if page == SYMBOL else page
            self._out.append(bytes(self._raw).decode(page, "replace"))
            self._raw.clear()
