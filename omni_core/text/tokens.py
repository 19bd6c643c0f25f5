"""Words of any script, and their stems."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\u0e00-\u0e7f"
_RUN = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+(?:'[^\W_{_CJK}]+)*")
_IS_CJK = re.compile(f"[{_CJK}]")
_VOWEL = re.compile("[aeiouy]")
_LOST_E = re.compile("([aeiou]at|bl|iz|[^aeiou]c|[aeiou]c|[^n]g|dg|v|u|[aeio]s)$")
_SHORT = re.compile("[^aeiou]*[aeiouy][^aeiouwxy]")


def words(text: str) -> list[str]:
    """Case-folded words in order; scripts without spaces give overlapping character bigrams.

    NFKC folds full-width letters and ligatures. `don't` stays one word.
    """
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    runs: list[str] = _RUN.findall(folded)
    if folded.isascii() or not _IS_CJK.search(folded):  # 950 texts a search: no loop over words
        return runs
    out: list[str] = []
    for run in runs:
        if _IS_CJK.match(run) and len(run) > 1:
            out += [run[i : i + 2] for i in range(len(run) - 1)]
        else:
            out.append(run)
    return out


@lru_cache(maxsize=1 << 15)
def stem(word: str) -> str:
    """A light English stemmer (plurals, possessives, -ing, -ed); other words stay as they are.
    The only stemmer: for the index's terms (`bm25`) and for whatever is compared with them.

    Steps 1a and 1b of Porter (1980), with an `e` restored more often: a stem need not be a word,
    but forms of one word must share it. No final `e` is dropped, which keeps plane and plan apart.

    Compared with Snowball 3.1 and kept, since stored terms depend on it and a change would require
    re-indexing every library:

    | over pairs of words | correctly conflated | wrongly conflated |
    |---|---|---|
    | English, this one | 34 of 45 | 7 of 49 |
    | English, Snowball | 42 of 45 | 15 of 49 (import/important, author/authority ...) |
    | German, Snowball | 13 of 16 (this one 1) | 5 of 8 (0) |
    | Spanish, Snowball | 10 of 12 (6) | 6 of 7 (0) |
    | Russian, Snowball | 12 of 12 (0) | 4 of 6 (0) |

    BM25 alone, over the 40 development questions: found 30 with this one, 31 with Snowball (the
    additional one, volcanic/volcano, is first in the dense ranking anyway), 28 without a stemmer.
    With questions in German, Spanish and Russian over the same, mostly English library: 4, 2 and 1
    of 36 with this one, 4, 7 and 1 with Snowball of the question's language, which is rarely known.
    """
    word = word.removesuffix("'s")
    if len(word) < 4 or not word.isascii() or not word.isalpha():
        return word
    if word.endswith(("ies", "ied")) and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zzes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        body = word.removesuffix(ending)
        if body != word and len(body) >= 3 and not word.endswith("eed") and _VOWEL.search(body):
            return _repair(body)
    return word


def _repair(body: str) -> str:
    """runn -> run, mak -> make, clos -> close, danc -> dance, talk -> talk."""
    if body[-1] == body[-2] and body[-1] not in "lsz":
        return body[:-1]
    if _LOST_E.search(body) or _SHORT.fullmatch(body):
        return body + "e"
    return body
