"""The characters of tags: legacy code pages in ID3v1, RIFF INFO and "ISO 8859-1" ID3v2 frames, and
what programs made of them when they wrote the tags anew.

A title is shorter than what `text.legacy` tells code pages apart by, so that short tags are judged
by the shape of their words first.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from omni_core.text.legacy import FALLBACK, guess
from omni_core.text.mojibake import mended

_ID3 = frozenset(("mp3", "aac", "wav", "w64", "aiff", "tta", "dsf", "wv", "ape", "mpc", "mpc8"))
"""Formats with ID3 tags, whose ISO 8859-1 is any code page in practice."""
_HIGH = re.compile(r"[\x80-\xff]")
_CONTROL = re.compile(rb"[\x80-\x9f]")
"""Control characters in ISO 8859-1, letters and quotation marks in all code pages of Windows."""
_TOUCHING = re.compile(rb"[A-Za-z][\x80-\xff]|[\x80-\xff][A-Za-z]")
"""As in Western words, and in none of another script."""
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
ENOUGH_BYTES = 60
"""From this length on `text.legacy.guess` is right by itself."""
_WORD = re.compile(r"[^\W\d_]+")
_MARKS = frozenset("«»„“”‘’–—…№")
_ALPHABETS = (
    ("cp1251", re.compile("[а-џ]+"), frozenset("аеёиоуыэюяіїє"), 4),
    ("koi8-r", re.compile("[а-џ]+"), frozenset("аеёиоуыэюяіїє"), 6),
    ("cp1253", re.compile("[ά-ώΐ]+"), frozenset("αεηιουωάέήίόύώϊϋΐΰ"), 6),
)
"""Code page, lower-case letters, vowels, and letters from which words are judged by them."""


def text(value: str) -> str:
    """One value as `container` gives it: bytes that are not UTF-8 are surrogates in it."""
    return decoded({"": value}, "")[""]


def decoded(tags: Mapping[str, str], format_name: str) -> dict[str, str]:
    """The tags of one file; what is not UTF-8 is of one code page, which is guessed from all."""
    found = dict(tags)
    raw = {k: v.encode("utf-8", "surrogateescape") for k, v in tags.items() if _is_raw(v)}
    if raw:
        name = _code_page(list(raw.values())) or FALLBACK
        found |= {k: v.decode(name, "replace").rstrip("\ufffd ") for k, v in raw.items()}
    found = {k: mended(v)[0] for k, v in found.items()}
    narrow = {
        k: v.encode("latin-1") for k, v in found.items() if _HIGH.search(v) and max(v) <= "\xff"
    }
    if not narrow:
        return found
    if format_name in _ID3:
        name = _code_page(list(narrow.values()), sure=True)
        if any(_CONTROL.search(v) for v in narrow.values()):
            name = name or FALLBACK
    else:
        data = b"\n".join(narrow.values())
        name = "" if _TOUCHING.search(data) else _by_words(data)
    if name:
        found |= {k: v.decode(name, "replace").rstrip("\ufffd ") for k, v in narrow.items()}
    return found


def _is_raw(value: str) -> bool:
    return any("\udc80" <= c <= "\udcff" for c in value)


def _code_page(values: Sequence[bytes], *, sure: bool = False) -> str:
    """The code page of these values; "" for none but Windows-1252.

    sure: they may as well be Western text that was read rightly.
    """
    if all(_is_utf8(v) for v in values):
        return "utf-8"
    data = b"\n".join(values)
    if len(data) < ENOUGH_BYTES and (name := _by_words(data)):
        return name
    name = guess(data)
    read = [c for c in data.decode(name, "replace") if c > "\x7f"]
    letters = [c for c in read if c.isalpha()]
    if (
        name == FALLBACK
        or not letters
        or sum("\uff61" <= c <= "\uff9f" for c in read) * 5 > len(read)
    ):
        return ""  # half-width Katakana: no one writes so, any bytes can be read so
    latin = sum(unicodedata.name(c, "").startswith("LATIN") for c in letters)
    if latin * 2 < len(letters):
        return name if len(data) >= ENOUGH_BYTES else ""
    return name if not sure or len(data) >= ENOUGH_BYTES else ""


def _is_utf8(value: bytes) -> bool:
    """Whether it is UTF-8; ID3v1 cuts the last character off."""
    try:
        value.decode("utf-8")
    except UnicodeDecodeError as e:
        cut = len(value) - e.start <= 3 and e.reason == "unexpected end of data"
        return cut and not value[: e.start].isascii()
    return True


def _by_words(data: bytes) -> str:
    """The code page by the shape of a few words of another script than Latin; "" if unsure."""
    for name, letters, vowels, enough in _ALPHABETS:
        if _are_words(data.decode(name, "replace"), letters, vowels, enough):
            return name
    if re.search(rb"[\x82\x83][\x40-\xf1]", data) and _decodes(data, "cp932"):
        return "cp932"
    runs = _HIGH_RUN.findall(data)
    leads = {run[i] for run in runs for i in range(0, len(run), 2)}
    pairs = all(len(run) % 2 == 0 and min(run) >= 0xA1 for run in runs)
    if pairs and sum(map(len, runs)) >= 4 and min(leads) >= 0xB0 and max(leads) <= 0xD7:
        return "cp949" if max(leads) <= 0xC8 else "gb18030"  # Hangul end where pinyin has "r"
    return ""


def _are_words(read: str, alphabet: re.Pattern[str], vowels: frozenset[str], enough: int) -> bool:
    """Whether all that is not ASCII are words of one alphabet, in upper or in lower case, with
    vowels between the consonants."""
    found = [w for w in _WORD.findall(read) if not w.isascii()]
    if not all(c.isalpha() or c in _MARKS for c in read if c > "\x7f"):
        return False
    if not all(alphabet.fullmatch(w.lower()) for w in found):
        return False
    letters = "".join(found).lower()
    if len(letters) < enough or not all(w.islower() or w.isupper() or w.istitle() for w in found):
        return False
    return 0.25 <= sum(c in vowels for c in letters) / len(letters) <= 0.75


def _decodes(data: bytes, name: str) -> bool:
    try:
        data.decode(name)
    except UnicodeDecodeError:
        return False
    return True
