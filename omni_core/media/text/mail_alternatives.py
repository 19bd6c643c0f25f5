"""Which version of a mail's body is read, its plain text or its page, whichever says more, and the
lines of the other one that have words of their own."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from email.message import Message

from omni_core.media.text.mail_payload import part_text
from omni_core.media.text.page import Page

PAGES = ("text/html", "application/xhtml+xml")
VERSIONS = ("text/plain", *PAGES, "text/x-amp-html", "text/watch-html")
"""Kinds of parts that say the same as the part beside them, for another program."""
MARKED_UP = ("text/enriched", "text/richtext", "text/rtf", "application/rtf")
"""Versions in markup that is not read, which say the same as the plain text before them."""
_ADDRESS = re.compile(r"\w+://\S+|mailto:\S+|\[(?:cid|image):[^\]\n]*\]", re.I)
"""What plain text writes out and a page does not show."""
_INVISIBLE = re.compile("[\u00ad\u034f\u200b-\u200f\u2060\ufeff]")
_NUMBER = re.compile(r"[\s>*+-]*\d{1,3}[.)]\s")
"""The number of an entry of a list, which pages count by themselves."""
_OF_PAGES = re.compile(r"\bhtml\b", re.I)
_OF_SHOWING = re.compile(
    r"\b(?:view|see|show|shown|display\w*|support\w*|version|client|program\w*|browser|format"
    r"|anzeig\w*|darstell\w*|affich\w*|visuali[sz]\w*|mostra\w*|soporta|vista)\b",
    re.I,
)
"""Words by which a plain text says no more than that the page has to be looked at."""
_WORD = re.compile(r"[^\W_\u2e80-\ud7ff]+")
_WITHOUT_SPACES = re.compile(r"(?=([\u2e80-\ud7ff]{2}))")
"""Pairs of letters of scripts that write no spaces between words."""


def best(alternatives: list[Message]) -> tuple[Message, bool]:
    """The alternative with the plain text, unless the page has more words of its own ("your
    program shows no HTML", tables left out); without words in the plain text the page, else the
    last, which is the richest. And whether another one may have words of its own."""
    plain = _first(alternatives, ("text/plain",))
    said = {word for part in _bodies(plain, ("text/plain",)) for word in words_of(part_text(part))}
    page = _first(alternatives, PAGES)
    if page is None or page is plain:
        return (plain if plain is not None and said else alternatives[-1]), True
    shown = {
        word
        for part in _bodies(page, PAGES)
        for word in words_of(Page(part_text(part, markup=True), "page").text)
    }
    if plain is None or not said:
        return (page if shown else alternatives[-1]), True
    if len(shown - said) > len(said - shown):
        return page, not said <= shown
    return plain, not shown <= said


def words_of(text: str) -> set[str]:
    """The words that a version says, as they are compared."""
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).casefold()
    text = _ADDRESS.sub(" ", text)
    return {*_WORD.findall(text), *_WITHOUT_SPACES.findall("".join(text.split()))}


def lines_of_their_own(text: str, read: set[str]) -> str:
    """The lines with a word that is not among the `read` ones, but for the sentence that sends to
    the page."""
    return "\n".join(line for line in text.split("\n") if _says_more(line, read))


def is_file(part: Message) -> bool:
    """Whether a part is an attachment, or has the name of a file."""
    if part.get_content_disposition() == "attachment":
        return True
    try:
        return bool(part.get_filename())
    except (ValueError, LookupError, TypeError):  # a malformed RFC 2231 parameter
        return True


def _first(alternatives: list[Message], kinds: tuple[str, ...]) -> Message | None:
    """The first alternative that is, or holds, a body of such a kind."""
    return next((one for one in alternatives if any(_bodies(one, kinds))), None)


def _bodies(part: Message | None, kinds: tuple[str, ...]) -> Iterator[Message]:
    for one in part.walk() if part is not None else ():
        if one.get_content_type() in kinds and not one.is_multipart() and not is_file(one):
            yield one


def _says_more(line: str, read: set[str]) -> bool:
    sends = _OF_PAGES.search(line) and _OF_SHOWING.search(line) and not re.search(r"\d", line)
    return not sends and not words_of(_NUMBER.sub("", line)) <= read
