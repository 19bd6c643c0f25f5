"""Headers of mail as people read them, encoded words and plain bytes alike."""

from __future__ import annotations

import contextlib
import re
from datetime import datetime
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.policy import Compat32
from email.utils import parsedate_to_datetime
from typing import Any

from omni_core.media.dates import parse
from omni_core.media.text.mail_payload import payload
from omni_core.text.charset import decode, decoded

_ESCAPED = re.compile(r"\\u([0-9a-f]{4})|\\U([0-9a-f]{8})")


class AsWritten(Compat32):
    """Keeps the bytes of headers that are neither ASCII nor encoded words, as surrogates."""

    def header_fetch_parse(self, name: str, value: str) -> Any:
        """The value itself; the parent makes U+FFFD of such bytes."""
        return value


def file_name(part: Message, page: str = "") -> str:
    """The name of an attachment; `page`: the encoding of plain bytes."""
    try:
        name = part.get_filename() or ""
    except (ValueError, LookupError, TypeError):  # a malformed RFC 2231 parameter
        name = ""
    name = name or str(part.get("Content-Location", "")).partition("?")[0].rpartition("/")[2]
    return plain_header(name, page) or "without a name"


def header(message: Message, name: str) -> str:
    """A header as people read it; "" where there is none."""
    text = str(message.get(name, ""))
    return plain_header(text, page_of(message) if is_raw(text) else "")


def page_of(message: Message) -> str:
    """The encoding of headers that are written as plain bytes: that of the body, else a guess by
    all such headers together."""
    parts = list(message.walk())
    texts = (p for p in parts if p.get_content_maintype() == "text")
    if charset := next(filter(None, (p.get_content_charset() for p in texts)), None):
        return str(charset)
    raw = [plain_bytes(v) for p in parts for _, v in p.raw_items() if is_raw(str(v))]
    body = b"" if message.is_multipart() else payload(message)[0]
    return decoded(b"\n".join([*raw, body])).page


def is_raw(text: str) -> bool:
    """Whether a header holds plain bytes that are not ASCII."""
    return any("\udc80" <= c <= "\udcff" for c in text)


def plain_bytes(text: str) -> bytes:
    """The bytes of a header that holds plain ones."""
    return text.encode("utf-8", "surrogateescape")


def plain_header(text: str, label: str = "") -> str:
    """A header with its encoded words resolved, on one line; `label`: the encoding of plain
    bytes."""
    if is_raw(text):
        text = decode(plain_bytes(text), label=label)
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


def sent_at(message: Message) -> datetime | None:
    """When the message says that it was sent."""
    try:
        when = parsedate_to_datetime(header(message, "Date"))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return parse(when.isoformat())
