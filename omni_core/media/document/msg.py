"""Outlook messages (MSG) as mail: built as a message of the internet, then read as one."""

from __future__ import annotations

import mimetypes
import uuid
from collections.abc import Iterator
from datetime import datetime
from email import message_from_bytes, message_from_string
from email.encoders import encode_base64
from email.message import Message
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime

import olefile

from omni_core.media.document.msg_properties import Properties, named
from omni_core.media.document.rtf_text import Rtf
from omni_core.media.text.compressed_rtf import decompress
from omni_core.media.text.mail import MAX_DEPTH, Mail, mail_of
from omni_core.media.text.mail_headers import AsWritten
from omni_core.media.text.mail_kinds import ENVELOPES

_SUBJECT, _BODY, _RTF, _HTML, _HEADERS = 0x37, 0x1000, 0x1009, 0x1013, 0x7D
_SENT, _RECEIVED, _MADE = 0x39, 0x0E06, 0x3007
_FROM = ((0x42, (0x5D02, 0x65)), (0x0C1A, (0x5D01, 0x0C1F)))
"""Name and addresses: of whom a message is from, then of who sent it."""
_TO_SHOWN = {"To": 0x0E04, "Cc": 0x0E03}
_RECIPIENT_KINDS = {1: "To", 2: "Cc"}
_NAME, _SMTP, _ADDRESS, _KIND = 0x3001, 0x39FE, 0x3003, 0x0C15
_DATA, _FILE_NAME, _SHORT_NAME, _TYPE = 0x3701, 0x3707, 0x3704, 0x370E
_EMBEDDED = "__substg1.0_3701000D"
_MEETINGS = uuid.UUID("00062002-0000-0000-c000-000000000046")
_CONTACTS = uuid.UUID("00062004-0000-0000-c000-000000000046")
_TASKS = uuid.UUID("00062003-0000-0000-c000-000000000046")
_DETAILS = (
    ("Location", _MEETINGS, 0x8208), ("Start", _MEETINGS, 0x820D), ("End", _MEETINGS, 0x820E),
    ("Due", _TASKS, 0x8105), ("E-mail", _CONTACTS, 0x8083), ("E-mail", _CONTACTS, 0x8093),
    ("Company", None, 0x3A16), ("Title", None, 0x3A17), ("Business phone", None, 0x3A08),
    ("Mobile phone", None, 0x3A1C), ("Home phone", None, 0x3A09), ("Address", None, 0x3A15),
)  # fmt: skip
"""What meetings, tasks and contacts have beside a text."""


def read_msg(ole: olefile.OleFileIO[str]) -> Mail:
    """What a message says: headers, body, attached texts and messages."""
    return mail_of([_message(ole, Properties(ole), 0)])


def _message(ole: olefile.OleFileIO[str], item: Properties, depth: int) -> Message:
    body = _body(ole, item)
    attached = [] if depth > MAX_DEPTH else list(_attachments(ole, item, depth))
    message: Message = body
    if attached:
        message = MIMEMultipart("mixed")
        for part in (body, *attached):
            message.attach(part)
    for name, value in _headers(item).items():
        if text := " ".join(value.split()):
            message[name] = text
    return message


def _headers(item: Properties) -> dict[str, str]:
    """Subject, From, To, Cc and Date; what the item lacks from the headers that it came with."""
    came = message_from_string(item.text(_HEADERS))
    people: dict[str, list[str]] = {"To": [], "Cc": []}
    for folder in item.folders("__recip_version1.0_"):
        one = Properties(item.ole, folder, item.page)
        person = _person(one.text(_NAME), [one.text(_SMTP), one.text(_ADDRESS)])
        people.get(_RECIPIENT_KINDS.get(one.number(_KIND), ""), []).append(person)
    subject = item.text(_SUBJECT)
    found = {
        "Subject": subject[2:] if subject.startswith("\1") else subject,
        "From": next(filter(None, (
            _person(item.text(name), [item.text(tag) for tag in tags]) for name, tags in _FROM
        )), ""),
        **{k: ", ".join(people[k]) or item.text(tag) for k, tag in _TO_SHOWN.items()},
        "Date": _date(item),
    }  # fmt: skip
    return {name: value or str(came.get(name, "")) for name, value in found.items()}


def _date(item: Properties) -> str:
    times = (item.time(tag) for tag in (_SENT, _RECEIVED, _MADE))
    when = next((t for t in times if t is not None), None)
    return format_datetime(when) if when else ""


def _person(name: str, addresses: list[str]) -> str:
    """`Ada <ada@example.org>`; addresses inside an Exchange server are left out."""
    address = next((a for a in addresses if "@" in a), "")
    name = name.strip("'\" ")
    return f"{name} <{address}>" if name and address and name != address else address or name


def _body(ole: olefile.OleFileIO[str], item: Properties) -> Message:
    """The plain text, else the HTML, else the RTF."""
    details = "".join(f"{line}\n" for line in _details(ole, item))
    plain = item.text(_BODY)
    if not plain.strip():
        html = item.text(_HTML) or item.decoded(item.data(_HTML), markup=True)
        if html.strip():
            return _text(html, "html") if not details else _both(details, html)
        rtf = decompress(item.data(_RTF))
        plain = "\n".join(line.text for line in Rtf(rtf).lines) if rtf else ""
    return _text(details + plain, "plain")


def _both(details: str, html: str) -> Message:
    both = MIMEMultipart("mixed")
    both.attach(_text(details, "plain"))
    both.attach(_text(html, "html"))
    return both


def _text(text: str, kind: str) -> Message:
    return MIMEText(text.encode("utf-8", "replace").decode(), kind, "utf-8")


def _details(ole: olefile.OleFileIO[str], item: Properties) -> Iterator[str]:
    for label, space, tag in _DETAILS:
        known = tag if space is None else named(ole, space, tag)
        if known:
            when = item.time(known)
            value = _clock(when) if when is not None else " ".join(item.text(known).split())
            if value:
                yield f"{label}: {value}"


def _clock(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC"


def _attachments(ole: olefile.OleFileIO[str], item: Properties, depth: int) -> Iterator[Message]:
    for folder in item.folders("__attach_version1.0_"):
        one = Properties(ole, folder, item.page)
        name = one.text(_FILE_NAME) or one.text(_SHORT_NAME) or one.text(_NAME)
        if ole.exists([*folder, _EMBEDDED]):
            inner = Properties(ole, (*folder, _EMBEDDED), item.page)
            part: Message = MIMEMessage(_message(ole, inner, depth + 1))
        else:
            part = _file(one.data(_DATA), name, one.text(_TYPE))
        del part["Content-Disposition"]
        part.add_header("Content-Disposition", "attachment", filename=("utf-8", "", name))
        yield part


def _file(data: bytes, name: str, declared: str) -> Message:
    kind = declared or mimetypes.guess_type(name)[0] or "application/octet-stream"
    if kind == "multipart/signed":  # the whole message, as it was signed
        return message_from_bytes(data, policy=AsWritten())
    part = Message()
    part.set_type(kind if kind.count("/") == 1 else "application/octet-stream")
    if kind.startswith("text/") or kind in ENVELOPES:
        part.set_payload(data)
        encode_base64(part)
    return part
