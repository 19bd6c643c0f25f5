"""Sanitises text from media for display: only visible characters are left.

Text in files is untrusted data. It may hold terminal escapes, invisible characters, and text hidden
from people but not from a model.
"""

from __future__ import annotations

import re
import unicodedata

from omni_core.collection_names import BLANK, VARIATION

# ECMA-48: CSI, OSC (ended by BEL or ST), and two-character escapes, of 7 and of 8 bits.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b\]|\x9d).*?(?:\x07|\x1b\\|\x9c|$)|\x1b[ -/]*[0-~]"
)
_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_SPACES = re.compile("[ \t\u00a0\u2000-\u200a\u202f\u205f\u3000]+")
_JOINERS = "\u200c\u200d"
_EMOJI_STYLE, _KEYCAP = "\ufe0f", "\u20e3"
_BLANK_OR_VARIATION = re.compile(f"[{BLANK}{VARIATION}]")
_SPELT_WITH_JOINERS = re.compile("[\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\u0900-\u0dff]")
"""Arabic and Indic letters and signs, whose spelling needs joiners."""
_ACCENT = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff"
_STACKED = re.compile(f"[{_ACCENT}]{{3}}")
_TOO_MANY = re.compile(f"([{_ACCENT}]{{3}})[{_ACCENT}]+")
_INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Cn")


def clean(text: str, *, lines: bool = False) -> str:
    """`text` without escape sequences and without control, bidi, zero-width and tag characters.

    White space collapses; line ends become spaces, or with `lines` stay, at most one empty line
    in a row. NFC; at most three accents on a letter. Joiners and variation selectors stay in emoji,
    joiners in Arabic and Indic words; elsewhere they are removed.
    """
    if text.isascii() and text.isprintable():  # most texts, in a twentieth of the time
        return " ".join(text.split())
    text = _LINE_ENDS.sub("\n", _ESCAPES.sub("", text))
    text = _SPACES.sub(" ", text if lines else text.replace("\n", " "))
    if not text.replace("\n", " ").isprintable() or _BLANK_OR_VARIATION.search(text):
        text = _visible(text)
    if not text.isascii():
        text = _few_accents(unicodedata.normalize("NFC", text))
    if not lines:
        return _SPACES.sub(" ", text).strip()
    text = "\n".join(_SPACES.sub(" ", line).strip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _visible(text: str) -> str:
    kept = [""]
    for c, after in zip(text, text[1:] + " ", strict=True):
        if _is_visible(kept[-1], c, after):
            kept.append(c)
    return "".join(kept)


def _is_visible(before: str, c: str, after: str) -> bool:
    """`before` is the last character that was kept."""
    if " " <= c <= "~" or c == "\n":
        return True
    if c in _JOINERS:
        return _is_joined(before, after)
    if _BLANK_OR_VARIATION.match(c):
        # A run of variation selectors can encode hidden bytes; one after a symbol is its style.
        return c == _EMOJI_STYLE and (_is_sign(before) or after == _KEYCAP)
    return unicodedata.category(c) not in _INVISIBLE


def _is_joined(before: str, after: str) -> bool:
    """Whether a joiner between these two belongs there."""
    if _is_spelt_with_joiners(before) and _is_spelt_with_joiners(after):
        return True
    # A skin tone (category Sk) or a variation selector may precede the joiner of an emoji.
    styled = before == _EMOJI_STYLE or "\U0001f3fb" <= before <= "\U0001f3ff"
    return (_is_sign(before) or styled) and _is_sign(after)


def _is_spelt_with_joiners(c: str) -> bool:
    return bool(_SPELT_WITH_JOINERS.match(c)) and unicodedata.category(c)[0] in "LM"


def _is_sign(c: str) -> bool:
    return bool(c) and c not in BLANK and unicodedata.category(c) == "So"


def _few_accents(text: str) -> str:
    if not _STACKED.search(text):
        return text
    plain = _TOO_MANY.sub(r"\1", unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFC", plain)
