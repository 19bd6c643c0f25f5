"""EBCDIC, the encoding of IBM's mainframes, where spaces are 0x40 and letters lie beyond 0x80."""

from __future__ import annotations

from functools import lru_cache

PAGES = ("cp037", "cp1047", "cp500", "cp273")
"""Of the United States, of Unix on mainframes, international, German; in order of likelihood."""
_LETTERS = bytes(
    b
    for base in (0x80, 0xC0)
    for row, first, last in ((0, 1, 9), (0x10, 1, 9), (0x20, 2, 9))
    for b in range(base + row + first, base + row + last + 1)
)
_DIGITS = bytes(range(0xF0, 0xFA))
_SPACE, _LINE_ENDS = 0x40, b"\x15\x25\r"
_WIDE_SPACES = (b"\x81\x40", b"\xa1\x40")
"""The space of Shift_JIS and of Big5; in EBCDIC words that end in `a` and in `~`."""
LOOKED_AT = 4096
MIN_SPACES = 0.05
"""Share of the bytes; in the pages of other alphabets 0x40 is `@`, and spaces are 0x20."""
MIN_LETTERS, MAX_OTHERS, MIN_DIFFERENT = 0.3, 0.25, 8
"""Share of letters in what is no space, of bytes that are none of letters, digits and line ends,
and how many different letters there are."""
RECORD = 80
"""Bytes of a line where there are no line ends: a punched card."""
_AS_037 = bytes.maketrans(b"\xad\xbd\x5f\xba\xbb\xb0", b"\xba\xbb\xb0\xad\xbd\x5f")
"""The bytes of 1047, which Python does not have, that differ from 037: brackets and a few signs."""
_SIGNS = frozenset(" .,;:!?()[]{}<>'\"-+*/=&%$#@_|\n\t")


def ebcdic_page(data: bytes) -> str:
    """One of `PAGES` where the first bytes are EBCDIC; "" for any other data."""
    head = data[:LOOKED_AT]
    spaces = head.count(_SPACE)
    if spaces < MIN_SPACES * len(head) or head.count(0x20) > 0.01 * len(head):
        return ""
    written = len(head) - spaces
    letters = len(head) - len(head.translate(None, _LETTERS))
    rest = len(head.translate(None, _LETTERS + _DIGITS + _LINE_ENDS)) - spaces
    if letters < MIN_LETTERS * written or rest > MAX_OTHERS * written:
        return ""
    if len({*head}.intersection(_LETTERS)) < MIN_DIFFERENT:
        return ""
    if 2 * sum(map(head.count, _WIDE_SPACES)) > spaces:
        return ""
    return _likeliest(head)


@lru_cache(maxsize=4)
def _likeliest(head: bytes) -> str:
    """The page in which the most characters are letters, digits and common signs."""

    def written(page: str) -> int:
        text = ebcdic_text(head, page)
        inner = zip(text, text[1:], text[2:], strict=False)
        words = sum(a.isalpha() and b.isalpha() and c.isalpha() for a, b, c in inner)
        return words + sum(c.isascii() and (c.isalnum() or c in _SIGNS) for c in text)

    return max(PAGES, key=written)


def ebcdic_text(data: bytes, page: str) -> str:
    """The text, with line ends as "\\n", and a line for each card where there are none."""
    own = data.translate(_AS_037) if page == "cp1047" else data
    text = own.decode("cp037" if page == "cp1047" else page, "replace")
    text = text.replace("\r\n", "\n").replace("\x85", "\n").replace("\r", "\n")
    if "\n" not in text and len(text) > RECORD and not len(text) % RECORD:
        text = "\n".join(text[n : n + RECORD].rstrip() for n in range(0, len(text), RECORD))
    return text
