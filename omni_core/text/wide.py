"""UTF-16 and UTF-32 without a byte order mark, and what sets them apart from UTF-8 with a zero byte
in it and from pixels, sound and numbers."""

from __future__ import annotations

import unicodedata
from collections import Counter

UNUSED = bytes(b for b in range(32) if b not in (7, 8, 9, 10, 12, 13, 26, 27))
"""Control bytes that do not occur in text."""
MAX_CONTROL_SHARE = 0.02
"""Share of control bytes up to which data counts as text; random bytes have 0.08."""
LOOKED_AT = 4096
"""First bytes by which UTF-16 and UTF-32 are recognised."""
MIN_OF_ONE_SCRIPT = 0.85
"""Share of letters in one script and in Latin; of those in random pairs of bytes it is .79."""
_EAST_ASIAN = frozenset(
    ("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "BOPOMOFO", "FULLWIDTH",
     "HALFWIDTH", "IDEOGRAPHIC")
)  # fmt: skip
"""First words of the names of letters that texts mix."""

_COMMON = (("gb2312", "euc_kr"), ("big5",), ("shift_jis",), ("cp949",))
"""Pages of the characters that Chinese, Japanese and Korean are written with, and that one text
may mix."""
MIN_COMMON = 0.8
"""Share of East Asian characters in one of them; of those by chance, .62 at most."""
MANY, MAX_OF_ONE, FEW_BREAKS = 32, 0.25, 0.1
"""Characters of which no single one makes more than that share, as bytes that repeat do, unless
spaces, line ends and punctuation are more than few: `はい` and `いいえ` fill whole tables."""


def wide_page(data: bytes) -> str | None:
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
    if _has_stray_zeros(head):
        return None
    both = {wide: _breaks(head, wide) for wide in either}
    best = max(both, key=lambda wide: both[wide], default="")
    return best if best and both[best] else None


def _has_stray_zeros(head: bytes) -> bool:
    """Whether it is UTF-8 but for zero bytes. In kana, whose bytes may be ASCII as well, every
    other one is a "0"."""
    return 4 * head.count(b"0") < len(head) and is_strictly_text(head.replace(b"\0", b""))


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
    firsts = [unicodedata.name(c, "").split(" ")[0] for c in letters]
    names = Counter(firsts)
    latin = names.pop("LATIN", 0)
    scripts = Counter({"CJK": sum(names.pop(name, 0) for name in _EAST_ASIAN)}) + names
    most = max(scripts.values(), default=0)
    if most + latin < MIN_OF_ONE_SCRIPT * len(letters):
        return False
    east = "".join(c for c, name in zip(letters, firsts, strict=True) if name in _EAST_ASIAN)
    return len(east) <= latin or _is_written(east, _breaks(head, page) / max(1, len(head) // 2))


def _is_written(east: str, breaks: float) -> bool:
    """Whether East Asian characters are those that texts consist of. breaks: their share of all."""
    known = [{c for p in pages for c in east.encode(p, "ignore").decode(p)} for pages in _COMMON]
    if max(sum(c in page for c in east) for page in known) < MIN_COMMON * len(east):
        return False
    repeats = len(east) >= MANY and breaks < FEW_BREAKS
    return not repeats or max(Counter(east).values()) <= MAX_OF_ONE * len(east)


def is_strictly_text(head: bytes) -> bool:
    """Whether the first bytes are UTF-8 without a control character: no binary format is."""
    if len(head) != len(head.translate(None, UNUSED)):
        return False
    try:
        head.decode()
    except UnicodeDecodeError as e:
        return e.reason == "unexpected end of data" and e.end == len(head)
    return True
