"""The visible text of an HTML page, with its headings, title and date.

Lexbor (through selectolax) builds the tree as browsers do; visibility is decided here, from tags
and attributes. Nothing that the page refers to is ever fetched.
"""

from __future__ import annotations

import re

from selectolax.lexbor import (
    LexborDocumentOptions,
    LexborHTMLParser,
    LexborNode,
    SelectolaxError,
)

from omni_core.errors import TooLargeError
from omni_core.media.text.data_xml import as_parts, is_data, is_feed, is_marked_up, with_entities
from omni_core.media.text.markup import BLOCK_TAGS, TAG, VOID_TAGS, simplify
from omni_core.media.text.shadow_roots import with_shadow_roots

_SKIPPED_TAGS = {
    "script", "style", "template", "noscript", "object", "iframe", "head", "noframes", "noembed",
    "annotation", "annotation-xml",
}  # fmt: skip
_NO_WORDS_OF_A_DRAWING = {"metadata", "defs", "symbol", "title", "desc"}
"""Elements of a drawing within a page that show nothing by themselves."""
_FORMULAS_TWICE = ("katex-mathml", "mjx-assistive-mml", "MJX_Assistive_MathML")
"""Classes with which formulas are written a second time, for screen readers."""
_CONTROLS = {"button", "textarea", "select", "input"}
_NOT_SHOWN = {"hidden", "password", "checkbox", "radio", "color", "range", "file", "image"}
"""Kinds of `input` whose value is not on the page as text."""
_UNSEEN = ("hidden", "collapse")
_PLACED = {"x", "y", "dy"}
"""Attributes with which a part of a text stands on a line of its own."""
_LINKS = ("src", "href", "xlink:href", "srcset", "poster", "data")
_SHOWING = {"img", "image", "source", "video", "audio", "object", "embed", "iframe"}
"""Elements whose link may hold a whole file."""
SMALL_FILE, SMALL_DRAWING = 120, 400
"""Characters of a link up to which a file in it, or a drawing written as text, shows nothing."""
_IN_STYLE = re.compile(r"url\(\s*[\"']?data:image/[^()\"'\s]{4000,}")
"""A picture in a style sheet that is no icon."""
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_NAMES_OF_DATA = ("book-title", "article-title", "h2")
"""Elements that name an XML file: of FictionBook, of JATS, and any `title`. Except in feeds they
are read as text as well: the first title may be that of one of many things."""
_DESCRIPTIONS = ("description", "og:description", "twitter:description", "og:title")
_DATES = ("date", "dcterms.created", "article:published_time")
_LIKE_HTML = {"p": "p", "row": "tr", "tr": "tr", "cell": "td", "tc": "td", "worksheet": "div"}
"""Elements of Office's XML files of 2003 (`w:p`, `Row`, `Cell`)."""
_RUNS = ("w", "a", "wx", "aml")
"""Prefixes of elements that divide a word."""
_IN_LINE = {
    "mi", "mo", "mn", "mtext", "mrow", "msup", "msub", "msubsup", "mfrac", "msqrt", "mfenced",
    "italic", "bold", "sub", "sup", "emphasis", "hi", "xref",
}  # fmt: skip
"""Elements of formulas, and of JATS, DocBook and TEI, that stand within a line beside each other:
`<low>50</low><hi>72</hi>` are two values."""
_UNITS = ("currencyid", "unitcode", "currency", "unit", "units", "uom")
"""Attributes of data that say of what a number is so many."""
_NUMBER = re.compile(r"\s*[+-]?\d[\d.,'\s]*")
MAX_UNIT = 40
_NO_UNIT = re.compile(r"#|.*(?:://|urn:)|[\d.,\s]*$|(?:C62|H87|EA|PCE|id)$", re.I | re.S)
"""Addresses and numbers, and what stands for single things in trade."""
_DECLARATION = re.compile(r"<[^>]*>")
_SELF_CLOSING = re.compile(r"<([a-zA-Z][\w:.-]*)((?:\s[^<>]*)?)/>")
_SPACE = re.compile(r"\s+")


