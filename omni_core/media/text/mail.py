"""The readable text of mail: headers that people read, bodies, attached texts.

Parsed by the standard library with its lenient policy: the strict one raises for headers that
occur in real mail.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from email.message import Message
from typing import cast

from omni_core.media.text import mail_tnef
from omni_core.media.text.cards import readable_cards
from omni_core.media.text.html import page_of_file
from omni_core.media.text.mail_alternatives import (
    MARKED_UP,
    PAGES,
    VERSIONS,
    best,
    is_file,
    lines_of_their_own,
    words_of,
)
from omni_core.media.text.mail_envelopes import as_kind, encoded_message, signed_message
from omni_core.media.text.mail_headers import (
    AsWritten,
    file_name,
    header,
    is_raw,
    page_of,
    plain_bytes,
    plain_header,
    sent_at,
)
from omni_core.media.text.mail_kinds import (
    CALENDARS,
    ENVELOPES,
    MARKUP,
    REPORTS,
    is_text,
    is_without_words,
    kind_by_name,
)
from omni_core.media.text.mail_payload import decoded_part, part_text, payload
from omni_core.media.text.mail_start import messages_in, with_boundary
from omni_core.media.text.mail_texts import has_pictures, unwrapped, without_armour, without_files
from omni_core.media.text.mail_yenc import yenc_names
from omni_core.media.text.page import Page
from omni_core.text.charset import Decoded, decode, decoded
from omni_core.text.charset import is_text as is_text_bytes
from omni_core.text.mojibake import mended

_SHOWN = ("Subject", "From", "To", "Cc", "Date")
MAX_DEPTH = 8
"""Messages within messages that are read."""
HEAD = 4096
"""First bytes by which an attached file is known as text."""
_PICTURES = "pictures written into the page are not seen: save and ingest them by themselves"
_ENCRYPTED = (
    "encrypted, and its words are not read: save it decrypted in the program that has the key"
)
MAX_HEADING = 200
"""Characters of a subject that stand above what is found in its message."""


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


def read_mail(data: bytes) -> Mail:
    """The message, or the messages of an mbox file in their order."""
    return mail_of([message_from_bytes(one, policy=AsWritten()) for one in messages_in(data)])


def mail_of(messages: list[Message]) -> Mail:
    """What these messages say, in their order."""
    mail = Mail()
    for message in messages:
        subject = _said(message, "Subject", mail)
        mail.headings.append((len(mail.text), subject[:MAX_HEADING]))
        for part in _parts(message, mail, 0):
            mail.text += part.strip("\n") + "\n\n"
    if len(messages) == 1:
        mail.title = _said(messages[0], "Subject", mail) or _page_title(messages[0])
        mail.date = sent_at(messages[0])
    mail.headings = [(at, name) for at, name in mail.headings if name]
    return mail


def _parts(message: Message, mail: Mail, depth: int) -> Iterator[str]:
    """The headers of a message, its body, and the texts attached to it."""
    if any(is_raw(str(value)) for part in message.walk() for _, value in part.raw_items()):
        mail.page = page_of(message)
    shown = [f"{name}: {value}" for name in _SHOWN if (value := _said(message, name, mail))]
    yield "\n".join(shown)
    yield from _content(message, mail, depth)


def _said(message: Message, name: str, mail: Mail) -> str:
    """A header as it was meant; one whose encoding had to be put right is told."""
    text, mistaken = mended(header(message, name))
    if is_raw(written := str(message.get(name, ""))):
        mistaken = mistaken or decoded(plain_bytes(written)).mistaken
    if mistaken:
        mail.doubts.update(dict.fromkeys(Decoded(text, "utf-8", mistaken=mistaken).warnings))
    return text


def _content(part: Message, mail: Mail, depth: int) -> Iterator[str]:
    kind = part.get_content_type()
    if kind in REPORTS:
        yield _report(part)
        return
    if kind.startswith("multipart/") and (guessed := with_boundary(part)) is not None:
        part = guessed
    inner = part.get_payload() if part.is_multipart() else None
    if depth > MAX_DEPTH:
        mail.unread.append(f"{file_name(part, mail.page)} (nested too deep)")
    elif kind == "message/rfc822" and isinstance(inner, list):
        for message in inner:
            if isinstance(message, Message):
                yield from _parts(encoded_message(part, message), mail, depth + 1)
    elif part.is_multipart() and isinstance(inner, list):
        yield from _several(kind, [p for p in inner if isinstance(p, Message)], mail, depth)
    elif kind in ENVELOPES:
        if (message := signed_message(part)) is not None:
            yield from _content(message, mail, depth + 1)
        else:
            mail.doubts[f"the message is {_ENCRYPTED}"] = None
    elif kind in mail_tnef.KINDS or file_name(part).lower() == mail_tnef.NAME:
        yield from _wrapped(part, mail, depth)
    elif is_without_words(part):
        return
    elif kind in PAGES or kind in MARKUP:
        yield _attached(part, mail.page) + _page(part, mail)
    elif kind in CALENDARS:
        yield from _calendar(part, mail)
    elif is_text(kind):
        yield _attached(part, mail.page) + _plain_text(part, mail)
    elif (named := kind_by_name(name := file_name(part, mail.page))) and is_text_bytes(
        payload(part)[0][:HEAD]
    ):
        yield from _content(as_kind(part, named, name), mail, depth + 1)
    else:
        mail.unread.append(f"{file_name(part, mail.page)} ({plain_header(kind, mail.page)})")


def _several(kind: str, parts: list[Message], mail: Mail, depth: int) -> Iterator[str]:
    """The parts within one; of alternatives the best one, and what the others have beside it."""
    if kind == "multipart/encrypted":
        mail.doubts[f"the message is {_ENCRYPTED}"] = None
    elif kind == "multipart/alternative" and parts:
        chosen, others_say_more = best(parts)
        said = list(_content(chosen, mail, depth + 1))
        yield from said
        words = words_of("\n".join(said)) if others_say_more else None
        for one in parts:
            if one is not chosen:
                yield from _beside(one, mail, depth + 1, words)
    else:
        for one in parts:
            yield from _content(one, mail, depth + 1)


def _wrapped(part: Message, mail: Mail, depth: int) -> Iterator[str]:
    """What Outlook wrapped in a file: the lines of the body that are not read already, and the
    attachments."""
    message = mail_tnef.unwrapped(payload(part)[0])
    if message is None:
        mail.unread.append(f"{file_name(part, mail.page)} (damaged)")
        return
    read = words_of(mail.text)
    for one in cast("list[Message]", message.get_payload()):
        said = "\n".join(_content(one, mail, depth + 1))
        is_body = one.get_content_maintype() == "text" and not is_file(one)
        yield lines_of_their_own(said, read) if is_body else said


def _beside(part: Message, mail: Mail, depth: int, read: set[str] | None) -> Iterator[str]:
    """What an alternative holds beside the version that was read: files, and lines with words that
    are not among the `read` ones; None where it has no such words."""
    kind, inner = part.get_content_type(), part.get_payload()
    nested = part.get_content_maintype() == "multipart" and isinstance(inner, list)
    if nested and depth <= MAX_DEPTH:
        for one in inner:
            if isinstance(one, Message):
                yield from _beside(one, mail, depth + 1, read)
    elif is_file(part) or not (kind in VERSIONS or (read != set() and kind in MARKED_UP)):
        yield from _content(part, mail, depth)
    elif kind in ("text/plain", *PAGES) and read is not None:
        text = _page(part, mail) if kind in PAGES else _plain_text(part, mail)
        yield lines_of_their_own(text, read)
    elif kind in PAGES and has_pictures(part_text(part, markup=True)):
        mail.doubts[_PICTURES] = None


def _page(part: Message, mail: Mail) -> str:
    page = decoded_part(part, markup=True)
    mail.doubts.update(_doubts(part, page, mail.page))
    if has_pictures(page.text):
        mail.doubts[_PICTURES] = None
    return page_of_file(file_name(part), page.text).text


def _plain_text(part: Message, mail: Mail) -> str:
    """The text of a part, or of several whose boundary is lost, without files encoded in it."""
    text = decoded_part(part)
    mail.doubts.update(_doubts(part, text, mail.page))
    words, files = without_files(unwrapped(text.text, part))
    mail.unread += [f"{name} (uuencoded)" for name in files]
    mail.unread += [f"{decode(name)} (yEnc)" for name in yenc_names(payload(part)[0])]
    words, encrypted = without_armour(words)
    if encrypted:
        mail.doubts[f"a passage of the text is {_ENCRYPTED}"] = None
    return words


def _calendar(part: Message, mail: Mail) -> Iterator[str]:
    """The lines of an appointment, unless they are read already, from a copy of it."""
    text = decoded_part(part)
    mail.doubts.update(_doubts(part, text, mail.page))
    lines, files = readable_cards(text.text)
    if (lines := lines.strip("\n")) not in mail.text:
        mail.unread += [f"a file within {file_name(part, mail.page)}"] * files
        yield _attached(part, mail.page) + lines


def _report(part: Message) -> str:
    """The lines of a report, of which the parser makes messages without a body."""
    inner = part.get_payload()
    blocks = inner if isinstance(inner, list) else [part]
    lines = [
        f"{name}: {plain_header(str(value))}"
        for block in blocks
        if isinstance(block, Message)
        for name, value in block.raw_items()
        if not name.lower().startswith(("content-", "mime-"))
    ]
    return "\n".join(lines)


def _attached(part: Message, page: str) -> str:
    """A line that names an attachment; "" for a body."""
    return (
        f"Attachment {file_name(part, page)}:\n"
        if part.get_content_disposition() == "attachment"
        else ""
    )


def _doubts(part: Message, text: Decoded, page: str) -> dict[str, None]:
    """Warnings about what a part says."""
    _, damaged = payload(part)
    lines = f"{damaged} damaged lines" if damaged > 1 else "1 damaged line"
    where = _attached(part, page).strip().rstrip(":") or "the body"
    line = f"{lines} of base64 in {where}: words may be missing"
    return dict.fromkeys([*text.warnings, *[line] * bool(damaged)])


def _page_title(message: Message) -> str:
    """The title of the first page in it; for saved web pages without a subject."""
    for part in message.walk():
        if part.get_content_type() == "text/html":
            return Page(part_text(part, markup=True), "page").title
    return ""
