"""Words to sparse vectors: BM25's document half here, its IDF in the store (`Modifier.IDF`).

Okapi BM25 (Robertson & Zaragoza 2009): a term's score is `idf * tf*(k+1) / (tf + k*(1-b+b*n/avg))`.
The second factor is made here with a *fixed* average length, so that a stored vector never has to
change when the library grows. The tokeniser is ours because the engines' own miss short questions
in Japanese, Chinese and Korean: they guess the language of each string by itself.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import cache

from omni_core.text.tokens import stem
from omni_core.types import Sparse

K = 1.2
B = 0.75
AVERAGE_WORDS = 40.0
"""Between a spoken sentence (about 15 words) and a window of a page (150 words)."""

# Accents (é -> e), Hebrew and Arabic vowel points and the Arabic stretcher: people leave them out.
_OPTIONAL_MARKS = re.compile("[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1-\u05c7\u0640\u064b-\u065f]")
# Scripts without spaces between words (and Korean, whose particles stick): cut into bigrams.
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
_SEPARATOR = re.compile("[-._/:,'\u2019]")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+")
_LETTERS_OR_DIGITS = re.compile(r"\d+|[^\W\d_]+")

_STOP_WORDS = """
a about an and any are as at be been being but by can could did do does doing for from had
has have having he her him his how i if in into is it its just me my no nor not of off on or
our out she should so some such than that the their them then there these they this those to
too up us very was we were what when where which while who whom whose why will with would you
your show find tell give please
"""


def document(text: str) -> Sparse:
    """The stored side: for each term of `text` its saturated, length-normalised count."""
    counts: Counter[int] = Counter()
    words = 0
    for token, single in _tokens(text):
        counts[_number(token)] += 1
        words += not single
    norm = K * (1 - B + B * words / AVERAGE_WORDS)
    indices = tuple(sorted(counts))
    return Sparse(indices, tuple(counts[i] * (K + 1) / (counts[i] + norm) for i in indices))


def question(text: str) -> Sparse:
    """The asking side: 1.0 for each term; stop words count only when nothing else was asked."""
    tokens = {token for token, single in _tokens(text, question=True) if not single}
    tokens = tokens - _stopped() or tokens
    indices = tuple(sorted({_number(t) for t in tokens}))
    return Sparse(indices, (1.0,) * len(indices))


def terms(text: str) -> list[str]:
    """The terms of a text in order, as they are indexed: to explain a match to a person."""
    return [token for token, _ in _tokens(text)]


@cache
def _stopped() -> frozenset[str]:
    return frozenset(stem(w) for w in _STOP_WORDS.split())


def _number(token: str) -> int:
    return int.from_bytes(hashlib.blake2b(token.encode(), digest_size=4).digest(), "little")


def _tokens(text: str, *, question: bool = False) -> Iterator[tuple[str, bool]]:
    """Terms; True marks the lone characters that only help one-character questions."""
    text = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    text = unicodedata.normalize("NFC", _OPTIONAL_MARKS.sub("", text))
    for match in _TOKEN.finditer(text):
        run = match["unspaced"]
        if run is None:
            for token in _words(match["word"]):
                yield token, False
        elif len(run) == 1:
            yield run, False
        else:
            for i in range(len(run) - 1):
                yield run[i : i + 2], False
            if not question:
                for char in _HAN.findall(run):
                    yield char, True


def _words(run: str) -> Iterator[str]:
    """`e-1042` -> e1042, 1042; `1,042` -> 1042; `driver's` -> driver; `well-known` -> well, known.

    A code is found whole, written another way (`E 1042`, `E1042`), or by its number alone.
    """
    if _THOUSANDS.fullmatch(run):
        run = run.replace(",", "")
    parts = _SEPARATOR.split(run)
    if any(c.isdigit() for c in run):
        pieces = [p for part in parts for p in _LETTERS_OR_DIGITS.findall(part)]
        whole = run if all(p.isdigit() for p in parts) else "".join(parts)
        if len(pieces) > 1:
            yield whole
        parts = pieces
    # What an apostrophe or a code leaves over (driver's, l'eau) says nothing by itself.
    long = [p for p in parts if len(p) > 1 or p.isdigit()]
    for part in long or parts:
        yield stem(part)
