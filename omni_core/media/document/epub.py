"""EPUB: what its parts say before an engine lays it out, and the book as its chapters' text, for
books and engines that no pages come of.
"""

from __future__ import annotations

import html
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from urllib.parse import unquote

from omni_core.errors import UnreadableError
from omni_core.media.dates import from_file, parse
from omni_core.media.document.zipped_xml import Package, attribute, local, package
from omni_core.media.text.page import Page
from omni_core.media.text.plain import segments
from omni_core.media.titles import title
from omni_core.text.charset import Decoded, decode, decoded, is_text
from omni_core.text.wide import LOOKED_AT
from omni_core.types import CutOptions, FileWarning, MediaInfo, Modality, Segment, Source

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_OF_FONTS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
"""What only hides fonts from other programs; words are as they were."""
_LAID_OUT = re.compile(
    rb"""(?:encoding|charset)\s*=\s*["']?(?:iso-8859-1|windows-125[012]|koi8-[ru])(?![\w-])""", re.I
)
"""Declarations of the encodings beside UTF-8 and UTF-16 that MuPDF reads."""
_OF_UNICODE = ("utf-8", "utf-8-sig", "utf-16")
_LOST_CHAPTER = re.compile(r'ERROR: cannot find chapter "([^"]*)"')
"""All that MuPDF writes on the page of a chapter that it cannot read."""
_FAILURES = (Exception,)
"""What a damaged zip raises; engines open some of them still."""
_PICTURE = re.compile(r"<(?:img|image|svg:image)\b([^<>]{0,4000})", re.I)
_ALTERNATIVE = re.compile(r"\balt\s{0,9}=\s{0,9}(?:\"([^\"]*)\"|'([^']*)')", re.I)
_NAMED = 5
"""Chapters that a warning names."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What the chapters of a book are before it is laid out.

    missing: those that are not in the file. encrypted: those that need a key. damaged: those that
    can be read in part. plain: whether the book is read as text, since the engine would make no
    words of some chapter. locked: whether no chapter can be read without a key. doubts: warnings
    about encodings.
    """

    missing: tuple[str, ...] = ()
    encrypted: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    plain: bool = False
    locked: bool = False
    doubts: tuple[str, ...] = ()
    said: tuple[tuple[str, ...], ...] = ()
    """Of each chapter the alternative texts of its pictures, "" for one without."""

    def warnings(self) -> Iterator[FileWarning]:
        """One for each kind of loss, and for each doubt."""
        for parts, loss in (
            (self.missing, "chapters that are not in the file"),
            (self.encrypted, "encrypted chapters are not read"),
            (self.damaged, "damaged chapters, read only in part"),
        ):
            if parts:
                more = f" and {len(parts) - _NAMED} more" if len(parts) > _NAMED else ""
                yield FileWarning(f"{loss}: {', '.join(parts[:_NAMED])}{more}")
        yield from map(FileWarning, self.doubts)


def lost_chapter(words: str) -> str:
    """The chapter of which a page says that it cannot be found, and no more; else ""."""
    found = _LOST_CHAPTER.fullmatch(" ".join(words.split()))
    return found[1] if found else ""


@dataclass(slots=True)
class _Book:
    title: str = ""
    date: datetime | None = None
    chapters: list[str] = field(default_factory=list)
    inner: bool = False
    """Whether an address leads to a place within a chapter, which the engine does not find."""


def checked(path: str) -> Checked:
    """Looks at every chapter, once for each file. Raises UnreadableError (ENCRYPTED) where none
    can be read without a key."""
    found = os.stat(path)
    checks = _checked(path, found.st_mtime_ns, found.st_size)
    if checks.locked:
        raise UnreadableError(
            f"{os.path.basename(path)!r} is protected against copying: only the program that it "
            "was made for can read its words",
            code="ENCRYPTED",
        )
    return checks


@lru_cache(maxsize=4)
def _checked(path: str, _changed: int, _size: int) -> Checked:
    try:
        with package(path) as parts:
            return _looked_at(parts, os.path.basename(path))
    except _FAILURES:  # an engine may open it still, and says what is wrong
        return Checked()


