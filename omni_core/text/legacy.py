"""Detects the code page of text that is neither UTF-8 nor UTF-16.

Latin alphabets are distinguished from others by context: an accented letter of German or Polish is
among ASCII letters, a Cyrillic or Chinese character is not. For other scripts charset-normalizer
proposes pages and the share of common words decides; a Latin page is chosen by the alphabet that
fits the letters best.

Share of texts detected correctly, over the message catalogs of Django (PyPI) in 24 languages, 150
samples for each of 30 pairs of language and code page, of 60 / 300 / 3000 characters:
charset-normalizer 3.5 alone 0.73 / 0.83 / 0.87 (it takes Spanish, and Czech in ISO 8859-2, for
cp1250), with this rule 0.97 / 1.00 / 1.00. The errors at 60 are Polish in ISO 8859-2, Turkish,
Romanian and Hungarian texts without a letter of their own (0.85-0.95), and Hebrew (0.94). Of the
387 labelled files of chardet's tests: UTF-8 or else Windows-1252 40, charset-normalizer 372, this
rule 375, with declared encodings 382.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

FALLBACK = "cp1252"
"""The code page when no other is detected."""
SAMPLE_BYTES = 4096
"""Bytes sampled at each of four positions."""
_MIN_LATIN_SHARE = 0.4
"""Share of high bytes beside ASCII letters from which text counts as Latin. Measured at 60
and 300 characters: 0.0-0.13 in Cyrillic, Greek, Hebrew, Arabic, Thai, GBK, EUC; up to 0.29 in
Shift_JIS and 0.33 in Big5, whose second bytes are ASCII letters; 0.6-1.0 in Latin."""
_WORD_WEIGHT = 0.5
"""Weight of the share of common words against the share of fitting letters, both 0 to 1."""
_RARE_LETTER_WEIGHT = 0.7
"""Weight of a letter that is rare in its language, against 1 for the others."""
_FIRST_PROPOSAL_BONUS = 0.03
"""Added to the score of the first proposal of charset-normalizer."""
_RARE_PAGE_PENALTY = 0.04
_RARE_PAGES = {"mac_cyrillic", "cp855", "johab", "iso8859_6"}
"""Code pages that are hardly used, and fit short texts by chance."""
_CYRILLIC = "и в не на что он с как это по но для из за я мы то та є що і у з до від ще се да от са"
_ARABIC = "في من على أن إلى هذا هذه لا أو ما عن مع و"
_KANA = "のにはをたがでとしてい、。"
_HAN = "的一是不了在有人我他这這，。"
_HANGUL = "이는을다의에고하가를지"
_COMMON = {
    "cp1251": _CYRILLIC, "koi8_r": _CYRILLIC, "cp866": _CYRILLIC, "iso8859_5": _CYRILLIC,
    "mac_cyrillic": _CYRILLIC, "cp855": _CYRILLIC,
    "cp1253": "και το η ο να της του με την για είναι δεν που τα σε από των",
    "cp1255": "של על את לא זה עם או הוא כי אם יש אין גם",
    "cp1256": _ARABIC, "iso8859_6": _ARABIC, "cp874": "",
    "cp932": _KANA, "euc_jp": _KANA, "gb18030": _HAN, "big5": _HAN, "cp949": _HANGUL,
    "johab": _HANGUL,
}  # fmt: skip
"""Non-Latin code pages, with common words of their languages, or single characters in scripts
without spaces."""
_UNSPACED = {"cp932", "euc_jp", "gb18030", "big5", "cp949", "johab"}
_WESTERN, _CENTRAL = ("cp1252",), ("cp1250", "iso8859_2")
_ALPHABETS = (
    (_WESTERN, "äöüß", "", "der die das und ist nicht mit ein sie auf von zu den"),
    (_WESTERN, "éèêàç", "ëâîïôùûüœæ", "le la les de et est un une des vous pas du que ne pour"),
    (_WESTERN, "áéíóúñ", "ü", "el la los de que y en un una es por con no las se"),
    (_WESTERN, "áâãçéêíóõú", "àô", "o a os de que e do da em um uma para com no se"),
    (_WESTERN, "àèéìòù", "", "il la di che e un una per non in del con si le è"),
    (_WESTERN, "äåöæø", "é", "och att det en som den er det og ikke til med på av ja on ei"),
    (_WESTERN, "éëï", "öüáó", "de het een en van is niet in te dat op voor"),
    (_WESTERN, "áðíóúýþæö", "é", "og er það sem til ekki um með"),
    (_CENTRAL, "ąćęłóśż", "ńź", "w i nie na do się jest to z o po"),
    (_CENTRAL, "áčéěířšůýž", "ďňóťú", "je na se to v a s do ne pro že o si"),
    (_CENTRAL, "áčéíľšťúýž", "äďĺňóôŕ", "je na sa to v a s do nie že o si"),
    (_CENTRAL, "áéíóöőüű", "ú", "a az és nem egy is hogy van meg ez"),
    (_CENTRAL, "ăâîşţ", "", "de la şi nu este în un o cu din pe"),
    (_CENTRAL, "čćšž", "đ", "je i u na se da za su od ne"),
    (("cp1254",), "çğıöşü", "âî", "bir ve bu için de da ile ne mi"),
    (("cp1257",), "ąčęėįšųūž", "", "ir yra tai su kad į ne iš"),
    (("cp1257",), "āčēģīķļņšūž", "", "un ir ar no uz par ka nav"),
)
"""Code pages, letters beyond ASCII, rare letters and common words of the Latin alphabets."""
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
_LETTER = r"[^\W\d_]"
_TOKEN = re.compile(rf"{_LETTER}+")
_FOREIGN = re.compile(
    rf"[^\x00-\x7f](?<={_LETTER})|(?<={_LETTER})[^\x00-\x7f\w\s’·\xad](?={_LETTER})|[\x80-\x9f\ufffd]"
)
"""Non-ASCII letters, and symbols inside words, which a wrong code page produces."""


def guess(data: bytes) -> str:
    """Python's name of the code page, from samples of at most 16 kB in all."""
    return _guess(_sample(data))


