"""Kinds of parts of a mail, by what becomes of them."""

from __future__ import annotations

from email.message import Message

CALENDARS = ("text/calendar", "application/ics", "text/vcard", "text/x-vcard", "text/directory")
"""Calendars and address cards."""
DECORATION = ("text/css", "text/javascript", "application/javascript", "font/")
"""Parts of saved web pages without words."""
OTHER_TEXT = ("text/rtf", "text/richtext", "text/enriched")
"""Text in markup that is not read."""
MARKUP = ("text/xml",)
"""Data that is read as pages are."""
REPORTS = ("message/delivery-status", "message/disposition-notification",
           "message/feedback-report")  # fmt: skip
"""What a mail server says of a message, as headers."""
ENVELOPES = ("application/pkcs7-mime", "application/x-pkcs7-mime")
"""A whole message within an envelope of S/MIME: signed, or encrypted."""
_OF_WORD = ("filelist.xml", "colorschememapping.xml")
"""What Office saves beside a page for itself."""
_SIGNATURES = ("application/pkcs7-signature", "application/x-pkcs7-signature",
               "application/pgp-signature")  # fmt: skip
"""Numbers that prove who wrote another part."""
_TEXT_FILES = (
    ".txt", ".text", ".md", ".markdown", ".csv", ".tsv", ".log", ".json", ".jsonl", ".yaml", ".yml",
    ".toml", ".ini", ".cfg", ".conf", ".srt", ".vtt", ".rst", ".adoc", ".org", ".tex", ".bib",
    ".py", ".js", ".ts", ".java", ".c", ".h", ".cpp", ".cs", ".go", ".rs", ".sh", ".bat", ".ps1",
    ".sql", ".r", ".diff", ".patch",
)  # fmt: skip
"""Names of files whose words stand in them as they are, whatever type a mail gives them."""
_PAGE_FILES = (".htm", ".html", ".xhtml")


def kind_by_name(name: str) -> str:
    """The type of a file attached as data of any kind, where its name is that of text, of a page,
    of a calendar or of a message; "" for any other."""
    low = name.lower()
    if low.endswith(_TEXT_FILES):
        return "text/plain"
    if low.endswith(_PAGE_FILES):
        return "text/html"
    if low.endswith((".ics", ".vcf")):
        return CALENDARS[0]
    return "message/rfc822" if low.endswith(".eml") else ""


def is_without_words(part: Message) -> bool:
    """Whether a part has nothing to read: decoration, or a signature made of numbers."""
    kind = part.get_content_type()
    if kind in MARKUP and str(part.get("Content-Location", "")).endswith(_OF_WORD):
        return True
    return kind.startswith(DECORATION) or kind in _SIGNATURES


def is_text(kind: str) -> bool:
    """Whether the words of a part of this kind stand in it as they are."""
    return kind.startswith(("text/", "multipart/")) and not kind.startswith(OTHER_TEXT)
