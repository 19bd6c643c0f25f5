"""Words of any script, the one way this package counts them; imports nothing of ours."""

from __future__ import annotations

import re
import unicodedata

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\u0e00-\u0e7f"
_RUN = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+(?:['’][^\W_{_CJK}]+)*")
_IS_CJK = re.compile(f"[{_CJK}]")


def words(text: str) -> list[str]:
    """Case-folded words in order; scripts without spaces give overlapping pairs of characters.

    NFKC makes full-width letters and ligatures plain. `don't` stays one word.
    """
    out: list[str] = []
    for run in _RUN.findall(unicodedata.normalize("NFKC", text).casefold()):
        if _IS_CJK.match(run) and len(run) > 1:
            out += [run[i : i + 2] for i in range(len(run) - 1)]
        else:
            out.append(run.replace("’", "'"))
    return out


def stem(word: str) -> str:
    """`word` without an English plural or possessive ending, so that `sirens` meets `siren`.

    No more than that: a stronger stemmer joins words that differ (`universe`, `university`).
    """
    word = word.removesuffix("'s")
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