def _looked_at(parts: Package, name: str) -> Checked:
    book, hidden, plain, words = _book(parts, name), _encrypted(parts), False, False
    missing, encrypted, damaged = list[str](), list[str](), list[str]()
    doubts, said = dict[str, None](), dict[str, tuple[str, ...]]()
    for part in dict.fromkeys(book.chapters):
        if part not in parts.names:
            missing.append(part)
            continue
        if part in hidden:
            encrypted.append(part)
            continue
        data, whole = parts.readable(part)
        if not whole:
            damaged.append(part)
        if not is_text(data[:LOOKED_AT]):
            continue  # a picture, or nothing
        text = decoded(data, markup=True)
        words = True
        said[part] = tuple(map(_alternative, _PICTURE.findall(text.text)))
        plain = plain or part in parts.unmarked or not _is_laid_out(data, text)
        doubts.update(dict.fromkeys(text.warnings))
    return Checked(
        tuple(missing),
        tuple(encrypted),
        tuple(damaged),
        plain or bool(encrypted) or book.inner,
        bool(encrypted) and not words,
        tuple(doubts),
        tuple(said.get(part, ()) for part in book.chapters),
    )


def _alternative(tag: str) -> str:
    found = _ALTERNATIVE.search(tag)
    return html.unescape(found[1] or found[2] or "").strip() if found else ""


def _is_laid_out(data: bytes, text: Decoded) -> bool:
    """Whether the engine reads this encoding."""
    if text.page in _OF_UNICODE:
        return True
    return not text.guessed and _LAID_OUT.search(data[:LOOKED_AT]) is not None


def _encrypted(parts: Package) -> set[str]:
    """The parts that need a key."""
    listed = parts.xml(_ENCRYPTION)
    found = set[str]()
    for entry in listed.iter() if listed is not None else ():
        if local(entry) != "EncryptedData":
            continue
        inner = list(entry.iter())
        methods = [attribute(e, "Algorithm") for e in inner if local(e) == "EncryptionMethod"]
        if not methods or methods[0] not in _OF_FONTS:
            uris = (attribute(e, "URI") for e in inner if local(e) == "CipherReference")
            found |= {parts.known(unquote(uri).lstrip("/")) for uri in uris}
    return found


def probe(path: str) -> MediaInfo:
    """Title and date from the package document."""
    with package(path) as parts:
        book = _book(parts, os.path.basename(path))
    when, origin = (book.date, "container") if book.date else from_file(path)
    return MediaInfo(
        Modality.DOCUMENT,
        "application/epub+zip",
        title(path, book.title),
        recorded_at=when,
        recorded_at_from=origin,
    )


def stated_date(path: str) -> datetime | None:
    """The date that the package document states."""
    try:
        with package(path) as parts:
            return _book(parts, os.path.basename(path)).date
    except _FAILURES:  # an engine has opened it all the same
        return None


def decompose(path: str, source: Source, options: CutOptions) -> Iterator[Segment | FileWarning]:
    """Windows of the chapters' text in reading order, with spans in its characters."""
    text, headings = "", list[tuple[int, str]]()
    checks = checked(path)
    yield from checks.warnings()
    unread = {*checks.missing, *checks.encrypted}
    with package(path) as parts:
        for part in _book(parts, os.path.basename(path)).chapters:
            data, _ = parts.readable(part) if part not in unread else (b"", True)
            if not is_text(data[:LOOKED_AT]):
                if data:
                    yield FileWarning(f"{part} is no text and not read")
                continue
            chapter = Page(decode(data, markup=True), part)
            headings += [(len(text) + at, name) for at, name in chapter.headings]
            text += chapter.text.rstrip("\n") + "\n"
        yield from map(FileWarning, parts.unread.lines())
    yield from segments(text, source, options, headings, "page text")


def _book(parts: Package, name: str) -> _Book:
    container = parts.xml(_CONTAINER)
    roots = [e for e in container.iter() if local(e) == "rootfile"] if container is not None else []
    root = unquote(attribute(roots[0], "full-path")) if roots else ""
    document = parts.xml(root) if root else None
    if document is None:
        raise UnreadableError(
            f"{name!r} is no whole EPUB: the list of its chapters is missing", code="CORRUPT_MEDIA"
        )
    folder = root.rpartition("/")[0]
    book, files = _Book(), {}
    for element in document.iter():
        kind, words = local(element), "".join(element.itertext()).strip()
        if kind == "title":
            book.title = book.title or words
        elif kind == "date":
            book.date = book.date or parse(words)
        elif kind == "item":
            files[attribute(element, "id")] = unquote(attribute(element, "href"))
        elif kind == "itemref" and (href := files.get(attribute(element, "idref"))):
            part = os.path.normpath(f"{folder}/{href}" if folder else href)
            if parts.known(part) not in parts.names and "#" in part:
                part, book.inner = part.rpartition("#")[0], True
            book.chapters.append(parts.known(part))
    return book
