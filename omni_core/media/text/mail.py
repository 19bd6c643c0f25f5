"""The readable text of mail: headers that people read, bodies, attached texts.

Parsed by the standard library with its lenient policy: the strict one raises for headers that
occur in real mail.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.policy import Compat32
from email.utils import parsedate_to_datetime
from typing import Any

from omni_core.media.dates import parse
from omni_core.media.text.mail_payload import payload
from omni_core.media.text.page import Page
from omni_core.text.charset import Decoded, decode, decoded

_SHOWN = ("Subject", "From", "To", "Cc", "Date")
_HEADERS = re.compile(
    rb"^(?:from|to|cc|subject|date|mime-version|received|message-id|content-type|return-path"
    rb"|delivered-to|reply-to|sender|x-[\w-]+|dkim-signature|snapshot-content-location)[ \t]*:",
    re.I | re.M,
)
_SAVED_PAGE = re.compile(
    rb"^mime-version:[ \t]*1\.0.*?^content-type:[ \t]*multipart/related", re.I | re.M | re.S
)
"""The only headers of a web page that Word or Excel saved, under whatever name."""
_SEPARATOR = re.compile(rb"^From [^\n]*\d\d:\d\d[^\n]*\d{4}[^\n]*\n", re.M)
"""The line before each message of an mbox file."""
MAX_DEPTH = 8
"""Messages within messages that are read."""
MUCH_MORE = 3
"""Times as many words as its plain text from which the page of a mail is read instead."""
_DECORATION = ("text/css", "text/javascript", "application/javascript", "font/")
"""Parts of saved web pages without words."""


class _AsWritten(Compat32):
    """Keeps the bytes of headers that are neither ASCII nor encoded words, as surrogates."""

    def header_fetch_parse(self, name: str, value: str) -> Any:
        """The value itself; the parent makes U+FFFD of such bytes."""
        return value


_ESCAPED = re.compile(r"\\u([0-9a-f]{4})|\\U([0-9a-f]{8})")
_OTHER_TEXT = ("text/rtf", "text/richtext", "text/enriched")
"""Text in markup that is not read."""
_REPORTS = ("message/delivery-status", "message/disposition-notification",
            "message/feedback-report")  # fmt: skip
"""What a mail server says of a message, as headers."""


@dataclass
class Mail:
    """What one or more messages say.

    headings: (first character in `text`, subject). unread: attachments that hold something else
    than text, as `name (type)`. doubts: warnings about encodings, each once. page: the encoding of
    headers that are written as plain bytes; "" where none are.
    """

    text: str = ""
    title: str = ""
    date: datetime | None = None
    headings: list[tuple[int, str]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    doubts: dict[str, None] = field(default_factory=dict)
    page: str = ""


def looks_like_mail(head: bytes, suffix: str) -> bool:
    """Whether the first lines are headers: two that mail has, four without a suffix of mail."""
    head = _SEPARATOR.sub(b"", head, count=1) if head.startswith(b"From ") else head
    first = re.split(rb"\r?\n\r?\n", head, maxsplit=1)[0]
    if not re.match(rb"[!-9;-~]+[ \t]*:", first):
        return False
    known = {m.lower() for m in _HEADERS.findall(first)}
    if _SAVED_PAGE.search(first):
        return True
    return len(known) >= (2 if suffix in (".eml", ".mht", ".mhtml", ".mbox") else 4)


def read_mail(data: bytes) -> Mail:
    """The message, or the messages of an mbox file in their order."""
    return mail_of(_messages(data))


def mail_of(messages: list[Message]) -> Mail:
    """What these messages say, in their order."""
    mail = Mail()
    for message in messages:
        subject = _header(message, "Subject")
        mail.headings.append((len(mail.text), subject))
        for part in _parts(message, mail, 0):
            mail.text += part.strip("\n") + "\n\n"
    if len(messages) == 1:
        mail.title = _header(messages[0], "Subject") or _page_title(messages[0])
        mail.date = _date(messages[0])
    mail.headings = [(at, name) for at, name in mail.headings if name]
    return mail


def _messages(data: bytes) -> list[Message]:
    if not data.startswith(b"From "):
        return [message_from_bytes(data, policy=_AsWritten())]
    return [
        message_from_bytes(one, policy=_AsWritten())
        for one in _SEPARATOR.split(data)
        if one.strip()
    ]


def _parts(message: Message, mail: Mail, depth: int) -> Iterator[str]:
    """The headers of a message, its body, and the texts attached to it."""
    if any(_is_raw(str(value)) for part in message.walk() for _, value in part.raw_items()):
        mail.page = _page_of(message)
    shown = [f"{name}: {value}" for name in _SHOWN if (value := _header(message, name))]
    yield "\n".join(shown)
    yield from _content(message, mail, depth)


def _content(part: Message, mail: Mail, depth: int) -> Iterator[str]:
    kind = part.get_content_type()
    if kind in _REPORTS:
        yield _report(part)
        return
    inner = part.get_payload() if part.is_multipart() else None
    if depth > MAX_DEPTH:
        mail.unread.append(f"{_name(part, mail.page)} (nested too deep)")
    elif kind == "message/rfc822" and isinstance(inner, list):
        for message in inner:
            if isinstance(message, Message):
                yield from _parts(message, mail, depth + 1)
    elif part.is_multipart() and isinstance(inner, list):
        parts = [p for p in inner if isinstance(p, Message)]
        for one in [_best(parts)] if kind == "multipart/alternative" and parts else parts:
            yield from _content(one, mail, depth + 1)
    elif kind in ("text/html", "application/xhtml+xml"):
        page = _decoded_text(part, markup=True)
        mail.doubts.update(_doubts(part, page, mail.page))
        yield _attached(part, mail.page) + Page(page.text, _name(part)).text
    elif kind.startswith("text/") and not kind.startswith((*_DECORATION, *_OTHER_TEXT)):
        text = _decoded_text(part)
        mail.doubts.update(_doubts(part, text, mail.page))
        yield _attached(part, mail.page) + text.text
    elif not kind.startswith(_DECORATION):
        mail.unread.append(f"{_name(part, mail.page)} ({_decoded(kind, mail.page)})")


def _report(part: Message) -> str:
    """The lines of a report, of which the parser makes messages without a body."""
    inner = part.get_payload()
    blocks = inner if isinstance(inner, list) else [part]
    lines = [
        f"{name}: {_decoded(str(value))}"
        for block in blocks
        if isinstance(block, Message)
        for name, value in block.raw_items()
        if not name.lower().startswith(("content-", "mime-"))
    ]
    return "\n".join(lines)


def _best(alternatives: list[Message]) -> Message:
    """The plain text, unless the page beside it says far more ("your program shows no HTML"); else
    the last alternative, which is the richest."""
    plain = next((p for p in alternatives if p.get_content_type() == "text/plain"), None)
    words = len(_text(plain).split()) if plain is not None else 0
    for part in alternatives if words else ():
        if part.get_content_type() == "text/html":
            page = Page(_text(part, markup=True), "page").text
            if len(page.split()) > MUCH_MORE * words:
                return part
    return plain if plain is not None and words else alternatives[-1]


def _attached(part: Message, page: str) -> str:
    """A line that names an attachment; "" for a body."""
    return (
        f"Attachment {_name(part, page)}:\n"
        if part.get_content_disposition() == "attachment"
        else ""
    )


def _text(part: Message, *, markup: bool = False) -> str:
    """The text of `_decoded_text`."""
    return _decoded_text(part, markup=markup).text


def _decoded_text(part: Message, *, markup: bool = False) -> Decoded:
    """The text of a part; the encoding that its header names counts, where that may be true."""
    data, _ = payload(part)
    return decoded(data, markup=markup, label=str(part.get_content_charset() or ""))


def _doubts(part: Message, text: Decoded, page: str) -> dict[str, None]:
    """Warnings about what a part says."""
    _, damaged = payload(part)
    lines = f"{damaged} damaged lines" if damaged > 1 else "1 damaged line"
    where = _attached(part, page).strip().rstrip(":") or "the body"
    line = f"{lines} of base64 in {where}: words may be missing"
    return dict.fromkeys([*text.warnings, *[line] * bool(damaged)])


def _name(part: Message, page: str = "") -> str:
    try:
        name = part.get_filename() or ""
    except (ValueError, LookupError, TypeError):  # a malformed RFC 2231 parameter
        name = ""
    name = name or str(part.get("Content-Location", "")).partition("?")[0].rpartition("/")[2]
    return _decoded(name, page) or "without a name"


def _header(message: Message, name: str) -> str:
    text = str(message.get(name, ""))
    return _decoded(text, _page_of(message) if _is_raw(text) else "")


def _page_of(message: Message) -> str:
    """The encoding of headers that are written as plain bytes: that of the body, else a guess by
    all such headers together."""
    parts = list(message.walk())
    texts = (p for p in parts if p.get_content_maintype() == "text")
    if charset := next(filter(None, (p.get_content_charset() for p in texts)), None):
        return str(charset)
    raw = [_bytes(v) for p in parts for _, v in p.raw_items() if _is_raw(str(v))]
    body = b"" if message.is_multipart() else payload(message)[0]
    return decoded(b"\n".join([*raw, body])).page


def _is_raw(text: str) -> bool:
    return any("\udc80" <= c <= "\udcff" for c in text)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _decoded(text: str, label: str = "") -> str:
    """A header with its encoded words resolved, on one line; `label`: the encoding of plain
    bytes."""
    if _is_raw(text):
        text = decode(_bytes(text), label=label)
    with contextlib.suppress(MessageError, ValueError):  # shown as it stands
        parts = [(_plain(p) if label is None else p, label) for p, label in decode_header(text)]
        try:
            text = str(make_header(parts))
        except (LookupError, ValueError, MessageError):  # an unknown or a wrong encoding
            text = " ".join(
                p if isinstance(p, str) else decode(p, label=label or "") for p, label in parts
            )
    return " ".join(text.split())


def _plain(part: str | bytes) -> str:
    """What stands beside encoded words, of which `decode_header` makes bytes with escapes."""
    if isinstance(part, str):
        return part
    return _ESCAPED.sub(lambda found: chr(int(found[1] or found[2], 16)), part.decode("latin-1"))


def _date(message: Message) -> datetime | None:
    try:
        when = parsedate_to_datetime(_header(message, "Date"))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return parse(when.isoformat())


def _page_title(message: Message) -> str:
    """The title of the first page in it; for saved web pages without a subject."""
    for part in message.walk():
        if part.get_content_type() == "text/html":
            return Page(_text(part, markup=True), "page").title
    return ""
