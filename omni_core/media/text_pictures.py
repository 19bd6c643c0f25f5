"""Pictures that are written as text: Netpbm in digits, X bitmaps and X pixmaps."""

from __future__ import annotations

import re

_COMMENT = rb"(?:/\*(?:[^*]|\*(?!/)){0,2000}\*/\s*)*"
_CHARACTERS = rb"(?:(?:static|const|unsigned)[ \t]+)*char[ \t]*"
_NETPBM = re.compile(
    rb"P[123](?=[ \t\r]*[\n#])\s+(?:#[^\n]*\n\s*)*\d+\s+(?:#[^\n]*\n\s*)*\d+\s[\d\s]*\Z"
)
_XBM = re.compile(
    rb"\s*" + _COMMENT + rb"(?:#define +\w*(?:width|height|_[xy]_hot) +-?\d+\s+){2,4}"
    + _COMMENT + _CHARACTERS + rb"\w*_bits\[\] = \{\s*(?:0[xX][0-9A-Fa-f]|\d)"
)  # fmt: skip
_XPM = re.compile(rb"/\* XPM \*/\s*" + _COMMENT + _CHARACTERS + rb"\*\s*(?:const\s+)?\w+\s*\[")


def is_text_picture(head: bytes) -> bool:
    """Whether a file's first bytes are those of such a picture, and of no prose or program."""
    return any(kind.match(head) for kind in (_NETPBM, _XBM, _XPM))
