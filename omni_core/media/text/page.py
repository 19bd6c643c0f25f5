"""The words of an HTML page that a reader sees, with their headings, title and date.

Lexbor (through selectolax) builds the tree as browsers do; what is hidden is decided here. Nothing
that the page names is ever fetched.
"""

from __future__ import annotations

import re
from collections import Counter

from selectolax.lexbor import (
    LexborDocumentOptions,
    LexborHTMLParser,
    LexborNode,
    SelectolaxError,
)

from omni_core.errors import TooLargeError

MOST_DEPTH = 10_000
"""Open elements inside each other; the parser looks through all of them at every tag. Measured:
10,000 nested lists take 0.6 s, 200,000 four minutes. Browsers stop at 512."""
MOST_CLOSED = 200
"""Open elements that one end tag closes; one that would close more is passed over."""
MOST_ATTRIBUTES = 1_000
"""Attributes of one tag; each is compared with all before it (20,000: 1.3 s, 200,000: minutes)."""
LONG_TAG = 3_000
"""Characters from which a tag's attributes are counted."""
_UNSEEN = {
    "script", "style", "template", "noscript", "svg", "math", "object", "iframe", "head",
    "noframes", "noembed",
}  # fmt: skip
_BLOCKS = {
    "p", "div", "br", "li", "ul", "ol", "dl", "dt", "dd", "tr", "table", "section", "article",
    "header", "footer", "main", "nav", "aside", "blockquote", "pre", "figure", "figcaption", "hr",
    "form", "fieldset", "h1", "h2", "h3", "h4", "h5", "h6", "title", "option", "summary", "text",
}  # fmt: skip
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_VOID = {
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr",
}  # fmt: skip
_END_OMITTED = _VOID | {
    "p", "li", "dt", "dd", "option", "optgroup", "tr", "td", "th", "thead", "tbody", "tfoot",
    "colgroup", "rp", "rt", "html", "head", "body",
}  # fmt: skip
"""Elements that end without an end tag: ten thousand of them need not be nested."""
_BARRIERS = {"table", "caption", "template", "svg", "math", "object", "button", "select"}
"""Elements that an end tag does not close from within."""
_DATES = ("date", "dcterms.created", "article:published_time")
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_DECLARATION = re.compile(r"<[^>]*>")
_EMPTY = re.compile(r"<([a-zA-Z][\w:.-]*)((?:\s[^<>]*)?)/>")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_SPACE = re.compile(r"\s+")


class Page:
    """A parsed page.

    title, date: as its head gives them, else "". text: the visible words, one block a line.
    headings: (character of `text` at which it begins, its words), in order.
    """

    def __init__(self, markup: str, name: str) -> None:
        """Parse `markup` of the file `name`.

        Raises TooLargeError for more nesting or attributes than pages have, and for a tree that
        needs more memory than this process may use.
        """
        _refuse_bombs(markup, name)
        self._drawing = _is_drawing(markup)
        try:
            tree = _parse(_as_html(markup))
        except (SelectolaxError, MemoryError) as e:  # an allocation failed: any markup is a page
            raise TooLargeError(
                f"{name} makes a page that needs more memory than a decoder may use; split it or "
                "raise memory_mb"
            ) from e
        titles = (node for node in tree.tags("title") if node.text().strip())
        self._title = next(titles, None)
        self.title = self._title.text() if self._title is not None else ""
        self.date = _date(tree)
        self.headings: list[tuple[int, str]] = []
        self._out: list[str] = []
        self._at = 0
        self._heading: tuple[int, int] | None = None
        self._walk(tree)
        self.text = "".join(self._out)

    def _walk(self, tree: LexborHTMLParser, *, framed: bool = False) -> None:
        """Every node in order, without recursion: pages may be nested deeper than Python calls."""
        node = tree.root
        depth = 0
        while node is not None:
            child = node.first_child if self._enter(node, framed) else None
            if child is not None:
                node, depth = child, depth + 1
                continue
            while depth and node.next is None:
                parent = node.parent
                if parent is None:
                    return
                node, depth = parent, depth - 1
                self._leave(node.tag or "")
            node = node.next if depth else None

    def _enter(self, node: LexborNode, framed: bool) -> bool:
        """Take a node's own words; whether its children are seen."""
        tag = node.tag or ""
        if tag == "-text":
            self._words(node.text_content or "")
            return False
        if tag.startswith("-") or node == self._title:
            return False
        if tag == "noframes" and not framed:  # its markup is text to the parser
            self._walk(_parse(node.text()), framed=True)
        if tag == "svg" and self._drawing:
            self._drawing = False
        elif tag in _UNSEEN:
            return False
        attributes = node.attributes
        if attributes and _hidden(attributes):
            return False
        if tag in _BLOCKS:
            self._break()
        if tag in ("td", "th") and self._out and not self._out[-1].endswith("\n"):
            self._put(" | ")
        if tag in _HEADINGS:
            self._heading = (self._at, len(self._out))
        if tag == "img" and (alt := attributes.get("alt")):
            self._words(f" {alt} ")
        if node.first_child is None:
            self._leave(tag)
        return True

    def _leave(self, tag: str) -> None:
        if tag in _HEADINGS and self._heading is not None:
            at, begun = self._heading
            name = " ".join("".join(self._out[begun:]).split())
            if name:
                self.headings.append((at, name))
            self._heading = None
        if tag in _BLOCKS:
            self._break()

    def _words(self, text: str) -> None:
        words = _SPACE.sub(" ", text)
        if words == " " and (not self._out or self._out[-1][-1:].isspace()):
            return
        self._put(words)

    def _put(self, text: str) -> None:
        if text:
            self._out.append(text)
            self._at += len(text)

    def _break(self) -> None:
        if self._out and not self._out[-1].endswith("\n"):
            self._put("\n")