@lru_cache(maxsize=4)
def _guess(sample: bytes) -> str:
    """Cached, since a file is probed and then cut."""
    if _share_beside_ascii(sample) >= _MIN_LATIN_SHARE:
        return _latin_page(sample)
    from charset_normalizer import from_bytes

    pages = list(_COMMON)
    for threshold in (0.2, 0.5):  # the second for text with much noise
        found = list(from_bytes(sample, cp_isolation=pages, threshold=threshold))
        if found:
            first = found[0].encoding
            return max(
                (m.encoding for m in found),
                key=lambda name: (
                    _common_word_share(sample, name)
                    + _FIRST_PROPOSAL_BONUS * (name == first)
                    - _RARE_PAGE_PENALTY * (name in _RARE_PAGES)
                ),
            )
    return FALLBACK


def _sample(data: bytes) -> bytes:
    """Text around high bytes, from the start, a quarter, half and three quarters of the data.

    A piece ends with a byte below 0x30 where there is one, which is never the second byte of a
    character.
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
    return b"\n".join(pieces)


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


def _latin_page(sample: bytes) -> str:
    """The code page whose decoding fits one of `_ALPHABETS` best; cp1252 by default."""
    read: dict[str, tuple[Counter[str], list[str]]] = {}
    best, best_fit = FALLBACK, -1.0
    for pages, letters, rare, words in _ALPHABETS:
        common = set(words.split())
        for page in pages:
            if page not in read:
                text = sample.decode(page, "replace").lower()
                read[page] = Counter(_FOREIGN.findall(text)), _TOKEN.findall(text)
            foreign, tokens = read[page]
            known = sum(
                n * ((letter in letters) + _RARE_LETTER_WEIGHT * (letter in rare))
                for letter, n in foreign.items()
            )
            fit = known / foreign.total() if foreign else 1.0
            fit += _WORD_WEIGHT * sum(t in common for t in tokens) / (len(tokens) or 1)
            if fit > best_fit + 1e-9:
                best, best_fit = page, fit
    return best


def _common_word_share(sample: bytes, page: str) -> float:
    """Share of the non-ASCII text that is common words, or characters, of its languages."""
    text = sample.decode(page, "replace").lower()
    if page in _UNSPACED:
        found = sum(sign in _COMMON[page] for sign in text)
    else:
        common = set(_COMMON[page].split())
        found = sum(len(token) for token in _TOKEN.findall(text) if token in common)
    return found / (sum(c > "\x7f" for c in text) or 1)
