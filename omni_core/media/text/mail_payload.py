"""The bytes of a part of a mail; a damaged line of base64 costs that line."""

from __future__ import annotations

import base64
import copy
import quopri
import re
from email.message import Message

from omni_core.media.text.mail_yenc import without_yenc
from omni_core.text.charset import Decoded, decoded

_OTHER = re.compile(r"[^A-Za-z0-9+/]")
_SPACED_BREAK = re.compile(rb"=[ \t]+(?=\r?$)", re.M)
"""A line that goes on, after which a mail server wrote spaces, which the library keeps."""
QUANTUM = 4
"""Characters of base64 that are three bytes."""


def payload(part: Message) -> tuple[bytes, int]:
    """The decoded bytes, and how many lines of base64 are damaged or cut short.

    The standard library gives back the base64 itself, or shifted bytes, for one wrong character.
    """
    encoding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    if encoding == "quoted-printable":
        return quopri.decodestring(_SPACED_BREAK.sub(b"=", _encoded(part))), 0
    if encoding != "base64":
        return _as_the_library(part), 0
    try:
        raw = part.get_payload()
    except ValueError:  # its encoding has a name that cannot be one
        return _as_the_library(part), 1
    lines = raw.split() if isinstance(raw, str) else []
    try:
        return base64.b64decode("".join(lines), validate=True), 0
    except ValueError:  # of another alphabet, letters of other scripts among them
        return _by_lines(lines)


def part_text(part: Message, *, markup: bool = False) -> str:
    """The text of `decoded_part`."""
    return decoded_part(part, markup=markup).text


def decoded_part(part: Message, *, markup: bool = False) -> Decoded:
    """The text of a part; the encoding that its header names counts, where that may be true."""
    data = without_yenc(payload(part)[0])
    return decoded(data, markup=markup, label=str(part.get_content_charset() or ""))


def _encoded(part: Message) -> bytes:
    """The bytes as they stand in the mail."""
    bare = copy.copy(part)
    del bare["Content-Transfer-Encoding"]
    return _as_the_library(bare)


def _as_the_library(part: Message) -> bytes:
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def _by_lines(lines: list[str]) -> tuple[bytes, int]:
    """Each line by itself, where lines are whole bytes; else what is base64 in them, in one."""
    if any(len(line) % QUANTUM for line in lines[:-2]) and len({len(x) for x in lines[:-1]}) == 1:
        return _whole_bytes("".join(lines)), 1
    data, damaged = [], 0
    for line in lines:
        try:
            data.append(base64.b64decode(line, validate=True))
        except ValueError:
            data.append(_whole_bytes(line))
            damaged += 1
    return b"".join(data), damaged


def _whole_bytes(text: str) -> bytes:
    kept = _OTHER.sub("", text)
    return base64.b64decode(kept[: len(kept) // QUANTUM * QUANTUM])
