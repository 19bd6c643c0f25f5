"""Text to sparse BM25 vectors: document weights here, IDF in the index (`Modifier.IDF`).

Okapi BM25 (Robertson & Zaragoza 2009): a term's score is `idf * tf*(k+1) / (tf + k*(1-b+b*n/avg))`.
The second factor is computed here with a *fixed* average length, so that stored vectors stay valid
as the library grows. The tokeniser is written here because those of the engines, which detect the
language of each string, fail on short questions in Japanese, Chinese and Korean.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import chain

from omni_core.text.numbers import joined
from omni_core.text.tokens import stem
from omni_core.types import Sparse

K = 1.2
B = 0.75
AVERAGE_WORDS = 40.0
"""Average length of a document in words: between a sentence (15) and a window of text (150)."""

# Accents (é -> e), Hebrew and Arabic vowel points, Arabic tatweel: removed, as queries omit them.
_OPTIONAL_MARKS = re.compile("[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1-\u05c7\u0640\u064b-\u065f]")
# Letters that no decomposition takes apart, as people without such keys write them. Spelled the
# same way in Danish, Polish, Icelandic, Croatian, Turkish, Maltese and Sami names.
_PLAIN = str.maketrans({
    "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h",
    "ŧ": "t", "ŋ": "n", "ĸ": "k",
})  # fmt: skip
_INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff]")
"""Characters within words that are not seen: soft hyphens, zero-width spaces."""
# Scripts without spaces between words, and Korean with its suffixed particles: cut into bigrams.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Myanmar, Khmer
    "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"  # kana, Han
    "\uac00-\ud7af"  # Hangul
)
_HAN = re.compile("[\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]")
# Letters and digits, and the vowel signs of Indic scripts, which Python's \w leaves out.
_LETTER = f"(?:[^\\W_{_UNSPACED}]|[\u0900-\u0963\u0966-\u0dff])"
_TOKEN = re.compile(
    f"(?P<unspaced>[{_UNSPACED}]+)|(?P<word>{_LETTER}+(?:[-._/:,'\u2019]{_LETTER}+)*)"
)
_ASCII_WORD = re.compile("[a-z0-9]+(?:[-._/:,'][a-z0-9]+)*")
"""`_TOKEN` where nothing but ASCII can come: three times as fast."""
_SEPARATOR = re.compile("[-._/:,'\u2019]")
_DECIMAL_COMMA = re.compile(r"\d+,\d{1,2}")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+")
_DIGITS = b"0123456789"
_LETTERS_OR_DIGITS = re.compile(r"\d+|[^\W\d_]+")

_STOP_WORDS = """
a about an and any are as at be been being but by can could did do does doing for from had
has have having he her him his how i if in into is it its just me my no nor not of off on or
our out she should so some such than that the their them then there these they this those to
too up us very was we were what when where which while who whom whose why will with would you
your show find tell give please
"""


def document(text: str) -> Sparse:
    """Document vector: for each term of `text` its saturated, length-normalised count."""
    counts: Counter[int] = Counter()
    words = 0
    for token, single in _tokens(text):
        counts[_number(token)] += 1
        words += not single
    norm = K * (1 - B + B * words / AVERAGE_WORDS)
    indices = tuple(sorted(counts))
    return Sparse(indices, tuple(counts[i] * (K + 1) / (counts[i] + norm) for i in indices))


def question(text: str) -> Sparse:
    """Query vector: 1.0 for each term; stop words are kept only when there is no other term.

    Libraries stored before letters such as ø were folded hold them as they are: both are asked for.
    """
    tokens = {token for token, single in _tokens(text, question=True) if not single}
    tokens |= {t for t, single in _tokens(text, question=True, fold=False) if not single}
    tokens = tokens - _stop_terms() or tokens
    indices = tuple(sorted({_number(t) for t in tokens}))
    return Sparse(indices, (1.0,) * len(indices))


def terms(text: str) -> list[str]:
    """The terms of a text in order, as indexed: to explain a match."""
    if text.isascii():  # a search compares a hundred texts
        return _ascii_terms(text)
    return [token for token, _ in _tokens(text)]


def telling(text: str) -> frozenset[str]:
    """The terms of a question without stop words, unless it has no other."""
    found = frozenset(terms(text))
    return found - _stop_terms() or found


@cache
def _stop_terms() -> frozenset[str]:
    return frozenset(stem(w) for w in _STOP_WORDS.split())


def _number(token: str) -> int:
    return int.from_bytes(hashlib.blake2b(token.encode(), digest_size=4).digest(), "little")


def _tokens(text: str, *, question: bool = False, fold: bool = True) -> Iterator[tuple[str, bool]]:
    """(term, whether it is a single character indexed only for one-character questions)."""
    if text.isascii():
        yield from ((token, False) for token in _ascii_terms(text))
        return
    text = unicodedata.normalize("NFKC", text)
    numbers = dict.fromkeys(joined(text))
    text = unicodedata.normalize("NFD", text.casefold())
    text = unicodedata.normalize("NFC", _OPTIONAL_MARKS.sub("", text))
    if fold:
        text = _INVISIBLE.sub("", text).translate(_PLAIN)
    for match in _TOKEN.finditer(text):
        run = match["unspaced"]
        if run is None:
            for token in _words(match["word"]):
                numbers.pop(token, None)
                yield token, False
        elif len(run) == 1:
            yield run, False
        else:
            for i in range(len(run) - 1):
                yield run[i : i + 2], False
            if not question:
                for char in _HAN.findall(run):
                    yield char, True
    yield from ((number, False) for number in numbers)


def _ascii_terms(text: str) -> list[str]:
    found = [*chain.from_iterable(map(_ascii_part, text.casefold().split()))]
    if len(text.encode().translate(None, _DIGITS)) == len(text):  # a fifth of a regex's time
        return found
    known = set(found)
    return found + [number for number in joined(text) if number not in known]


@lru_cache(maxsize=1 << 15)
def _ascii_part(part: str) -> tuple[str, ...]:
    """The terms of what stands between two spaces: `(well-known,` -> well, known."""
    return tuple(chain.from_iterable(map(_words, _ASCII_WORD.findall(part))))


@lru_cache(maxsize=1 << 16)
def _words(run: str) -> tuple[str, ...]:
    """`e-1042` -> e1042, 1042; `1,042` -> 1042; `driver's` -> driver; `well-known` -> well, known.

    A code matches as written, in other spellings (`E 1042`, `E1042`), or by its number alone; a
    decimal comma becomes a point.
    """
    if _THOUSANDS.fullmatch(run):
        run = run.replace(",", "")
    elif _DECIMAL_COMMA.fullmatch(run):
        run = run.replace(",", ".")
    parts = _SEPARATOR.split(run)
    whole: tuple[str, ...] = ()
    if any(c.isdigit() for c in run):
        pieces = [p for part in parts for p in _LETTERS_OR_DIGITS.findall(part)]
        if len(pieces) > 1:
            whole = (run if all(p.isdigit() for p in parts) else "".join(parts),)
        parts = pieces
    # Single letters split off by an apostrophe or a code (driver's, l'eau) are dropped.
    long = [p for p in parts if len(p) > 1 or p.isdigit()]
    return (*whole, *(stem(part) for part in long or parts))
