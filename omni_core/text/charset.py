"""Decoding of text files: byte order marks, UTF-16 and UTF-32 by their zero bytes, UTF-8, what the
file or the mail around it declares, and legacy code pages by statistics, which are guesses."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

from omni_core.text.legacy import guess, is_latin

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ESCAPES = ((b"\x1b$B", "iso2022_jp"), (b"\x1b$@", "iso2022_jp"), (b"\x1b$)C", "iso2022_kr"))
"""Escape sequences of 7-bit encodings, whose bytes are valid UTF-8 as well."""
_HIGH_BYTES = bytes(range(0x80, 0x100))
_CONTROLS = bytes(b for b in range(1, 32) if b not in (7, 8, 9, 10, 12, 13, 26, 27))
"""Control bytes that do not occur in text; NUL is checked separately."""
_DROPPED = dict.fromkeys([0, *_CONTROLS])
MAX_CONTROL_SHARE = 0.02
"""Share of control bytes up to which data counts as text; random bytes have 0.08."""
_DECLARED = re.compile(
    rb"""<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([\w.:-]+)|<meta[^>]{0,500}?charset\s*=\s*["']?\s*([\w.:-]+)""",
    re.I,
)
_CODING = re.compile(rb"""(?:[^\n]*\n)?[^\n]{0,200}?(?:coding[:=][ \t]*|@charset ")([\w.-]+)""")
"""The comment of Python, Emacs and Vim in one of the first two lines, and the rule of CSS."""
LOOKED_AT = 4096
"""First bytes by which UTF-16 and UTF-32 are recognised."""
MIN_OF_ONE_SCRIPT = 0.85
"""Share of letters in one script and in Latin; of those in random pairs of bytes it is .79."""
_EAST_ASIAN = frozenset(
    ("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "BOPOMOFO", "FULLWIDTH",
     "HALFWIDTH", "IDEOGRAPHIC")
)  # fmt: skip
"""First words of the names of letters that texts mix."""
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
}  # fmt: skip
"""Encodings as people know them."""
_ALIASES = {
    "macintosh": "mac-roman", "mac": "mac-roman", "sjis": "cp932", "ms_kanji": "cp932",
    "ks_c_5601-1987": "cp949", "big5-hkscs": "big5hkscs", "unicode-1-1-utf-8": "utf-8",
}  # fmt: skip
_ENCODINGS = {
    "ascii": "cp1252", "iso8859-1": "cp1252", "cp1252": "cp1252", "iso8859-15": "iso8859-15",
    "cp1250": "cp1250", "iso8859-2": "iso8859-2", "iso8859-16": "iso8859-16", "cp852": "cp852",
    "cp1251": "cp1251", "koi8-r": "koi8-r", "koi8-u": "koi8-u", "iso8859-5": "iso8859-5",
    "cp866": "cp866", "mac-cyrillic": "mac-cyrillic", "cp1253": "cp1253", "iso8859-7": "iso8859-7",
    "cp1254": "cp1254", "iso8859-9": "cp1254", "cp1255": "cp1255", "iso8859-8": "iso8859-8",
    "cp1256": "cp1256", "iso8859-6": "iso8859-6", "cp1257": "cp1257", "iso8859-4": "iso8859-4",
    "iso8859-13": "iso8859-13", "iso8859-10": "iso8859-10", "iso8859-3": "iso8859-3",
    "iso8859-14": "iso8859-14", "cp1258": "cp1258", "cp874": "cp874", "tis-620": "cp874",
    "iso8859-11": "cp874", "mac-roman": "mac-roman", "cp437": "cp437", "cp850": "cp850",
    "shift_jis": "cp932", "cp932": "cp932", "euc_jp": "euc_jp", "iso2022_jp": "iso2022_jp",
    "gb2312": "gb18030", "gbk": "gb18030", "gb18030": "gb18030", "hz": "hz",
    "big5": "big5hkscs", "big5hkscs": "big5hkscs", "cp950": "cp950",
    "euc_kr": "cp949", "cp949": "cp949", "johab": "johab",
}  # fmt: skip
"""Python's codec for a declared one: the wider of two, as browsers read (WHATWG Encoding). Codecs
that are no character set (unicode_escape, base64 ...) are not among them."""


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

    @property
    def warnings(self) -> tuple[str, ...]:
        """One line for whoever reads the text; none where the encoding is certain and complete."""
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
    page, guessed = _marked(data), False
    text = None if page else _utf8(data)
    if text is not None:
        return Decoded(_plain(text), "utf-8")
    if not page:
        page, guessed = _unmarked(data, markup, label)
    text = data.decode(page, "replace")
    lost = 0
    if page not in _WIDE_PAGES and "\ufffd" in text:
        lost = text.count("\ufffd") - (data.count(b"\xef\xbf\xbd") if page == "utf-8" else 0)
    return Decoded(_plain(text), page, guessed, max(0, lost))


def _utf8(data: bytes) -> str | None:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _plain(text: str) -> str:
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return text.translate(_DROPPED) if _has_controls(text) else text


def _has_controls(text: str) -> bool:
    return any(chr(b) in text for b in _DROPPED)


def _marked(data: bytes) -> str:
    """The codec by a mark, by zero bytes or by escape sequences; "" without these."""
    for mark, name in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return name
    if wide := _wide(data):
        return wide
    return next((name for escape, name in _ESCAPES if escape in data), "")


