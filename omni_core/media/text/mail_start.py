"""Where mail begins: its first headers, the lines between the messages of a mailbox, and those
between parts whose boundary the headers do not name."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message

from omni_core.media.text.mail_headers import AsWritten
from omni_core.media.text.mail_payload import payload
from omni_core.text.charset import is_text

_HEADERS = re.compile(
    rb"^(?:from|to|cc|subject|date|mime-version|received|message-id|content-type|return-path"
    rb"|delivered-to|reply-to|sender|x-[\w-]+|dkim-signature|snapshot-content-location|bcc"
    rb"|references|in-reply-to|(?:arc|list|resent|thread|authentication)-[\w-]+|received-spf"
    rb"|content-transfer-encoding|user-agent)[ \t]*:",
    re.I | re.M,
)
_SAVED_PAGE = re.compile(
    rb"^mime-version:[ \t]*1\.0.*?^content-type:[ \t]*multipart/related", re.I | re.M | re.S
)
"""The only headers of a web page that Word or Excel saved, under whatever name."""
_PARTED = re.compile(
    rb"^content-type:[ \t]*multipart/[^\n]*(?:\n[ \t][^\n]*)*?boundary=\"?([^\"\r\n;]{1,70})",
    re.I | re.M,
)
"""The only header of a message that a program kept without its address."""
_SUFFIXES = (".eml", ".emlx", ".mht", ".mhtml", ".mbox")
_DAYS = rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_MONTHS = rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_FROM = re.compile(rb"^From ([^\n]*)\n(?=[!-9;-~]+:|>From )", re.M)
"""A line that may stand before each message of an mbox file, which headers follow."""
_DAY = re.compile(rb"\b(?:" + _DAYS + rb"|" + _MONTHS + rb")\b")
_TIME = re.compile(rb"\d\d:\d\d")
_YEAR = re.compile(rb"\d{4}")
_FULL = re.compile(
    rb"\S+ +" + _DAYS + rb" " + _MONTHS + rb" +\d+ \d\d:\d\d[^\n]*\d{4}\r?(?!\n>From )\n"
)
"""The rest of such a line where no blank line stands before it."""
_ENVELOPE = re.compile(rb">?From [^\n]*\n")
"""The same line before a single message, escaped by some programs."""
_ESCAPED_ENVELOPE = re.compile(rb"^>(?=>*From )", re.M)
"""Of lines that begin like one, within a message of a mailbox."""
_LENGTH = re.compile(rb"(\d{1,10})[ \t]*\r?\n(?=[!-9;-~]+[ \t]*:)")
"""The first line of a message that Apple Mail keeps: its bytes, which its own notes follow."""
_CARRIAGE_RETURNS = re.compile(rb"[^\r\n]*\r[^\n]")
_BOUNDARY = re.compile(rb"^--([!#-\[\]-~]{1,70})[ \t]*\r?\n(?=content-[\w-]+[ \t]*:)", re.I | re.M)
_BLANK = b"\r\n"


def looks_like_mail(head: bytes, suffix: str) -> bool:
    """Whether the first lines are headers: two that mail has, four without a suffix of mail, or
    one that names a boundary where the next part begins with it.

    A byte order mark, blank lines and the line of a mailbox may stand before them.
    """
    first, *body = re.split(rb"\r?\n\r?\n", _without_envelope(_begun(head)), maxsplit=1)
    if not re.match(rb"[!-9;-~]+[ \t]*:", first) or not is_text(first):
        return False
    known = {m.lower() for m in _HEADERS.findall(first)}
    if _SAVED_PAGE.search(first):
        return True
    if (named := _PARTED.search(first)) and body and b"\n--" + named[1].rstrip() in b"\n" + body[0]:
        return True
    enough = 4 if suffix not in _SUFFIXES else 2 if body else 1  # one header may be that long
    return len(known) >= enough


def messages_in(data: bytes) -> list[bytes]:
    """The bytes of the message, or of the messages of an mbox file in their order."""
    data = _begun(data)
    if not data.startswith(b"From "):
        return [_without_envelope(data)] if data.strip() else [data]
    found = [_without_envelope(part) for part in _parts(data)]
    return [_ESCAPED_ENVELOPE.sub(b"", one) for one in found if one.strip()] or [data]


def with_boundary(part: Message) -> Message | None:
    """The parts within one that names no boundary, or a wrong one; None where it is whole, or
    where no line looks like a boundary."""
    if part.is_multipart():
        return None
    data, _ = payload(part)
    if (found := _BOUNDARY.search(data)) is None:
        return None
    head = f'Content-Type: {part.get_content_type()}; boundary="{found[1].decode()}"\n\n'
    again = message_from_bytes(head.encode("ascii", "replace") + data, policy=AsWritten())
    return again if again.is_multipart() else None


def _parts(data: bytes) -> Iterator[bytes]:
    """What stands between the lines that separate messages."""
    at = 0
    first = _FROM.match(data)
    dated = first is None or not _is_a_sender(first[1])
    for line in _FROM.finditer(data):
        if _separates(data, line, dated=dated):
            yield data[at : line.start()]
            at = line.end()
    yield data[at:]


def _separates(data: bytes, line: re.Match[bytes], *, dated: bool) -> bool:
    """Whether a line has a day, a time and a year, and stands after a blank line, which some
    programs leave out; or, where those of the mailbox are not dated, a sender alone, before a
    header of mail."""
    before = data[max(0, line.start() - 3) : line.start()]
    if not before or before.endswith((b"\n\n", b"\n\r\n")):
        if _is_dated(line[1]):
            return True
        if not dated and _is_a_sender(line[1]) and _HEADERS.match(data, line.end()):
            return True
    return _FULL.match(data, line.start(1)) is not None


def _is_dated(line: bytes) -> bool:
    time = _TIME.search(line)
    dated = time is not None and _YEAR.search(line, time.end()) is not None
    return dated and _DAY.search(line) is not None


def _is_a_sender(line: bytes) -> bool:
    words = line.split(None, 1)
    return len(words) == 1 and b"@" in words[0]


def _without_envelope(message: bytes) -> bytes:
    line = _ENVELOPE.match(message)
    return message[line.end() :] if line else message


def _begun(data: bytes) -> bytes:
    """From the first line on, and with line ends that the parser of mail knows."""
    data = data.removeprefix(codecs.BOM_UTF8).lstrip(_BLANK)
    if stated := _LENGTH.match(data):
        data = data[stated.end() : stated.end() + int(stated[1])]
    if _CARRIAGE_RETURNS.match(data):
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data
