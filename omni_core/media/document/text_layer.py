"""Whether the characters of a text layer mean what the page shows.

Fonts map glyphs to characters by a table of their own. Where it is missing, characters come out
as U+FFFD or from the private use area; where it is wrong, as letters that spell nothing.
"""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from collections import Counter

MOSTLY_UNREADABLE = 0.1
"""Share of unreadable characters from which a layer is left out. Of 5,789 pages with text of public
test files, 41 had more than 0.3, and hardly any lay between."""
FREQUENT = frozenset("etaoinsr")
VOWELS = frozenset("aeiouyw")
"""With `w`, a vowel in Welsh."""
FEW_FREQUENT, FEW_IN_DOUBT, FEW_VOWELS = 0.36, 0.48, 0.30
"""Letters of a Latin text that spell nothing: less than the first share of the frequent letters, or
less than the second and fewer vowels than the third. Over 19 languages the frequent ones make 0.39
(Swahili) to 0.69 (French) and vowels 0.40 to 0.52, code 0.65 and 0.35; of texts in eight languages
whose letters were permuted, 85 in 100 are recognised."""
LEAST_LETTERS = 60
LEAST_WORDS = 8
"""Fewer letters, or fewer different words, say nothing."""
_WORD = re.compile(r"[^\W\d_]{3,}")
_EAST = frozenset({
    "CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "BOPOMOFO", "HALFWIDTH",
    "FULLWIDTH", "IDEOGRAPHIC",
})  # fmt: skip
_ANYWHERE = frozenset({
    "LATIN", "GREEK", "CYRILLIC", "MICRO", "MATHEMATICAL", "MODIFIER", "OHM", "KELVIN", "ANGSTROM",
    "SCRIPT", "DOUBLE-STRUCK", "BLACK-LETTER", "PLANCK", "FEMININE", "MASCULINE", "TURNED",
    "COMBINING", "SUPERSCRIPT", "SUBSCRIPT",
})  # fmt: skip
"""First words of the names of letters; the latter stand beside any script."""
_SPACED = frozenset({
    "ARABIC", "HEBREW", "SYRIAC", "DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL",
    "TELUGU", "KANNADA", "MALAYALAM", "SINHALA", "ETHIOPIC", "ARMENIAN", "GEORGIAN",
})  # fmt: skip
"""Scripts with spaces between words, within which Latin letters stand at one side: an article or
an ending joins a foreign word."""
MIXED_WORDS, MIXED_SHARE = 3, 0.1
"""Words of two scripts that never share one, Arabic and Chinese for example: from this number, and
from this share of the words in such scripts, glyphs were mapped by their numbers. Of 1,526 public
test files three have more than one such word, all three without meaning."""


def is_readable(text: str) -> bool:
    """Whether a text layer is usable; an empty one is."""
    return (
        unreadable_share(text) <= MOSTLY_UNREADABLE
        and not is_enciphered(text)
        and not is_mixed(text)
    )


def unreadable_share(text: str) -> float:
    """Share of characters other than spaces that are U+FFFD, private, or controls; 0 to 1."""
    seen = {c: count for c, count in Counter(text).items() if not c.isspace()}
    if not seen:
        return 0.0
    unread = sum(count for c, count in seen.items() if _is_unreadable(c))
    return unread / sum(seen.values())


def _is_unreadable(c: str) -> bool:
    return c == "\ufffd" or unicodedata.category(c) in ("Co", "Cc", "Cn")


def is_enciphered(text: str) -> bool:
    """Whether the letters of Latin words are distributed as in no language.

    Words in capitals and words with digits are left out: codes and abbreviations.
    """
    words = [w for w in _WORD.findall(text) if not w.isupper()]
    if len(set(words)) < LEAST_WORDS:
        return False
    counts = Counter(unicodedata.normalize("NFD", "".join(words).lower()))
    letters = sum(count for c, count in counts.items() if c.isalpha())
    latin = sum(count for c, count in counts.items() if "a" <= c <= "z")
    if latin < LEAST_LETTERS or latin < 0.8 * letters:
        return False
    frequent = sum(counts[c] for c in FREQUENT) / latin
    vowels = sum(counts[c] for c in VOWELS) / latin
    return frequent < FEW_FREQUENT or (frequent < FEW_IN_DOUBT and vowels < FEW_VOWELS)


def is_mixed(text: str) -> bool:
    """Whether words are written in two scripts at once, as no one writes."""
    if text.isascii():
        return False
    own = mixed = 0
    for word in re.findall(r"\w+", text):
        scripts = set() if word.isascii() else {_script(c) for c in word} - {""}
        own += bool(scripts)
        mixed += len(scripts) > 1 or (len(scripts) == 1 and _is_laced(word, min(scripts)))
    return mixed >= MIXED_WORDS and mixed >= MIXED_SHARE * own


def _is_laced(word: str, script: str) -> bool:
    """Whether Latin letters stand between those of a script with spaces, or the reverse; what
    `_` joins, as in hashtags, is words of its own."""
    if script not in _SPACED or not any("A" <= c <= "z" for c in word):
        return False
    parts = ([bool(_script(c)) for c in part if c.isalpha()] for part in word.split("_"))
    return any(sum(a != b for a, b in itertools.pairwise(sides)) > 1 for sides in parts)


@functools.cache
def _script(letter: str) -> str:
    """ "" for letters that stand beside any script, and for what is no letter."""
    if not letter.isalpha():
        return ""
    name = unicodedata.name(letter, "?").partition(" ")[0]
    return "" if name in _ANYWHERE else "EAST" if name in _EAST else name
