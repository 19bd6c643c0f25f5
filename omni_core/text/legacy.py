"""Detects the code page of text that is neither UTF-8 nor UTF-16.

Latin alphabets are told from others by context: an accented letter of German or Polish is among
ASCII letters, a Cyrillic or Chinese character is not. chardet then chooses among the pages of the
one or the other. On short texts it prefers rare pages: where every letter is one of a Western
language in Windows-1252, by far the most common page, that is taken.

Share of texts detected correctly, over the message catalogs of Django 5.2 (PyPI) in 35 languages
and 57 pairs of language and encoding (UTF-16 and UTF-32 without a mark, DOS and Mac among them), 40
samples each of 20 / 60 / 200 / 2000 characters: charset-normalizer 3.5 and letters of languages, as
it was before, .57 / .66 / .68 / .68; chardet 7.7 alone .88 / .96 / .99 / .98, but .15 / .90 of
Italian in Windows-1252; this rule .89 / .96 / .98 / .98, and .82 / .95. A page found in which the
letters are of no language that is written in it gives way to one in which they are: over the
catalogs of Debian 12 in 32 pairs of Latin pages, 100 samples each of 20 / 60 / 200 characters, .914
/ .967 / .995 in place of .907 / .964 / .991.
"""

from __future__ import annotations

import re
from functools import lru_cache

FALLBACK = "cp1252"
"""The code page when no other is detected."""
SAMPLE_BYTES = 4096
"""Bytes sampled at each of four positions."""
_MIN_LATIN_SHARE = 0.4
"""Share of high bytes beside ASCII letters from which text counts as Latin. Measured at 60
and 300 characters: 0.0-0.13 in Cyrillic, Greek, Hebrew, Arabic, Thai, GBK, EUC; up to 0.29 in
Shift_JIS and 0.33 in Big5, whose second bytes are ASCII letters; 0.6-1.0 in Latin."""
_LATIN = (
    "cp1252", "iso8859-1", "iso8859-15", "cp1250", "iso8859-2", "cp1254", "cp1257", "cp1258",
    "mac-roman", "cp850", "cp437", "cp852", "cp865",
)  # fmt: skip
_OTHERS = (
    "cp1251", "koi8-r", "koi8-u", "cp866", "iso8859-5", "mac-cyrillic", "cp1253", "iso8859-7",
    "cp1255", "iso8859-8", "cp1256", "iso8859-6", "cp874", "cp932", "euc_jis_2004", "gb18030",
    "big5hkscs", "cp949",
)  # fmt: skip
_COMMON = frozenset({"cp1250", "iso8859-2", "cp1254", "cp1257", "cp1258"})
"""Latin pages that are as common as Windows-1252 where their languages are written."""
_WESTERN = (
    "äöüß", "éèêàçëâîïôùûüœæ", "áéíóúñü", "áâãçéêíóõúàô", "àèéìòùî", "äåöæøé", "éëïöüáó",
    "áðíóúýþæö", "àçèéíïòóúü",
)  # fmt: skip
"""Letters beyond ASCII of German, French, Spanish, Portuguese, Italian, the Nordic languages,
Dutch, Icelandic and Catalan."""
_CENTRAL = (
    "ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "čćđšž", "ăâîşţ",
)  # fmt: skip
"""Those of Polish, Czech, Slovak, Hungarian, Croatian and Slovene, and Romanian."""
_ALPHABETS = {
    "cp1252": _WESTERN, "cp1250": _CENTRAL, "iso8859-2": _CENTRAL, "cp1254": ("çğıi\u0307öşüâîû",),
    "cp1257": ("ąčęėįšųūž", "āčēģīķļņšūž", "äõöüšž"),
}  # fmt: skip
"""Alphabets of the languages that a Latin page is used for."""
_MAC = "mac-roman"
_RARE = frozenset("ŕĺ")
"""`déjà vu` in Windows-1252 is `déjŕ vu` in Windows-1250, of letters that Slovak has."""
_QUOTES = frozenset("«»“”„‘’‚–—…·°§")
"""Signs that stand beside letters in any language."""
_CONTEXT_BYTES, _PIECE_BYTES = 200, 2000
_DIVIDER = re.compile(rb"[\x00-\x2f]")
_NO_DIVIDER = bytes(range(0x30, 0x100))
_HIGH_BYTE = re.compile(rb"[\x80-\xff]")
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
_ASCII_LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_PUNCTUATION = frozenset(
    b"\x80\x82\x84\x85\x86\x87\x8b\x91\x92\x93\x94\x95\x96\x97\x99\x9b"
    b"\xa0\xa7\xa9\xab\xad\xae\xb0\xb1\xb7\xbb"
)
"""Punctuation with the same bytes in all Windows code pages."""
_FIXED_SPACES = re.compile(rb"\xa0{2,}")
"""In Windows and ISO pages; twice the same letter, which is rare, in those of DOS."""
_FRAMED = re.compile(
    rb"\xda(?:\xc4{5}|[\xc4\xc2]{4,}\xbf)|\xc9(?:\xcd{5}|[\xcd\xcb]{4,}\xbb)"
    rb"|^[ \t]{0,80}[\xb3\xba-\xdf]?(?:\xc4{20}|\xcd{20})",
    re.M,
)
"""The top of a frame in the pages of DOS, or a line that begins so: no word in another page does,
and a letter held long (`Hmmmm` in KOI8-R) stands within a line."""
_OF_FRAMES = re.compile(rb"[\xb0-\xdf]+")
_SIDE = re.compile(rb"(?<![\x80-\xff])[\xb3\xba](?![\x80-\xff])")
"""Bytes of which the lines of a frame are made, and its sides."""
_DOS_LATIN: tuple[str, ...] = ("cp437", "cp850", "cp852")
_DOS_CYRILLIC: tuple[str, ...] = ("cp866",)
_SIGNS = frozenset(b"\x80\x91\x92\x93\x94\x96\x97\x99\xa0\xa7\xa9\xab\xae\xb0\xb7\xbb")
"""Punctuation of Windows-1252 that are rare letters in the pages of DOS."""
_IN_WORD = re.compile(rb"(?<=[a-zA-Z])[\x80-\xff]|[\x80-\xff](?=[a-zA-Z])")
"""High bytes beside an ASCII letter."""
_CAPITAL_WITHIN = re.compile("[a-z][\u00c0-\u00de\u0152\u0178]")