def _unmarked(data: bytes, markup: bool, label: str) -> tuple[str, bool]:
    """The codec of what is no valid UTF-8, and whether it is a guess."""
    bad = data.decode("utf-8", "replace").count("\ufffd")
    if 3 * bad <= _high(data):
        return "utf-8", False  # damaged UTF-8: in legacy text most high bytes are invalid
    named = _codec(label) or declared(data, markup=markup)
    if named and _agrees(data, named):
        return named, False
    return guess(data), True


def _agrees(data: bytes, page: str) -> bool:
    """Whether a declaration may be true: hardly a byte that the page does not have, and letters of
    another alphabet are not read as Western ones."""
    if 10 * data.decode(page, "replace").count("\ufffd") > _high(data):
        return False
    return page != "cp1252" or _high(data) < MIN_TO_DOUBT or is_latin(data)


def _high(data: bytes) -> int:
    return len(data) - len(data.translate(None, _HIGH_BYTES))


def declared(data: bytes, *, markup: bool = True) -> str | None:
    """The code page named by `coding:` in the first two lines, and in markup by `<meta charset>`
    or the XML declaration; None for unknown names, and for UTF-8 and UTF-16, which are detected
    from the bytes."""
    found = _DECLARED.search(data[:4096]) if markup else None
    found = found or _CODING.match(data[:1000])
    return _codec(next(filter(None, found.groups())).decode("ascii")) if found else None


def _codec(label: str) -> str | None:
    """Python's codec for the label of an encoding; None for an unknown one and for Unicode."""
    plain = re.sub("^x-|-i$", "", label.strip().lower()).replace("windows-", "cp")
    try:
        name = codecs.lookup(_ALIASES.get(plain, plain)).name
    except (LookupError, ValueError):
        return None
    return _ENCODINGS.get(name)


def _wide(data: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark: Latin letters, spaces and line ends have zero bytes, all at
    the same places, and what is decoded by them is text."""
    head = data[: LOOKED_AT & ~3]
    if len(head) < 8 or 0 not in head:
        return None
    zeros = [head[place::4].count(0) for place in range(4)]
    quarter = len(head) // 4
    if min(zeros[2:]) >= quarter * 0.95 or min(zeros[:2]) >= quarter * 0.95:
        wide = "utf-32-le" if min(zeros[2:]) >= quarter * 0.95 else "utf-32-be"
        return wide if _is_sensible(head, wide, 4) else None
    either = [w for w in ("utf-16-le", "utf-16-be") if _is_sensible(head, w, 2)]
    either = [w for w in either if _is_of_one_script(head, w)]
    even, odd = zeros[0] + zeros[2], zeros[1] + zeros[3]
    for wide, most, least in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if most > 0.8 * quarter and least < 0.2 * quarter:
            return wide if wide in either else None
    both = {wide: _breaks(head, wide) for wide in either}
    best = max(both, key=lambda wide: both[wide], default="")
    return best if best and both[best] else None


def _breaks(head: bytes, page: str) -> int:
    """Spaces, line ends, digits and punctuation, which hardly occur in the wrong order of bytes."""
    text = head.decode(page, "replace")
    return sum(c in " \n,.-0123456789\u3001\u3002\uff0c\uff1a\uff01\u300c" for c in text)


def _is_sensible(head: bytes, page: str, size: int) -> bool:
    """Whether it decodes to letters, digits, punctuation and spaces."""
    try:
        text = head[: len(head) // size * size].decode(page)
    except UnicodeDecodeError as e:
        if e.end < len(head) - size:
            return False
        text = head[: e.start].decode(page)
    odd = sum(unicodedata.category(c)[0] == "C" and c not in "\t\n\r\f\u200b\u200e" for c in text)
    return odd <= MAX_CONTROL_SHARE * len(text)


def _is_of_one_script(head: bytes, page: str) -> bool:
    """Whether nearly all letters are of one script, or Latin; those in pixels and numbers are of
    whatever script has the code."""
    letters = [c for c in head.decode(page, "replace") if c.isalpha()]
    names = Counter(unicodedata.name(c, "").split(" ")[0] for c in letters)
    latin = names.pop("LATIN", 0)
    scripts = Counter({"CJK": sum(names.pop(name, 0) for name in _EAST_ASIAN)}) + names
    most = max(scripts.values(), default=0)
    return most + latin >= MIN_OF_ONE_SCRIPT * len(letters)


def is_text(head: bytes) -> bool:
    """Whether the first bytes are text: UTF-16, or no NUL and few control bytes."""
    if not head:
        return False
    if head.startswith(tuple(m for m, _ in _BYTE_ORDER_MARKS)) or _wide(head) is not None:
        return True
    controls = len(head) - len(head.translate(None, _CONTROLS))
    return 0 not in head and controls <= MAX_CONTROL_SHARE * len(head)


def is_strictly_text(head: bytes) -> bool:
    """Whether the first bytes are UTF-8 without a control character: no binary format is."""
    if len(head) != len(head.translate(None, _CONTROLS + b"\0")):
        return False
    try:
        head.decode()
    except UnicodeDecodeError as e:
        return e.reason == "unexpected end of data" and e.end == len(head)
    return True
