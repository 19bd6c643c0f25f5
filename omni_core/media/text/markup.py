"""Markup that would keep an HTML parser busy for minutes, made harmless before it is parsed.

The parser looks through the open elements at every tag and compares each attribute of a tag with
all before it. Measured with Lexbor: 200,000 nested `<div>` take minutes, 200,000 attributes too;
9,000 formatting elements that never end make a tree of more than 2 GB. Browsers flatten deep pages
as well (Chromium at 512 levels). What is left out here are tags, never words; a page made to
deceive these estimates is stopped by the decoder's deadline.
"""

from __future__ import annotations

import re
from collections import Counter

MOST_DEPTH = 512
"""Open elements inside each other; tags beyond are left out."""
MOST_FORMATTING = 16
"""Open formatting elements; each is opened anew in every paragraph that follows."""
MOST_CLOSED = 200
"""Open elements that one end tag closes; one that would close more is passed over."""
MOST_ATTRIBUTES = 1_000
LONG_TAG = 3_000
"""Characters from which a tag's attributes are counted; a tag of more loses them all."""
BLOCKS = {
    "p", "div", "br", "li", "ul", "ol", "dl", "dt", "dd", "tr", "table", "section", "article",
    "header", "footer", "main", "nav", "aside", "blockquote", "pre", "figure", "figcaption", "hr",
    "form", "fieldset", "h1", "h2", "h3", "h4", "h5", "h6", "title", "option", "summary", "text",
}  # fmt: skip
"""Elements that begin and end a line."""
VOID = {
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr",
}  # fmt: skip
_END_OMITTED = VOID | {
    "p", "li", "dt", "dd", "option", "optgroup", "tr", "td", "th", "thead", "tbody", "tfoot",
    "colgroup", "rp", "rt", "html", "head", "body",
}  # fmt: skip
"""Elements that end without an end tag: a thousand of them need not be nested."""
_BARRIERS = {"table", "caption", "template", "svg", "math", "object", "button", "select"}
"""Elements that an end tag does not close from within."""
_FORMATTING = {
    "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u",
}  # fmt: skip
TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")


def tame(markup: str) -> str:
    """The markup without nesting, and without attributes, beyond what pages have."""
    return _flat(_plain_tags(markup))


def _flat(markup: str) -> str:
    """Tags deeper than the limits are left out with their end tags; a block's is a line break."""
    if markup.count("<") <= MOST_FORMATTING:
        return markup
    stack: list[str] = []
    opened: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    formatting, kept, out = 0, 0, []
    for m in TAG.finditer(markup):
        tag = m[2].lower()
        if tag in _END_OMITTED or m.start() < kept:
            continue
        is_formatting = tag in _FORMATTING
        if m[1] and opened[tag] and not dropped[tag]:
            closed = _closed(stack, tag)
            opened.subtract(closed)
            formatting -= sum(t in _FORMATTING for t in closed)
            del stack[len(stack) - len(closed) :]
        elif m[1] and dropped[tag]:
            dropped[tag] -= 1
            out += [markup[kept : m.start()], "<br>" if tag in BLOCKS else ""]
            kept = _after(markup, m.end())
        elif m[1]:
            continue
        elif len(stack) >= MOST_DEPTH or (is_formatting and formatting >= MOST_FORMATTING):
            dropped[tag] += 1
            out += [markup[kept : m.start()], "<br>" if tag in BLOCKS else ""]
            kept = _after(markup, m.end())
        else:
            opened[tag] += 1
            formatting += is_formatting
            stack.append(tag)
    return "".join((*out, markup[kept:])) if out else markup


def _after(markup: str, at: int) -> int:
    """Where the tag that is open at `at` has ended."""
    end = markup.find(">", at)
    return end + 1 if end >= 0 else len(markup)


def _closed(stack: list[str], tag: str) -> list[str]:
    """What the end tag closes of the open elements: the innermost `tag` and all within it."""
    for n in range(1, min(len(stack), MOST_CLOSED) + 1):
        if stack[-n] == tag:
            return stack[-n:]
        if stack[-n] in _BARRIERS:
            break
    return []


def _plain_tags(markup: str) -> str:
    """Tags of endless attributes without any."""
    pieces = markup.split(">")
    for i, piece in enumerate(pieces):
        start = piece.find("<") if len(piece) > LONG_TAG else -1
        name = TAG.match(piece, start) if start >= 0 else None
        if name and len(_QUOTED.sub("", piece[start:]).split()) > MOST_ATTRIBUTES:
            pieces[i] = piece[: name.end()]
    return ">".join(pieces)
