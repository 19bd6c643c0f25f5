"""Calendars and address cards (iCalendar, vCard): folded lines whole, escapes and quoted-printable
as letters, pictures left out."""

from __future__ import annotations

import quopri
import re

from omni_core.media.text.readable import is_binary
from omni_core.text.charset import decode

_BEGINNING = re.compile(r"\s*BEGIN:(VCALENDAR|VCARD|VEVENT|VTODO|VNOTE)\s*\n", re.I)
_FOLDED_LETTER = re.compile(rb"([\xc2-\xf4][\x80-\xbf]{0,2})\r?\n[ \t]([\x80-\xbf])")
_OLD = re.compile(r"^VERSION:2\.1\s*$", re.I | re.M)
"""The version of cards in which a folded line keeps the space that begins the next."""
_PROPERTY = re.compile(r"([\w.-]+)((?:;[^:;\"\n]*(?:\"[^\"\n]*\"[^:;\"\n]*)*)*):(.*)", re.S)
_QUOTED = re.compile(r";(?:ENCODING=)?QUOTED-PRINTABLE(?=;|$)", re.I)
_BASE64 = re.compile(r";(?:ENCODING=)?(?:B|BASE64)(?=;|$)", re.I)
_CHARSET = re.compile(r";CHARSET=\"?([\w.:-]+)\"?", re.I)
_ESCAPE = re.compile(r"\\([\\,;:nN])")
_CODE_LINE = re.compile(r"[A-Za-z0-9+/]{16,}={0,2}$")


def whole_letters(data: bytes) -> bytes:
    """The bytes of a calendar or of cards, with letters of UTF-8 whole that are folded within, as
    programs do that count bytes; others as they are."""
    if not data[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"BEGIN:V"):
        return data
    return _FOLDED_LETTER.sub(rb"\1\2", data)


def is_cards(text: str) -> bool:
    """Whether a text is a calendar or cards."""
    return _BEGINNING.match(text) is not None


def readable_cards(text: str) -> tuple[str, int]:
    """The lines as people read them, and how many pictures and other binary values were left
    out."""
    out: list[str] = []
    left_out = 0
    in_code = False
    for line in _unfolded(text):
        if in_code and _CODE_LINE.match(line.strip()):
            continue  # base64 that is not folded goes on up to an empty line
        found = _PROPERTY.match(line)
        in_code = found is not None and _is_code(found[2], found[3])
        left_out += in_code
        if not in_code:
            out.append(_line(found[1], found[2], found[3]) if found else line)
    return "\n".join(out), left_out


def _unfolded(text: str) -> list[str]:
    """The lines with what is folded, or goes on after the `=` of quoted-printable, in one."""
    text = re.sub(r"\n(?=[ \t])" if _OLD.search(text) else r"\n[ \t]", "", text)
    lines: list[str] = []
    open_ = False
    for line in text.split("\n"):
        if open_:
            lines[-1] = lines[-1][:-1] + line
        else:
            lines.append(line)
        begins = lines[-1].partition(":")[0]
        open_ = line.endswith("=") and _QUOTED.search(begins) is not None
    return lines


def _is_code(parameters: str, value: str) -> bool:
    return _BASE64.search(parameters) is not None or is_binary(value.strip())


def _line(name: str, parameters: str, value: str) -> str:
    if _QUOTED.search(parameters):
        charset = _CHARSET.search(parameters)
        data = quopri.decodestring(value.encode("utf-8", "replace"))
        value = decode(data, label=charset[1] if charset else "")
        parameters = _CHARSET.sub("", _QUOTED.sub("", parameters))
    value = _ESCAPE.sub(lambda m: "\n" if m[1] in "nN" else m[1], value)
    return f"{name}{parameters}:{value}"
