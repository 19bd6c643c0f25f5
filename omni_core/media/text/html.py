"""HTML and XML as the words a reader sees: no scripts, no styles, nothing that is hidden.

The parser keeps no tree, so nesting costs nothing, and nothing it names is ever fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from omni_core.media.dates import from_file, parse
from omni_core.media.text.plain import read, segments
from omni_core.media.titles import title
from omni_core.protocols import Medium
from omni_core.text.charset import decode, is_text
from omni_core.types import CutOptions, MediaInfo, Modality, Segment, Source

_UNSEEN = {"script", "style", "template", "noscript", "svg", "math", "object", "iframe", "head"}
_BLOCKS = {
    "p", "div", "br", "li", "ul", "ol", "dl", "dt", "dd", "tr", "table", "section", "article",
    "header", "footer", "main", "nav", "aside", "blockquote", "pre", "figure", "figcaption", "hr",
    "form", "fieldset", "h1", "h2", "h3", "h4", "h5", "h6", "title", "option", "summary",
}  # fmt: skip
_VOID = {
    "br", "hr", "img", "input", "meta", "link", "area", "base", "col", "embed", "source", "track",
    "wbr", "param",
}  # fmt: skip
_START = re.compile(rb"<(!doctype\s+html|html|head|body|article|h1|p|div|svg)[\s>]", re.I)


class HtmlMedium(Medium):
    """Pages of the web, saved."""

    rank = 6
    kinds = "web pages (HTML)"

    def matches(self, head: bytes, suffix: str) -> bool:
        """Markup at the start, or the suffix with a tag anywhere in the first bytes."""
        if not is_text(head):
            return False
        start = decode(head).lstrip("\ufeff \n\t").encode("utf-8", "ignore")
        if start.startswith(b"<?xml") or _START.match(start):
            return True
        return suffix in (".html", ".htm", ".xhtml") and b"<" in head

    def probe(self, path: str, password: str | None = None) -> MediaInfo:
        """Title and date from the page's own head."""
        page = _read(path)
        when = parse(page.date)
        found = (when, "container") if when is not None else from_file(path)
        return MediaInfo(
            Modality.DOCUMENT,
            "text/html",
            title(path, page.title),
            recorded_at=found[0],
            recorded_at_from=found[1],
        )

    def decompose(self, path: str, source: Source, options: CutOptions) -> Iterator[Segment]:
        """Windows of words, spans in characters of the visible text."""
        page = _read(path)
        yield from segments(page.text(), source, options, page.headings, "page text")


class _Page(HTMLParser):
    """Collects visible text, headings, title and date."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title = self.date = ""
        self.headings: list[tuple[int, str]] = []
        self._out: list[str] = []
        self._at = 0
        self._unseen: list[str] = []
        self._in_title = self._begun = False
        self._heading: tuple[int, list[str]] | None = None

    def text(self) -> str:
        """The visible words, one block a line."""
        return "".join(self._out)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "title" and not self.title:
            self._in_title = True
        if tag == "meta":
            self._meta({k: v or "" for k, v in attrs})
        if tag == "body":
            self._unseen.clear()  # </head> may be left out
        if self._unseen:
            if tag == self._unseen[-1]:
                self._unseen.append(tag)
            return
        first, self._begun = not self._begun, True
        if tag in _UNSEEN - ({"svg"} if first else set()) or (tag not in _VOID and _hidden(attrs)):
            self._unseen.append(tag)
            return
        if tag in _BLOCKS:
            self._break()
        if tag in ("td", "th"):
            self._put(" | " if self._out and not self._out[-1].endswith("\n") else "")
        if tag in ("h1", "h2", "h3", "h4", "h5", "h6"):
            self._heading = (self._at, [])
        if tag == "img":
            alt = next((v for k, v in attrs if k == "alt" and v), "")
            self.handle_data(f" {alt} " if alt else "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False
        if self._unseen:
            if tag == self._unseen[-1]:
                self._unseen.pop()
            return
        if tag in ("h1", "h2", "h3", "h4", "h5", "h6") and self._heading is not None:
            where, words = self._heading
            name = " ".join("".join(words).split())
            if name:
                self.headings.append((where, name))
            self._heading = None
        if tag in _BLOCKS:
            self._break()

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data
            return
        if self._unseen:
            return
        words = re.sub(r"\s+", " ", data)
        if self._heading is not None:
            self._heading[1].append(words)
        if words == " " and (not self._out or self._out[-1][-1:].isspace()):
            return
        self._put(words)

    def _meta(self, attrs: dict[str, str]) -> None:
        name = (attrs.get("name") or attrs.get("property") or "").lower()
        if not self.date and name in ("date", "dcterms.created", "article:published_time"):
            self.date = attrs.get("content", "")

    def _put(self, text: str) -> None:
        if text:
            self._out.append(text)
            self._at += len(text)

    def _break(self) -> None:
        if self._out and not self._out[-1].endswith("\n"):
            self._put("\n")


def _hidden(attrs: list[tuple[str, str | None]]) -> bool:
    for key, value in attrs:
        style = (value or "").replace(" ", "").lower()
        if key == "hidden" or (key == "style" and "display:none" in style):
            return True
    return False


def _read(path: str) -> _Page:
    page = _Page()
    page.feed(read(path))
    page.close()
    return page