def _is_drawing(markup: str) -> bool:
    """Whether the page is an SVG file: nothing but declarations and comments before `<svg>`."""
    first = _TAG.search(markup)
    if first is None or first[2].lower() != "svg":
        return False
    return not _DECLARATION.sub("", markup[: first.start()]).strip("\ufeff \t\n")


def _parse(markup: str) -> LexborHTMLParser:
    """Without mutation events: they make long lists of options quadratic."""
    return LexborHTMLParser(markup, options=LexborDocumentOptions.WO_EVENTS)


def _as_html(markup: str) -> str:
    """XML and XHTML in HTML's terms: `<x/>` is empty, CDATA is text."""
    start = markup[:1000].lstrip("\ufeff \n\t").lower()
    if not start.startswith("<?xml") and "xhtml" not in start:
        return markup
    markup = markup.replace("<![CDATA[", "").replace("]]>", "")
    return _EMPTY.sub(
        lambda m: m[0] if m[1].lower() in _VOID else f"<{m[1]}{m[2]}></{m[1]}>", markup
    )


def _hidden(attributes: dict[str, str | None]) -> bool:
    style = (attributes.get("style") or "").replace(" ", "").lower()
    return "hidden" in attributes or "display:none" in style or "visibility:hidden" in style


def _date(tree: LexborHTMLParser) -> str:
    for node in tree.tags("meta"):
        attributes = node.attributes
        name = attributes.get("name") or attributes.get("property") or ""
        if name.lower() in _DATES and (date := attributes.get("content")):
            return date
    return ""


def _refuse_bombs(markup: str, name: str) -> None:
    """Raise TooLargeError for what would keep the parser busy for minutes.

    An estimate from the tags alone: a page made to deceive it is stopped by the decoder's deadline.
    """
    stack: list[str] = []
    opened: Counter[str] = Counter()
    for m in _TAG.finditer(markup) if markup.count("<") > MOST_DEPTH else ():
        tag = m[2].lower()
        if tag in _END_OMITTED:
            continue
        if not m[1]:
            opened[tag] += 1
            stack.append(tag)
        elif opened[tag]:
            closed = _closed(stack, tag)
            opened.subtract(closed)
            del stack[len(stack) - len(closed) :]
        if len(stack) > MOST_DEPTH:
            raise TooLargeError(
                f"{name} nests more than {MOST_DEPTH} elements; save the page anew from a browser"
            )
    for piece in markup.split(">"):
        tag = piece[piece.find("<") :] if len(piece) > LONG_TAG and "<" in piece else ""
        if len(_QUOTED.sub("", tag).split()) > MOST_ATTRIBUTES:
            raise TooLargeError(
                f"{name} has a tag of more than {MOST_ATTRIBUTES} attributes; save the page anew "
                "from a browser"
            )


def _closed(stack: list[str], tag: str) -> list[str]:
    """What the end tag closes of the open elements: the innermost `tag` and all within it."""
    for n in range(1, min(len(stack), MOST_CLOSED) + 1):
        if stack[-n] == tag:
            return stack[-n:]
        if stack[-n] in _BARRIERS:
            break
    return []