def guess(data: bytes) -> str:
    """Python's name of the code page, from samples of at most 16 kB in all."""
    sample = _sample(data)
    found = _guess(sample)
    if b"\n" not in data and b"\r" in data and _is_of_mac(sample, found):
        return _MAC
    return found


def is_latin(data: bytes) -> bool:
    """Whether the letters beyond ASCII stand among ASCII letters."""
    return _share_beside_ascii(_sample(data)) >= _MIN_LATIN_SHARE


@lru_cache(maxsize=4)
def _guess(sample: bytes) -> str:
    """Cached, since a file is probed and then cut."""
    import chardet

    if _FRAMED.search(sample):
        return _guess_of_dos(_SIDE.sub(b" ", _OF_FRAMES.sub(_without_lines, sample)))
    latin = _share_beside_ascii(sample) >= _MIN_LATIN_SHARE
    found = chardet.detect(
        sample, include_encodings=_LATIN if latin else _OTHERS, compat_names=False,
        no_match_encoding=FALLBACK,
    )["encoding"]  # fmt: skip
    if latin and found not in _COMMON and (_is_western(sample) or _is_punctuation(sample)):
        return FALLBACK
    if found in ("cp1250", "iso8859-2") and _is_western(sample) and _has_rare(sample, found):
        return FALLBACK
    if found in _COMMON and found in _ALPHABETS:
        found = next((page for page in (found, *_ALPHABETS) if _fits(sample, page)), found)
    return _WIDER.get(found or FALLBACK, found or FALLBACK)


def _guess_of_dos(sample: bytes) -> str:
    import chardet

    latin = _share_beside_ascii(sample) >= _MIN_LATIN_SHARE
    pages = _DOS_LATIN if latin else _DOS_CYRILLIC
    found = chardet.detect(
        sample, include_encodings=pages, compat_names=False, no_match_encoding=pages[0]
    )["encoding"]
    return found or pages[0]


