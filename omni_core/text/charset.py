"""Decoding of text files: byte order marks, UTF-16 and UTF-32 by their zero bytes, UTF-8, what the
file or the mail around it declares, and legacy code pages by statistics, which are guesses."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from omni_core.text import iso2022jp
from omni_core.text.declared import codec, declared
from omni_core.text.ebcdic import PAGES as EBCDIC
from omni_core.text.ebcdic import ebcdic_page, ebcdic_text
from omni_core.text.legacy import guess, is_latin
from omni_core.text.mojibake import PAGES, mended
from omni_core.text.terminal import without_terminal
from omni_core.text.utf7 import utf7_text
from omni_core.text.wide import MAX_CONTROL_SHARE, UNUSED, is_strictly_text, wide_page

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ESCAPES = (
    (b"\x1b$B", "iso2022_jp"),
    (b"\x1b$@", "iso2022_jp"),
    (b"\x1b(I", "iso2022_jp"),
    (b"\x1b$)C", "iso2022_kr"),
)
"""Escape sequences of 7-bit encodings, whose bytes are valid UTF-8 as well."""
_SHIFTED, _SHIFTS = b"\x1b$)C", b"\x0e\x0f"
"""The escape sequence of Korean, whose letters stand between two control bytes."""
_NAMED_ONLY = ("utf-7", "hz")
"""Encodings of ASCII bytes that nothing but a name tells from plain ASCII."""
_HIGH_BYTES = bytes(range(0x80, 0x100))
_NOT_SHOWN = {b: " " if b == 11 or b >= 28 else "" for b in UNUSED}
"""Vertical tabs and separators stand between words, as FileMaker and PowerPoint write them."""
MAX_CONTROLS = 3
"""Control bytes that a short text may have, at most one in ten."""
MIN_BEFORE_PADDING = 8
"""Bytes of a text that NUL bytes fill up; fewer are a number or a mark of a binary format."""
MIN_AROUND_ZEROS = 64
"""Bytes of a text in a legacy encoding with a zero byte in it, at least."""
MIN_LETTERS = 0.7
"""Share of letters and spaces in such a text."""
_ZEROED = re.compile(rb"[^\0]{16,}\0{64,}[^\0]{16,}\Z")
"""A text of which one stretch was never written, as a crash leaves a log."""
MIN_TO_DOUBT = 30
"""Bytes beyond ASCII from which a declaration of a Western page is checked."""
_WIDE_PAGES = frozenset({"utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"})
_NAMES = {
    "cp1250": "Windows-1250", "cp1251": "Windows-1251", "cp1252": "Windows-1252",
    "cp1253": "Windows-1253", "cp1254": "Windows-1254", "cp1255": "Windows-1255",
    "cp1256": "Windows-1256", "cp1257": "Windows-1257", "cp1258": "Windows-1258",
    "cp932": "Shift_JIS", "euc_jp": "EUC-JP", "cp949": "EUC-KR", "gb18030": "GB18030",
    "big5hkscs": "Big5", "koi8-r": "KOI8-R", "koi8-u": "KOI8-U", "mac-roman": "Mac Roman",
    "mac-cyrillic": "Mac Cyrillic", "cp874": "Windows-874",
    "utf-7": "UTF-7", "cp037": "EBCDIC (IBM 037)", "cp1047": "EBCDIC (IBM 1047)",
    "cp500": "EBCDIC (IBM 500)", "cp273": "EBCDIC (IBM 273)",
}  # fmt: skip
"""Encodings as people know them."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text, with line ends as \\n and without control characters that no text needs."""

    text: str
    page: str
    """Python's name of the encoding."""
    guessed: bool = False
    """Whether neither a mark, nor valid UTF-8, nor a declaration names it."""
    lost: int = 0
    """Characters whose bytes the encoding does not have: U+FFFD in the text."""
    mistaken: str = ""
    """The page in which its UTF-8 was read and saved before, which is put right."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """One line for whoever reads the text; none where the encoding is certain and complete."""
        if self.mistaken:
            return (
                f"its UTF-8 was once read as {PAGES[self.mistaken]} and saved so; the letters were "
                "put right",
            )
        lost = f"{self.lost} characters are damaged" if self.lost > 1 else "1 character is damaged"
        if self.guessed:
            name = _NAMES.get(self.page, self.page)
            guess = f"read as {name}, which is a guess; if words look wrong, save it as UTF-8"
            return (f"{guess}; {lost}" if self.lost else guess,)
        return (f"{lost}: the bytes are not {self.page.upper()}",) if self.lost else ()


def decode(data: bytes, *, markup: bool = False, label: str = "") -> str:
    """The text of `decoded`."""
    return decoded(data, markup=markup, label=label).text


def decoded(data: bytes, *, markup: bool = False, label: str = "") -> Decoded:
    """The text and how its encoding was found; never fails: bytes that the encoding does not have
    become U+FFFD.

    markup: HTML or XML, whose own declaration of an encoding counts. label: an encoding named
    outside of the data, as mail does.
    """
    if data.startswith(codecs.BOM_UTF8) and not _is_mostly_utf8(data):
        data = data[len(codecs.BOM_UTF8) :]  # a program put its mark before what it did not write
    page, guessed = _marked(data), False
    if not (page or markup or label) and (seven := utf7_text(data)) is not None:
        return Decoded(_plain(seven), "utf-7", guessed=True)
    text = None if page else _named_ascii(data, label) or _utf8(data)
    if text is not None:
        return _mended(text, "utf-8")
    if not page:
        page, guessed = _unmarked(data, markup, label)
    if page in EBCDIC:
        return Decoded(_plain(ebcdic_text(data, page)), page, guessed)
    text = iso2022jp.decoded(data) if page == "iso2022_jp" else data.decode(page, "replace")
    lost = 0
    if page.startswith("utf-") and "\ufffd" not in text:
        return _mended(text, page)
    if page not in _WIDE_PAGES and "\ufffd" in text:
        lost = text.count("\ufffd") - (data.count(b"\xef\xbf\xbd") if page == "utf-8" else 0)
    return Decoded(_plain(text), page, guessed, max(0, lost))


def _mended(text: str, page: str) -> Decoded:
    right, mistaken = mended(text.removeprefix("\ufeff"))
    return Decoded(_plain(right), page, mistaken=mistaken)


def _utf8(data: bytes) -> str | None:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _named_ascii(data: bytes, label: str) -> str | None:
    """The text of ASCII bytes in UTF-7 or HZ, where that is their label and may be true."""
    page = next((page for page in _NAMED_ONLY if label.strip().lower().startswith(page)), "")
    try:
        return data.decode(page) if page and data.isascii() else None
    except UnicodeDecodeError:
        return None


def _plain(text: str) -> str:
    text = text.replace("\ufeff", "").replace("\r\n", "\n").replace("\r", "\n")
    text = text.removesuffix("\x1a")  # the end of a file in CP/M and DOS
    if "\x1b" in text or "\b" in text:
        text = without_terminal(text)
    return text.translate(_NOT_SHOWN) if _has_controls(text) else text


def _has_controls(text: str) -> bool:
    return any(chr(b) in text for b in _NOT_SHOWN)


def _marked(data: bytes) -> str:
    """The codec by a mark, by zero bytes or by escape sequences; "" without these."""
    for mark, name in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return name
    if wide := wide_page(data):
        return wide
    return next((name for escape, name in _ESCAPES if escape in data), "")


def _unmarked(data: bytes, markup: bool, label: str) -> tuple[str, bool]:
    """The codec of what is no valid UTF-8, and whether it is a guess."""
    if _is_mostly_utf8(data):
        return "utf-8", False
    named = codec(label) or declared(data, markup=markup)
    if named and _agrees(data, named):
        return named, False
    if ebcdic := ebcdic_page(data):
        return ebcdic, True
    return guess(data.replace(b"\0", b"") if 0 in data else data), True


def _is_mostly_utf8(data: bytes) -> bool:
    """Whether it is UTF-8, perhaps damaged: in legacy text most high bytes are invalid."""
    return 3 * data.decode("utf-8", "replace").count("\ufffd") <= _high(data)


def _agrees(data: bytes, page: str) -> bool:
    """Whether a declaration may be true: hardly a byte that the page does not have, and letters of
    another alphabet are not read as Western ones."""
    if 10 * data.decode(page, "replace").count("\ufffd") > _high(data):
        return False
    return page != "cp1252" or _high(data) < MIN_TO_DOUBT or is_latin(data)


def _high(data: bytes) -> int:
    return len(data) - len(data.translate(None, _HIGH_BYTES))


def is_text(head: bytes) -> bool:
    """Whether the first bytes are text: UTF-16, or few control bytes. NUL bytes at the end are
    padding; others, and more controls than a long text has, only valid UTF-8 may have."""
    if head.startswith(codecs.BOM_UTF8):
        rest = head[len(codecs.BOM_UTF8) :]
        return not rest or is_text(rest)
    if head.startswith(tuple(m for m, _ in _BYTE_ORDER_MARKS)) or wide_page(head) is not None:
        return True
    whole = head.rstrip(b"\0")
    if _SHIFTED in whole:
        whole = whole.translate(None, _SHIFTS)
    if not whole or (whole != head and len(whole) < MIN_BEFORE_PADDING):
        return False
    rest = whole.translate(None, UNUSED)
    controls, most = len(whole) - len(rest), MAX_CONTROL_SHARE * len(whole)
    if 0 not in head and controls <= most:
        return True
    if controls > most and _ZEROED.match(whole):
        return is_strictly_text(rest)
    if controls > most and ebcdic_page(whole):
        return True
    most = max(most, min(MAX_CONTROLS, len(whole) // 10))
    return controls <= most and (is_strictly_text(rest) or _is_legacy_text(whole, rest))


def _is_legacy_text(head: bytes, rest: bytes) -> bool:
    """Whether it is a text in a legacy encoding but for a few zero bytes; `rest`: without these."""
    zeros = head.count(0)
    if zeros > MAX_CONTROLS or len(head) - len(rest) != zeros or len(rest) < MIN_AROUND_ZEROS:
        return False
    text = rest.decode(guess(rest), "replace")
    letters = sum(c.isalpha() or c.isspace() for c in text)
    return text.count("\ufffd") <= 1 and letters >= MIN_LETTERS * len(text)
