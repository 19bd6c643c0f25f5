"""Decoding of text files: byte order marks, UTF-16 by its zero bytes, UTF-8, the encoding that
markup declares, and legacy code pages by statistics."""

from __future__ import annotations

import codecs
import re

from omni_core.text.legacy import guess

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


def decode(data: bytes, *, markup: bool = False) -> str:
    """The text, with line ends as \\n and without control characters that no text needs; never
    fails: bytes that the encoding does not have become U+FFFD.

    markup: HTML or XML, whose own declaration of an encoding counts.
    """
    text = _decode(data, markup).replace("\r\n", "\n").replace("\r", "\n")
    return text.translate(_DROPPED) if _has_controls(text) else text


def _has_controls(text: str) -> bool:
    return any(chr(b) in text for b in _DROPPED)


def _decode(data: bytes, markup: bool) -> str:
    for mark, name in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data.decode(name, "replace")
    if (wide := _utf16(data)) is not None:
        return data.decode(wide, "replace")
    for escape, name in _ESCAPES:
        if escape in data:
            return data.decode(name, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")
        high = len(data) - len(data.translate(None, _HIGH_BYTES))
        if 3 * text.count("\ufffd") <= high:
            return text  # damaged UTF-8: in legacy text most high bytes are invalid
    name = (declared(data) if markup else None) or guess(data)
    return data.decode(name, "replace")


def declared(data: bytes) -> str | None:
    """The code page named by `<meta charset>` or the XML declaration; None for unknown names, and
    for UTF-8 and UTF-16, which are detected from the bytes."""
    found = _DECLARED.search(data[:4096])
    if found is None:
        return None
    label = re.sub("^x-|-i$", "", (found[1] or found[2]).decode("ascii").lower())
    try:
        name = codecs.lookup(label.replace("windows-", "cp")).name
    except LookupError:
        return None
    return _ENCODINGS.get(name)


def _utf16(data: bytes) -> str | None:
    """The byte order of UTF-16 without a mark: in Latin text every other byte is zero."""
    head = data[:2000]
    if len(head) < 8:
        return None
    even, odd = head[0::2].count(0) / len(head[0::2]), head[1::2].count(0) / len(head[1::2])
    if odd > 0.4 and even < 0.1:
        return "utf-16-le"
    if even > 0.4 and odd < 0.1:
        return "utf-16-be"
    return None


def is_text(head: bytes) -> bool:
    """Whether the first bytes are text: UTF-16, or no NUL and few control bytes."""
    if not head:
        return False
    if head.startswith(tuple(m for m, _ in _BYTE_ORDER_MARKS)) or _utf16(head) is not None:
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
