"""Letters that LaTeX and BibTeX write as commands: `Gr\\"o{\\ss}e`, `\\c{c}`, `{\\'e}t{\\'e}`."""

from __future__ import annotations

import re
import unicodedata

SUFFIXES = (".tex", ".latex", ".ltx", ".bib", ".bbl", ".sty", ".cls")
_ACCENTS = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", '"': "\u0308", "=": "\u0304",
    ".": "\u0307", "u": "\u0306", "v": "\u030c", "H": "\u030b", "c": "\u0327", "k": "\u0328",
    "r": "\u030a", "d": "\u0323",
}  # fmt: skip
_LETTERS = {
    "ss": "ß", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "aa": "å", "AA": "Å", "o": "ø",
    "O": "Ø", "l": "ł", "L": "Ł", "dh": "ð", "DH": "Ð", "th": "þ", "TH": "Þ", "dj": "đ", "DJ": "Đ",
}  # fmt: skip
_ACCENTED = re.compile(
    r"(?<!\\)(?P<open>\{)?\\"
    r"(?:(?P<sign>[`'^\"~])[ ]?|(?P<braced>[=.uvHckrd])(?=\{)|(?P<word>[uvHckr])[ ])"
    r"(?:\{\\?(?P<in>[A-Za-z])\}|\\(?P<dotless>[ij])(?![A-Za-z])(?:\{\})?[ ]?|(?P<bare>[A-Za-z]))"
    r"(?(open)\})"
)
_LETTER = re.compile(
    r"(?<!\\)(?:\{\\(ss|ae|AE|oe|OE|aa|AA|o|O|l|L|dh|DH|th|TH|dj|DJ)\}"
    r"|\\(ss|ae|AE|oe|OE|aa|AA|o|O|l|L|dh|DH|th|TH|dj|DJ)(?![A-Za-z])(?:\{\}|[ ]+)?)"
)

_SIGN = re.compile(r"(?<!\\)\\([%&#$_])")
"""Signs that are commands where nothing stands before them."""
_KEPT = re.compile(r"(?<=[\w{ \-(])(?<!= )\{([^{}=,\\\n]{1,80})\}(?!,?[ \t]*(?:\n|$))")
_CANDIDATE = re.compile(
    r"\\(?:[`'^\"~=.]|[uvHckrd][ {]|(?:ss|ae|AE|oe|OE|aa|AA|o|O|l|L|dh|DH|th|TH|dj|DJ)(?![A-Za-z]))"
)
"""What each of them begins with: searched by its first character, which is faster."""


def with_tex_letters(source: str, *, braces: bool = False) -> str:
    """Source text in which each such command is the letter that it prints; without `braces` around
    what BibTeX is to leave as it is (`{L}ava`)."""
    if "\\" in source:
        source = _SIGN.sub(r"\1", source)
    if _CANDIDATE.search(source):
        source = _with_letters(source)
    return _KEPT.sub(r"\1", source) if braces else source


def _with_letters(source: str) -> str:
    return "\n".join(
        _LETTER.sub(lambda m: _LETTERS[m[1] or m[2]], _ACCENTED.sub(_accented, line))
        if _CANDIDATE.search(line)
        else line
        for line in source.split("\n")
    )


def _accented(found: re.Match[str]) -> str:
    accent = found["sign"] or found["braced"] or found["word"]
    letter = found["in"] or found["dotless"] or found["bare"]
    whole = unicodedata.normalize("NFC", letter + _ACCENTS[accent])
    return whole if len(whole) == 1 else found[0]
