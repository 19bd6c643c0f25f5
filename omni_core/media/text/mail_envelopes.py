"""Messages within others: in an envelope of S/MIME that is signed, or encoded as a file is."""

from __future__ import annotations

import base64
from email import message_from_bytes
from email.message import Message

from omni_core.media.text.mail_headers import AsWritten
from omni_core.media.text.mail_payload import payload

_SIGNED = bytes.fromhex("06092a864886f70d010702")
_DATA = bytes.fromhex("06092a864886f70d010701")
_OCTETS, _JOINED_OCTETS, _CONTEXT = 0x04, 0x24, 0xA0
_END = b"\0\0"
MAX_NESTED = 8
"""Pieces of pieces in which the content of an envelope may lie."""


def signed_message(part: Message) -> Message | None:
    """The message in a signed envelope (RFC 8551); None where it is encrypted or damaged."""
    data, _ = payload(part)
    at = data.find(_SIGNED)
    inner = data.find(_DATA, at) if 0 <= at < 32 else -1
    if inner < 0:
        return None
    try:
        content, _ = _octets(data, _value(data, inner + len(_DATA), _CONTEXT)[0], 0)
    except (IndexError, ValueError):
        return None
    return message_from_bytes(content, policy=AsWritten()) if content.strip() else None


def encoded_message(part: Message, inner: Message) -> Message:
    """The message that is attached in base64, of which the parser makes a message without
    headers; any other is itself."""
    encoding = str(part.get("Content-Transfer-Encoding", ""))
    text = inner.get_payload()
    if encoding.strip().lower() != "base64" or inner.keys() or not isinstance(text, str):
        return inner
    whole = Message()
    whole["Content-Transfer-Encoding"] = encoding
    whole.set_payload(text)
    return message_from_bytes(payload(whole)[0], policy=AsWritten())


def as_kind(part: Message, kind: str, name: str) -> Message:
    """A file that is attached as data, as a part of the type that its name tells."""
    data, _ = payload(part)
    whole = Message()
    whole["Content-Type"] = kind
    whole.add_header("Content-Disposition", "attachment", filename=("utf-8", "", name))
    if kind == "message/rfc822":
        whole.set_payload([message_from_bytes(data, policy=AsWritten())])
    else:
        whole["Content-Transfer-Encoding"] = "base64"
        whole.set_payload(base64.encodebytes(data).decode("ascii"))
    return whole


def _octets(data: bytes, at: int, depth: int) -> tuple[bytes, int]:
    """The bytes of a string at a place, whole or in pieces, and where it ends."""
    if data[at] == _OCTETS:
        start, end = _value(data, at, _OCTETS)
        return data[start:end], end
    start, end = _value(data, at, _JOINED_OCTETS)
    if depth > MAX_NESTED:
        raise ValueError("pieces within pieces without end")
    pieces: list[bytes] = []
    at = start
    while at < end and data[at : at + 2] != _END:
        piece, at = _octets(data, at, depth + 1)
        pieces.append(piece)
    return b"".join(pieces), at + 2 if end == len(data) else at


def _value(data: bytes, at: int, tag: int) -> tuple[int, int]:
    """Where the value of a tag begins and ends; up to the end of the data where no length is
    stated. Raises ValueError for another tag, IndexError past the end."""
    if data[at] != tag:
        raise ValueError(f"tag {data[at]:#x} in place of {tag:#x}")
    length, at = data[at + 1], at + 2
    if length == 0x80:
        return at, len(data)
    if length > 0x80:
        count = length & 0x7F
        length, at = int.from_bytes(data[at : at + count]), at + count
    return at, min(at + length, len(data))
