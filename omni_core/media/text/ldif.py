"""Address books and directories as LDIF: folded lines whole, values in base64 as their text,
pictures left out."""

from __future__ import annotations

import base64
import binascii
import re

SUFFIXES = (".ldif", ".ldi")
_FOLDED = re.compile(r"\n ")
_CODED = re.compile(r"^([\w;.-]{1,80})::[ \t]*([A-Za-z0-9+/=]+)[ \t]*$", re.M)


def readable_ldif(text: str) -> tuple[str, int]:
    """The lines as people read them, and how many pictures and other binary values were left
    out."""
    left_out = 0

    def value(found: re.Match[str]) -> str:
        nonlocal left_out
        try:
            said = base64.b64decode(found[2], validate=True).decode()
            if not any(c < " " and c not in "\t\r\n" for c in said):
                return f"{found[1]}: {said}"
        except (binascii.Error, UnicodeDecodeError):
            pass
        left_out += 1
        return f"{found[1]}:"

    return _CODED.sub(value, _FOLDED.sub("", text)), left_out