class Page:
    """A parsed page.

    title, date, description: as in its head, else "". text: the visible text, one block a line.
    headings: (first character in `text`, heading), in order. levels: of these, 1 to 6. svg:
    whether it is a drawing. left_out: pictures and other files that are written into it.
    """

    def __init__(self, markup: str, name: str) -> None:
        """Parse `markup` of the file `name`.

        Raises TooLargeError for a tree that needs more memory than this process may use.
        """
        self._is_data = is_data(markup)
        if not self._is_data:
            markup = with_shadow_roots(with_entities(markup))
        self.svg = _is_svg_file(markup)
        self._unused = _NO_WORDS_OF_A_DRAWING
        if self.svg:
            self._unused = {"metadata"} if "<use" in markup else {"metadata", "defs", "symbol"}
        self._skipped = _SKIPPED_TAGS
        if any(name in markup for name in _FORMULAS_TWICE):
            self._skipped = _SKIPPED_TAGS | {"math"}
        self._is_feed = self._is_data and is_feed(markup)
        self.left_out = 0
        if self._is_data:
            markup, self.left_out = as_parts(markup)
        elif "data:image/" in markup:
            self.left_out = len(_IN_STYLE.findall(markup))
        try:
            tree = _parse(simplify(_as_html(markup)))
        except (SelectolaxError, MemoryError) as e:  # an allocation failed: no markup is invalid
            raise TooLargeError(
                f"{name!r} makes a page that needs more memory than a decoder may use; split it or "
                "raise memory_mb"
            ) from e
        self._title = None if self._is_data else _first(tree, "title")
        self.title = self._title.text() if self._title is not None else ""
        if self._is_data:
            named = next(filter(None, (_first(tree, tag) for tag in _NAMES_OF_DATA)), None)
            self._title = named if self._is_feed else None
            self.title = " ".join(named.text(separator=" ").split()) if named else ""
        self.date = _meta(tree, _DATES)
        self.description = _meta(tree, _DESCRIPTIONS)
        self.headings: list[tuple[int, str]] = []
        self.levels: list[int] = []
        self._out: list[str] = []
        self._at = 0
        self._heading: tuple[int, int] | None = None
        self._walk(tree)
        self.text = "".join(self._out)

    def _walk(self, tree: LexborHTMLParser, *, framed: bool = False) -> None:
        """Visit every node in document order, without recursion, whose depth Python limits."""
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
                self._leave(node)
            node = node.next if depth else None

    def _walk_page_in_text(self, markup: str) -> None:
        """Visit what an entry of a feed says, which is a page written as text."""
        self._is_data = False
        self._walk(_parse(simplify(markup)))
        self._is_data = True

    def _enter(self, node: LexborNode, framed: bool) -> bool:
        """Add a node's own text; returns whether to visit its children."""
        tag = node.tag or ""
        if tag == "-text":
            text = node.text_content or ""
            if self._is_data and self._is_feed and is_marked_up(text):
                self._walk_page_in_text(text)
            else:
                self._append_text(text)
                if self._is_data:
                    self._append_unit(node, text)
            return False
        if tag.startswith("-") or node == self._title:
            return False
        attributes = node.attributes
        if tag in ("noframes", "iframe") and not framed:  # to the parser their content is text
            inner = attributes.get("srcdoc") if tag == "iframe" else node.text()
            if inner and not _hidden(attributes):
                self._break()
                self._walk(_parse(simplify(inner)), framed=True)
                self._break()
        if tag in _SHOWING and not _hidden(attributes):
            self.left_out += any(_is_file(attributes.get(name)) for name in _LINKS)
        if tag in self._skipped or (tag in self._unused and (self.svg or _is_drawn(node))):
            return False
        if attributes and _hidden(attributes):
            return False
        if self._is_data:
            tag = self._part_of_data(node, tag)
        if tag in BLOCK_TAGS or (tag == "tspan" and attributes.keys() & _PLACED):
            self._break()
        if tag in ("td", "th") and self._out and not self._out[-1].endswith("\n"):
            self._append(" | ")
        if tag in _HEADINGS:
            self._heading = (self._at, len(self._out))
        if tag == "rt" and not self._is_data:
            self._append("(" if _needs_brackets(node) else "")
        if tag == "img" and (alt := attributes.get("alt")):
            self._append_text(f" {alt} ")
        if tag in _CONTROLS:
            shown = tag == "input" and (attributes.get("type") or "").lower() not in _NOT_SHOWN
            self._append_text(f" {(attributes.get('value') or '') if shown else ''} ")
        if node.first_child is None:
            self._leave(node)
        return True

    def _part_of_data(self, node: LexborNode, tag: str) -> str:
        """The element of HTML that one of an XML file is like. One that follows another, without
        text between them, is a line of its own; runs of a Word paragraph (`w:r`) are none."""
        prefix, _, local = tag.rpartition(":")
        if local in _LIKE_HTML:
            return _LIKE_HTML[local]
        before = node.prev
        follows = before is not None and not (before.tag or "").startswith("-")
        line = local in _IN_LINE and before is not None and _local(before.tag) in _IN_LINE
        within = prefix in _RUNS or line or tag in _HEADINGS
        return "div" if follows and not within else tag

    def _append_unit(self, node: LexborNode, text: str) -> None:
        """`1190.00 EUR` of `<Amount currencyID="EUR">1190.00</Amount>`."""
        element = node.parent if _NUMBER.fullmatch(text) else None
        if element is None:
            return
        said = element.attributes
        unit = next((value for name in _UNITS if (value := said.get(name))), "")
        following = element.next
        written = following is not None and following.tag == "-text" and following.text().lstrip()
        if written and unit and written.startswith(unit):
            return
        if len(unit) <= MAX_UNIT and not _NO_UNIT.match(unit):
            self._append(f" {unit}" if not text[-1].isspace() else unit)

    def _leave(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if tag == "rt" and not self._is_data:
            self._append(")" if _needs_brackets(node) else "")
        if tag in _HEADINGS and self._heading is not None:
            at, begun = self._heading
            name = " ".join("".join(self._out[begun:]).split())
            if name:
                self.headings.append((at, name))
                self.levels.append(int(tag[1]))
            self._heading = None
        if tag in BLOCK_TAGS:
            self._break()

    def _append_text(self, text: str) -> None:
        words = _SPACE.sub(" ", text)
        if words == " " and (not self._out or self._out[-1][-1:].isspace()):
            return
        self._append(words)

    def _append(self, text: str) -> None:
        if text:
            self._out.append(text)
            self._at += len(text)

    def _break(self) -> None:
        if self._out and not self._out[-1].endswith("\n"):
            self._append("\n")


def _first(tree: LexborHTMLParser, tag: str) -> LexborNode | None:
    """The first element of that name with words in it."""
    return next((node for node in tree.tags(tag) if node.text().strip()), None)


def _is_file(link: str | None) -> bool:
    """Whether a link holds a file, larger than the dots that hold the place of a picture."""
    if link is None or len(link) <= SMALL_FILE:
        return False
    drawing = len(link) > SMALL_DRAWING and link.startswith("data:image/svg+xml")
    return drawing or ";base64," in link[:100]


def _needs_brackets(reading: LexborNode) -> bool:
    """Whether a reading above a word has words, and no brackets (`<rp>`) written around it."""
    before, said = reading.prev, reading.first_child
    if said is None or (before is not None and before.tag == "rp"):
        return False
    is_text = said.tag == "-text" and said.next is None
    return not is_text or bool((said.text_content or "").strip())


def _local(tag: str | None) -> str:
    return (tag or "").rpartition(":")[2]


def _is_drawn(node: LexborNode) -> bool:
    """Whether an element is part of a drawing within the page."""
    above = node.parent
    while above is not None and above.tag != "svg":
        above = above.parent
    return above is not None


def _is_svg_file(markup: str) -> bool:
    """Whether the page is an SVG file: nothing but declarations and comments before `<svg>`."""
    first = TAG.search(markup)
    if first is None or first[2].lower() != "svg":
        return False
    return not _DECLARATION.sub("", markup[: first.start()]).strip("\ufeff \t\n")


def _parse(markup: str) -> LexborHTMLParser:
    """Parse without mutation events, which make long lists of options quadratic."""
    return LexborHTMLParser(markup, options=LexborDocumentOptions.WO_EVENTS)


def _as_html(markup: str) -> str:
    """XML and XHTML as HTML: `<x/>` becomes `<x></x>`, CDATA becomes text."""
    start = markup[:1000].lstrip("\ufeff \n\t").lower()
    if not start.startswith("<?xml") and "xhtml" not in start:
        return markup
    markup = markup.replace("<![CDATA[", "").replace("]]>", "")
    return _SELF_CLOSING.sub(
        lambda m: m[0] if m[1].lower() in VOID_TAGS else f"<{m[1]}{m[2]}></{m[1]}>", markup
    )


def _hidden(attributes: dict[str, str | None]) -> bool:
    style = (attributes.get("style") or "").replace(" ", "").lower()
    if "hidden" in attributes or "display:none" in style or "visibility:hidden" in style:
        return True
    if attributes.get("display") == "none" or attributes.get("visibility") in _UNSEEN:
        return True
    return (attributes.get("opacity") or "").strip() in ("0", "0.0", "0%")


def _meta(tree: LexborHTMLParser, names: tuple[str, ...]) -> str:
    """What the first `meta` of one of the names says."""
    for node in tree.tags("meta"):
        attributes = node.attributes
        name = attributes.get("name") or attributes.get("property") or ""
        if name.lower() in names and (said := attributes.get("content")):
            return said
    return ""
