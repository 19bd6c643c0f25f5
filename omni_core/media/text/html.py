"""HTML and XML files as documents: the visible text of the page."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from omni_core.media.dates import from_file, parse
from omni_core.media.text import unread_subtitles
from omni_core.media.text.data_xml import attribute_lines, is_data, names_its_kind
from omni_core.media.text.markdown import SUFFIXES
from omni_core.media.text.page import Page
from omni_core.media.text.plain import read, read_decoded, segments
from omni_core.media.text.structured import begins_as_json
from omni_core.media.text.tracks import as_track
from omni_core.media.titles import title
from omni_core.protocols import Medium
from omni_core.text.charset import decode, is_text
from omni_core.types import CutOptions, FileWarning, MediaInfo, Modality, Segment, Source

_FRAGMENT = re.compile(r"<(table|meta|style|title|center|font)[\s>]", re.I)
_OFFICE = (".xls", ".xlsx", ".doc", ".docx")
"""Suffixes under which programs write tables of HTML, without the page around them."""
_XML = (
    ".xml", ".rss", ".atom", ".rdf", ".opml", ".gpx", ".kml", ".xliff", ".xlf", ".tei", ".dbk",
    ".osm", ".mm", ".drawio", ".xmp",
)  # fmt: skip
"""Suffixes under which a text that begins with a tag is XML, declared or not."""
_DECLARATION = '<?xml version="1.0"?>\n'
_ELEMENT = re.compile(r"<(?:!--|!doctype|\?xpacket|[a-z_])", re.I)
_START = re.compile(r"<(\?xml|(!doctype\s+html|html|head|body|article|h1|p|div|svg)[\s>])", re.I)

_WHOLE = re.compile(r"<(\?xml|(!doctype\s+html|html)[\s>])", re.I)
_TAG = re.compile(r"</?([a-z][a-z0-9]*)\b[^<>]*>", re.I)
WORDS_OF_PROSE = 2
"""Words for each tag from which a text that begins with a tag, and never ends it, is prose."""


class HtmlMedium(Medium):
    """HTML files; other XML is read as such."""

    rank = 6
    kinds = "web pages (HTML), words of SVG"

    def matches(self, head: bytes, suffix: str) -> bool:
        """Markup at the start, or an HTML suffix with a tag in the first bytes; not JSON, and of
        Markdown and text only whole pages."""
        if not is_text(head) or unread_subtitles.kind_of(head, suffix):
            return False
        start = decode(head, markup=True).lstrip("\ufeff \n\t")
        if suffix in SUFFIXES:  # a README may begin with any tag
            return _WHOLE.match(start) is not None
        if suffix in (".txt", ".text") and _is_prose(start):
            return False
        if (suffix in _XML and _ELEMENT.match(start)) or names_its_kind(start):
            return True
        if _START.match(start) or (suffix in _OFFICE and _FRAGMENT.match(start)):
            return True
        named = suffix in (".html", ".htm", ".xhtml")
        return named and b"<" in head and not begins_as_json(start)

    def probe(self, path: str, password: str | None = None) -> MediaInfo:
        """Title and date from the page's head, else from the file."""
        text = read_decoded(path, markup=True)
        page = page_of_file(path, text.text)
        when = parse(page.date)
        found = (when, "container") if when is not None else from_file(path)
        return MediaInfo(
            Modality.DOCUMENT,
            "image/svg+xml" if page.svg else "text/html",
            title(path, page.title),
            recorded_at=found[0],
            recorded_at_from=found[1],
            warnings=text.warnings,
        )

    def decompose(
        self, path: str, source: Source, options: CutOptions
    ) -> Iterator[Segment | FileWarning]:
        """Windows of the visible text, with spans in its characters; of a page without any, what it
        says of itself."""
        page = page_of_file(path, read(path, markup=True))
        text = page.text if page.text.strip() else page.description
        yield from segments(text, source, options, page.headings, "page text", page.levels)
        if page.svg:
            yield FileWarning(
                "the drawing is not seen, only its words are read; export it as PNG to have it seen"
            )
        if page.left_out:
            what = "pictures and files" if page.left_out > 1 else "picture or file"
            yield FileWarning(
                f"{page.left_out} embedded {what} not read: ingest such files by themselves"
            )
        elif not page.svg and not page.text.strip():
            yield FileWarning(
                "no visible words on the page: what its scripts would write is not in the file"
            )


def _is_prose(start: str) -> bool:
    """Whether a text that begins with a tag speaks of it: it never ends it and has few others."""
    first = _TAG.match(start)
    if first is None or _WHOLE.match(start) or f"</{first[1].lower()}" in start.lower():
        return False
    words, tags = _TAG.subn(" ", start)
    return len(words.split()) >= WORDS_OF_PROSE * tags


def page_of_file(path: str, markup: str) -> Page:
    """The page, or the XML, of a file with this name, with the words in attributes of XML."""
    start = markup.lstrip("\ufeff \n\t")
    undeclared = path.lower().endswith(_XML) and _ELEMENT.match(start)
    if (undeclared or names_its_kind(start)) and is_data(declared := _DECLARATION + start):
        markup = declared
    track = as_track(markup) if is_data(markup) else None
    if track is not None:
        markup = track.markup
    page = Page(markup, os.path.basename(path))
    if track is not None:
        page.title, page.date = page.title or track.title, page.date or track.date
    if is_data(markup):
        text = page.text.strip()
        page.text = "\n".join(filter(None, [text, *attribute_lines(markup, text)]))
    return page
