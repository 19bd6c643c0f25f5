"""TNEF (`winmail.dat`): what Outlook wraps a message and its attachments in (MS-OXTNEF).

Unwrapped into a message of the internet, which is then read as one. Read here, since the parsers on
PyPI are under licences of copyleft.
"""

from __future__ import annotations

import mimetypes
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.encoders import encode_base64
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime

from omni_core.media.text.compressed_rtf import decompress
from omni_core.media.text.mail_headers import AsWritten
from omni_core.media.text.mail_rtf import body_of
from omni_core.media.text.rtf_charset import code_page
from omni_core.text.charset import decode

SIGNATURE = b"\x78\x9f\x3e\x22"
KINDS = ("application/ms-tnef", "application/vnd.ms-tnef")
NAME = "winmail.dat"
_OF_MESSAGE, _OF_ATTACHMENT = 1, 2
_BEGINS, _TITLE, _DATA, _ATTACHED = 0x9002, 0x8010, 0x800F, 0x9005
_SUBJECT, _BODY, _PROPERTIES, _CODE_PAGE = 0x8004, 0x800C, 0x9003, 0x9007
_HEADER = struct.Struct("<BII")
_FIXED = {
    2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16,
}  # fmt: skip
"""Types of values of a fixed size, padded to four bytes."""
_NARROW, _WIDE, _OBJECT, _BYTES, _TIME, _MANY = 0x1E, 0x1F, 0x0D, 0x102, 0x40, 0x1000
_NAMED = 0x8000
_P_SUBJECT, _P_BODY, _P_RTF, _P_HTML, _P_SENDER, _P_ADDRESS, _P_SENT = (
    0x37, 0x1000, 0x1009, 0x1013, 0x0C1A, 0x0C1F, 0x39,
)  # fmt: skip
_P_TOPIC, _P_REPORT = 0x70, 0x1001
_P_LONG_NAME, _P_NAME, _P_TYPE, _P_DATA = 0x3707, 0x3704, 0x370E, 0x3701
MAX_PROPERTIES, MAX_DEPTH = 10_000, 8
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class _Item:
    """A message or an attachment: its attributes, and its properties as (type, bytes)."""

    attributes: dict[int, bytes] = field(default_factory=dict)
    properties: dict[int, tuple[int, bytes]] = field(default_factory=dict)
    page: str = ""

    def text(self, tag: int, attribute: int = 0) -> str:
        """A string of the properties, else of the attributes."""
        kind, data = self.properties.get(tag, (0, b""))
        if kind == _WIDE:
            return data.decode("utf-16-le", "replace").rstrip("\0")
        return self.decoded(data or self.attributes.get(attribute, b"")).rstrip("\0")

    def decoded(self, data: bytes, *, markup: bool = False) -> str:
        """Bytes in the code page that the message names, or in what they look like."""
        try:
            return data.rstrip(b"\0").decode(self.page or "ascii")
        except ValueError:
            return decode(data.rstrip(b"\0"), markup=markup, label=self.page)

    def time(self, tag: int) -> str:
        """A time as a header states it; "" where there is none."""
        kind, data = self.properties.get(tag, (0, b""))
        if kind != _TIME:
            return ""
        try:
            ticks = int.from_bytes(data[:8], "little")
            return format_datetime(_EPOCH + timedelta(microseconds=ticks // 10))
        except OverflowError:
            return ""


def unwrapped(data: bytes, depth: int = 0) -> Message | None:
    """The message in a TNEF file, as far as it goes; None for other data, and where nothing of it
    can be read. One that is whole may have neither text nor files, as receipts have."""
    message, attachments = _items(data)
    body = _body(message)
    parts = [part for one in attachments if (part := _attachment(one, depth)) is not None]
    if body is None and not parts and not (_is_whole(data) and _has_no_text(message)):
        return None
    whole = MIMEMultipart("mixed")
    for name, value in (
        ("Subject", message.text(_P_SUBJECT, _SUBJECT) or message.text(_P_TOPIC)),
        ("From", _sender(message)),
        ("Date", message.time(_P_SENT)),
    ):
        if text := " ".join(value.split()):
            whole[name] = text
    for part in filter(None, (body, *parts)):
        whole.attach(part)
    return whole


def _items(data: bytes) -> tuple[_Item, list[_Item]]:
    message, attachments = _Item(), list[_Item]()
    for level, tag, value in _attributes(data):
        if level != _OF_ATTACHMENT:
            item = message
        else:
            if tag == _BEGINS or not attachments:
                attachments.append(_Item())
            item = attachments[-1]
        if tag in (_PROPERTIES, _ATTACHED):
            item.properties.update(_properties(value))
        else:
            item.attributes[tag] = value
    page = message.attributes.get(_CODE_PAGE, b"")
    known = code_page(int.from_bytes(page[:4], "little")) if len(page) >= 4 else ""
    for item in (message, *attachments):
        item.page = known
    return message, attachments


def _attributes(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(level, tag, value) of each, of the last one what is there."""
    at = len(SIGNATURE) + 2 if data.startswith(SIGNATURE) else len(data)
    while at + _HEADER.size <= len(data):
        level, tag, length = _HEADER.unpack_from(data, at)
        at += _HEADER.size
        yield level, tag & 0xFFFF, data[at : at + length]
        at += length + 2


def _is_whole(data: bytes) -> bool:
    """Whether no attribute breaks off; what is no header may follow."""
    at = len(SIGNATURE) + 2
    while at + _HEADER.size <= len(data) and data[at] in (_OF_MESSAGE, _OF_ATTACHMENT):
        at += _HEADER.size + _number(data, at + 5) + 2
    return at <= len(data)


def _properties(data: bytes) -> dict[int, tuple[int, bytes]]:
    """The first value of each property that has a number; none behind what cannot be read."""
    found: dict[int, tuple[int, bytes]] = {}
    count, at = min(_number(data, 0), MAX_PROPERTIES), 4
    for _ in range(count):
        if at + 4 > len(data):
            break
        kind, tag = struct.unpack_from("<HH", data, at)
        at += 4
        if tag >= _NAMED:
            named = _number(data, at + 16)
            at += 24 + (_padded(_number(data, at + 20)) if named else 0)
        many, kind = kind & _MANY, kind & ~_MANY
        if kind in _FIXED:
            values, at = (_number(data, at), at + 4) if many else (1, at)
            found.setdefault(tag, (kind, data[at : at + _FIXED[kind]]))
            at += _FIXED[kind] * values
            continue
        if kind not in (_NARROW, _WIDE, _OBJECT, _BYTES):
            break
        values, at = min(_number(data, at), MAX_PROPERTIES), at + 4
        for _ in range(values):
            length, at = _number(data, at), at + 4
            found.setdefault(tag, (kind, data[at : at + length]))
            at += _padded(length)
            if at > len(data):
                break
    return found


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")


def _padded(length: int) -> int:
    return length + -length % 4


def _sender(message: _Item) -> str:
    name, address = message.text(_P_SENDER), message.text(_P_ADDRESS)
    if "@" not in address or address == name:
        return name
    return f"{name} <{address}>" if name else address


def _body(message: _Item) -> Message | None:
    """The page, the RTF or the plain text; the one that is there."""
    plain = message.text(_P_BODY, _BODY) or message.text(_P_REPORT)
    if not plain.strip() and (page := message.properties.get(_P_HTML, (0, b""))[1]):
        return MIMEText(message.decoded(page, markup=True), "html", "utf-8")
    if not plain.strip():
        rtf = decompress(message.properties.get(_P_RTF, (0, b""))[1])
        plain, is_page = body_of(rtf)
        if is_page:
            return MIMEText(_clean(plain), "html", "utf-8")
    return MIMEText(_clean(plain), "plain", "utf-8") if plain.strip() else None


def _has_no_text(message: _Item) -> bool:
    """Whether it has properties, and none of them is a text that cannot be read."""
    rtf = message.properties.get(_P_RTF, (0, b""))[1]
    return bool(message.properties) and (not rtf or decompress(rtf).lstrip().startswith(b"{\\rtf"))


def _clean(text: str) -> str:
    """Without halves of characters, which no encoding has."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _attachment(one: _Item, depth: int) -> Message | None:
    kind, data = one.properties.get(_P_DATA, (0, b""))
    data = one.attributes.get(_DATA) or (data[16:] if kind == _OBJECT else data)
    name = one.text(_P_LONG_NAME) or one.text(_P_NAME) or one.text(0, _TITLE)
    if not data and not name:
        return None
    if data.startswith(SIGNATURE) and depth < MAX_DEPTH:
        inner = unwrapped(data, depth + 1)
        if inner is not None:
            part: Message = Message()
            part.set_type("message/rfc822")
            part.set_payload([inner])
            return part
    declared = one.text(_P_TYPE) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    if declared == "message/rfc822":
        part = Message()
        part.set_type(declared)
        part.set_payload([message_from_bytes(data, policy=AsWritten())])
        return part
    part = Message()
    part.set_type(declared if declared.count("/") == 1 else "application/octet-stream")
    part.add_header("Content-Disposition", "attachment", filename=("utf-8", "", name))
    part.set_payload(data)
    encode_base64(part)
    return part
