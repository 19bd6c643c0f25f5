"""OLE files: Outlook messages (MSG) and XLS workbooks; others are named for what they are."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import olefile

from omni_core.errors import TooLargeError
from omni_core.media.dates import from_file
from omni_core.media.document.file_kinds import encrypted, ole_refusal
from omni_core.media.document.msg import read_msg
from omni_core.media.document.ole_summary import summary
from omni_core.media.guard import unreadable
from omni_core.media.text.mail_files import mail_items
from omni_core.media.titles import title
from omni_core.protocols import Medium
from omni_core.types import CutOptions, FileWarning, MediaInfo, Modality, Segment, Source

_MAGIC = bytes.fromhex("d0cf11e0a1b11ae1")
_WORKBOOKS = ("Workbook", "Book")
_MESSAGE = "__properties_version1.0"
_SUMMARY = "\x05SummaryInformation"
_WORD = 0xA5EC
"""First word of a Word document."""


class OleMedium(Medium):
    """Compound files of Microsoft's programs."""

    rank = 2
    never_text = True
    kinds = "Outlook messages (MSG), old workbooks (XLS)"

    def matches(self, head: bytes, suffix: str) -> bool:
        """By the signature of the container."""
        return head.startswith(_MAGIC)

    def probe(self, path: str, password: str | None = None) -> MediaInfo:
        """Raises UnreadableError: UNSUPPORTED_TYPE for what is neither a message nor a workbook,
        ENCRYPTED.
        """
        with _opened(path) as ole:
            if _is_message(ole):
                mail = read_msg(ole)
                when, origin = (mail.date, "container") if mail.date else from_file(path)
                return MediaInfo(
                    Modality.DOCUMENT, "application/vnd.ms-outlook", title(path, mail.title),
                    recorded_at=when, recorded_at_from=origin,
                )  # fmt: skip
            from omni_core.media.document import xls  # xlrd takes 0.1 s to import

            named, date = summary(_stream(ole, _SUMMARY))
            when, origin = (date, "container") if date else from_file(path)
            pages = xls.opened(_workbook(ole, path), os.path.basename(path)).nsheets
            if pages > self.limits.max_pages:
                raise TooLargeError(f"{pages} pages are over the limit of {self.limits.max_pages}")
            return MediaInfo(
                Modality.DOCUMENT, "application/vnd.ms-excel", title(path, named), pages=pages,
                recorded_at=when, recorded_at_from=origin,
            )  # fmt: skip

    def decompose(
        self, path: str, source: Source, options: CutOptions
    ) -> Iterator[Segment | FileWarning]:
        """MSG: windows of the message's text, as of mail. XLS: page = sheet. What is not read gives
        a warning.
        """
        with _opened(path) as ole:
            if _is_message(ole):
                yield from mail_items(read_msg(ole), source, options)
            else:
                from omni_core.media.document import xls

                data = _workbook(ole, path)
                yield from xls.cut(data, os.path.basename(path), source, options)


@contextmanager
def _opened(path: str) -> Iterator[olefile.OleFileIO[str]]:
    try:
        ole = olefile.OleFileIO(path)
    except Exception as e:  # olefile raises exceptions of any kind on damaged files
        raise unreadable(path, e) from e
    try:
        yield ole
    finally:
        ole.close()


def _is_message(ole: olefile.OleFileIO[str]) -> bool:
    return bool(ole.exists(_MESSAGE))


def _workbook(ole: olefile.OleFileIO[str], path: str) -> bytes:
    """The stream of the workbook. Raises UnreadableError for a file that has none."""
    name = os.path.basename(path)
    for stream in _WORKBOOKS:
        if ole.exists(stream):
            return bytes(ole.openstream(stream).read())
    streams = {entry[0] for entry in ole.listdir(streams=True, storages=True)}
    if ole.exists("EncryptedPackage") or ole.exists("EncryptedSummary") or _encrypted_word(ole):
        raise encrypted(name)
    raise ole_refusal(name, streams)


def _encrypted_word(ole: olefile.OleFileIO[str]) -> bool:
    if not ole.exists("WordDocument"):
        return False
    head = ole.openstream("WordDocument").read(12)
    return len(head) == 12 and head[:2] == struct.pack("<H", _WORD) and bool(head[11] & 1)


def _stream(ole: olefile.OleFileIO[str], name: str) -> bytes:
    """The bytes of a stream; empty where it is missing or damaged: the rest may be whole."""
    try:
        return bytes(ole.openstream(name).read()) if ole.exists(name) else b""
    except OSError:
        return b""
