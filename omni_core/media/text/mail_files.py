"""Mail (EML), mailboxes (MBOX) and saved web pages (MHTML, web archives) as documents."""

from __future__ import annotations

from collections.abc import Iterator

from omni_core.media.dates import from_file
from omni_core.media.guard import unreadable
from omni_core.media.text import mail_tnef
from omni_core.media.text.mail import Mail, mail_of, read_mail
from omni_core.media.text.mail_start import looks_like_mail
from omni_core.media.text.plain import read_bytes, segments
from omni_core.media.text.web_archive import archived, is_web_archive
from omni_core.media.titles import title
from omni_core.protocols import Medium
from omni_core.types import CutOptions, FileWarning, MediaInfo, Modality, Segment, Source

NAMED = 5
"""Attachments that a warning names."""
LOOKED_AT = 4096
"""First bytes by which a web archive is known."""


class MailMedium(Medium):
    """Mail by its headers."""

    rank = 5
    kinds = "mail (EML, MBOX, MHTML, winmail.dat)"

    def matches(self, head: bytes, suffix: str) -> bool:
        """Lines of headers at the start, a web archive, or what Outlook wraps a message in."""
        wrapped = head.startswith(mail_tnef.SIGNATURE)
        return wrapped or looks_like_mail(head, suffix) or is_web_archive(head)

    def probe(self, path: str, password: str | None = None) -> MediaInfo:
        """Subject and date of a message. Raises TooLargeError over 64 MB."""
        mail = _mail(path)
        when, origin = (mail.date, "container") if mail.date else from_file(path)
        saved = path.lower().endswith((".mht", ".mhtml", ".webarchive"))
        return MediaInfo(
            Modality.DOCUMENT,
            "multipart/related" if saved else "message/rfc822",
            title(path, mail.title),
            recorded_at=when,
            recorded_at_from=origin,
        )

    def decompose(
        self, path: str, source: Source, options: CutOptions
    ) -> Iterator[Segment | FileWarning]:
        """Windows of the messages' text; attachments that are no text are named in a warning."""
        yield from mail_items(_mail(path), source, options)


def mail_items(mail: Mail, source: Source, options: CutOptions) -> Iterator[Segment | FileWarning]:
    """What mail gives: warnings for guessed encodings and unread attachments, and windows of its
    text."""
    yield from map(FileWarning, mail.doubts)
    if mail.unread:
        more = len(mail.unread) - NAMED
        names = ", ".join(mail.unread[:NAMED]) + (f" and {more} more" if more > 0 else "")
        yield FileWarning(f"attachments not read: {names}; save and ingest them by themselves")
    yield from segments(mail.text, source, options, mail.headings)


def _mail(path: str) -> Mail:
    data = read_bytes(path)
    if data.startswith(mail_tnef.SIGNATURE):
        message = mail_tnef.unwrapped(data)
        if message is None:
            raise unreadable(path)
        return mail_of([message])
    return mail_of([archived(data)]) if is_web_archive(data[:LOOKED_AT]) else read_mail(data)
