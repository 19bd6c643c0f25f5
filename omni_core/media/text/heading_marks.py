"""A heading as its reader sees it: without the signs of Markdown for links, pictures and stress."""

from __future__ import annotations

import re

_CODE = re.compile(r"(?<![`\\])(`{1,3})(?!`)([^`]+)\1(?!`)")
_LINK = re.compile(
    r"!?\[([^\[\]]*)\](?:\((?:[^()]|\([^()]*\))*\)|\[[^\[\]]*\])"
    r"|^\[([^\[\]]*)\](?=[ \t]*(?:[-–—(]|$))"
)
"""A link or a picture; and a name in brackets, as of a version, whose link is defined elsewhere."""
_TAG = re.compile(
    r"</?(?:a|b|i|u|em|strong|code|kbd|span|small|su[bp]|br|img|font|center|del|ins)\b[^<>]*>", re.I
)
_ANCHOR = re.compile(r"[ \t]*\{[#.:][^{}]*\}[ \t]*$")
_STRESS = re.compile(
    r"(\*{1,3}|~~)(?=[^\s*])([^*~]*[^\s*~])\1|(?<!\w)(_{1,3})(?=[^\s_])([^_]*[^\s_])\3(?!\w)"
)
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_NO_MARK = {0x10F000 + code: code for code in range(0x80)}
"""Characters for private use, which stand for escaped signs while marks are looked for."""
_DEPTH = 3
"""Pictures within links within stress."""
MAX_LENGTH = 1000
"""Characters of a heading that is looked at."""


def without_marks(heading: str) -> str:
    """The words of a heading of Markdown; "" of one that is a picture without a name."""
    if len(heading) > MAX_LENGTH or not any(sign in heading for sign in "[<`*_~\\{"):
        return heading
    parts = _CODE.split(_ANCHOR.sub("", heading))  # text, signs, code, text ...
    parts[::3] = [_plain(part) for part in parts[::3]]
    del parts[1::3]
    return " ".join("".join(parts).split())


def _plain(text: str) -> str:
    text = _ESCAPED.sub(lambda m: chr(0x10F000 + ord(m[1])), text)
    for _ in range(_DEPTH):
        text = _LINK.sub(lambda m: m[1] or m[2] or "", text)
    text = _TAG.sub("", text)
    for _ in range(_DEPTH):
        text = _STRESS.sub(lambda m: m[2] or m[4] or "", text)
    return text.translate(_NO_MARK)