def _without_lines(found: re.Match[bytes]) -> bytes:
    """Bytes that draw a line as a space; letters as they are."""
    line = b"\xc4" * 4 in found[0] or b"\xcd" * 4 in found[0]
    return b" " if line else found[0]


_WIDER = {"iso8859-1": "cp1252", "euc_jis_2004": "euc_jp", "ascii": "cp1252"}
"""The page to decode with, where another has the same characters and more."""


def _fits(sample: bytes, page: str, beside: frozenset[str] = _QUOTES) -> bool:
    """Whether all letters beyond ASCII, in this page, are those of one language written in it, but
    for what stands `beside` letters."""
    letters = set(b"".join(_IN_WORD.findall(sample)).decode(page, "replace").lower()) - beside
    return any(letters.issubset(alphabet) for alphabet in _ALPHABETS[page])


def _is_western(sample: bytes) -> bool:
    """Whether all letters beyond ASCII, in Windows-1252, are those of one Western language."""
    return bool(_IN_WORD.search(sample)) and _fits(sample, FALLBACK, frozenset())


def _is_of_mac(sample: bytes, found: str) -> bool:
    """Whether all letters beyond ASCII, in the page of old Macs, are those of a Western language,
    with capitals at the begin of words only, and in the page `found` they are not; of texts whose
    lines end as theirs do."""
    if _share_beside_ascii(sample) < _MIN_LATIN_SHARE or _is_punctuation(sample):
        return False
    if found in _ALPHABETS and _fits(sample, found, frozenset()):
        return False
    letters = {c for c in b"".join(_IN_WORD.findall(sample)).decode(_MAC) if c not in _QUOTES}
    return (
        bool(letters)
        and any({c.lower() for c in letters}.issubset(alphabet) for alphabet in _WESTERN)
        and not _CAPITAL_WITHIN.search(sample.decode(_MAC))
    )


def _has_rare(sample: bytes, page: str) -> bool:
    """Whether a letter that one Slovak word in hundreds has stands where French has `à` or `å`."""
    return not _RARE.isdisjoint(b"".join(_IN_WORD.findall(sample)).decode(page, "replace").lower())


def _is_punctuation(sample: bytes) -> bool:
    """Whether nothing but dashes, quotes and signs of Windows-1252 is beyond ASCII."""
    return _SIGNS.issuperset(b"".join(_HIGH_RUN.findall(sample)))


def _sample(data: bytes) -> bytes:
    """Text around high bytes, from the start, a quarter, half and three quarters of the data.

    A piece ends with a byte below 0x30 where there is one, which is never the second byte of a
    character. Rows of fixed spaces, of which saved pages are full, are one plain space.
    """
    pieces: list[bytes] = []
    end = 0
    for quarter in range(4):
        at = quarter * len(data) // 4
        if at:
            divided = _DIVIDER.search(data, at)
            at = divided.start() if divided else len(data)
        at, remaining = max(at, end), SAMPLE_BYTES
        while remaining > 0 and (high := _HIGH_BYTE.search(data, at)):
            start = max(at, high.start() - _CONTEXT_BYTES)
            piece = data[start : high.start() + _PIECE_BYTES]
            if start + len(piece) < len(data):
                piece = piece.rstrip(_NO_DIVIDER) or piece
            pieces.append(piece)
            remaining, at = remaining - len(piece), start + len(piece)
        end = at
    return _FIXED_SPACES.sub(b" ", b"\n".join(pieces))


def _share_beside_ascii(sample: bytes) -> float:
    """Share of high bytes, in runs of one or two, that are next to an ASCII letter; 1.0 without
    any besides punctuation and one-letter words."""
    touching = total = 0
    for m in _HIGH_RUN.finditer(sample):
        start, end = m.span()
        around = sample[start - 1 : start] + sample[end : end + 1]
        near = not _ASCII_LETTERS.isdisjoint(around)
        short = end - start <= 2
        if short and (_PUNCTUATION.issuperset(m.group()) or (end - start == 1 and not near)):
            continue
        total += end - start
        touching += (end - start) * (short and near)
    return touching / total if total else 1.0
