"""Limits nesting and attributes of markup before an HTML parser sees it.

HTML parsing is quadratic in open elements and in the attributes of a tag. Measured with Lexbor:
200,000 nested `<div>` take minutes, 200,000 attributes too; 9,000 unclosed formatting elements make
a tree of more than 2 GB. Browsers flatten deep pages as well (Chromium at 512 levels). Only tags
are removed, never text; a page that evades these limits is stopped by the decoder's deadline.
"""

from __future__ import annotations

import re
from collections import Counter

MAX_DEPTH = 512
"""Depth of open elements; deeper tags are removed."""
MAX_FORMATTING = 16
"""Open formatting elements; HTML parsers re-open each in every following paragraph."""
MAX_CLOSED_BY_ONE_TAG = 200
"""Open elements that one end tag may close; one that would close more is ignored."""
MAX_ATTRIBUTES = 1_000
LONG_TAG = 3_000
"""Characters from which a tag's attributes are counted; above `MAX_ATTRIBUTES` all are removed."""
BLOCK_TAGS = {
    "p", "div", "br", "li", "ul", "ol", "dl", "dt", "dd", "tr", "table", "section", "article",
    "header", "footer", "main", "nav", "aside", "blockquote", "pre", "figure", "figcaption", "hr",
    "form", "fieldset", "h1", "h2", "h3", "h4", "h5", "h6", "title", "option", "summary",
    "text", "desc",
}  # fmt: skip
"""Elements that begin and end a line."""
VOID_TAGS = {
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr",
}  # fmt: skip
_END_OMITTED = VOID_TAGS | {
    "p", "li", "dt", "dd", "option", "optgroup", "tr", "td", "th", "thead", "tbody", "tfoot",
    "colgroup", "rp", "rt", "html", "head", "body",
}  # fmt: skip
"""Elements whose end tag may be omitted: start tags in a row do not nest."""
_BARRIERS = {"table", "caption", "template", "svg", "math", "object", "button", "select"}
"""Elements that an end tag inside them does not reach beyond."""
_FORMATTING = {
    "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u",
}  # fmt: skip
TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")


def simplify(markup: str) -> str:
    """The markup with depth and attributes limited; the text stays."""
    return _flatten(_drop_attributes(markup))


def _flatten(markup: str) -> str:
    """Remove tags deeper than the limits, with their end tags; a block tag becomes `<br>`."""
    if markup.count("<") <= MAX_FORMATTING:
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
            if stack[-1] == tag:  # nearly always
                closed = [stack.pop()]
            else:
                closed = _closed(stack, tag)
                del stack[len(stack) - len(closed) :]
            for inner in closed:
                opened[inner] -= 1
                formatting -= inner in _FORMATTING
        elif m[1] and dropped[tag]:
            dropped[tag] -= 1
            out += [markup[kept : m.start()], "<br>" if tag in BLOCK_TAGS else ""]
            kept = _after(markup, m.end())
        elif m[1]:
            continue
        elif len(stack) >= MAX_DEPTH or (is_formatting and formatting >= MAX_FORMATTING):
            dropped[tag] += 1
            out += [markup[kept : m.start()], "<br>" if tag in BLOCK_TAGS else ""]
            kept = _after(markup, m.end())
        else:
            opened[tag] += 1
            formatting += is_formatting
            stack.append(tag)
    return "".join((*out, markup[kept:])) if out else markup


def _after(markup: str, at: int) -> int:
    """The position after the end of the tag that `at` is in."""
    end = markup.find(">", at)
    return end + 1 if end >= 0 else len(markup)


def _closed(stack: list[str], tag: str) -> list[str]:
    """The open elements that the end tag closes: the innermost `tag` and all within it."""
    for n in range(1, min(len(stack), MAX_CLOSED_BY_ONE_TAG) + 1):
        if stack[-n] == tag:
            return stack[-n:]
        if stack[-n] in _BARRIERS:
            break
    return []


def _drop_attributes(markup: str) -> str:
    """Remove the attributes of tags with more than `MAX_ATTRIBUTES`."""
    pieces = markup.split(">")
    for i, piece in enumerate(pieces):
        start = piece.find("<") if len(piece) > LONG_TAG else -1
        name = TAG.match(piece, start) if start >= 0 else None
        if name and len(_QUOTED.sub("", piece[start:]).split()) > MAX_ATTRIBUTES:
            pieces[i] = piece[: name.end()]
    return ">".join(pieces)


def without(markup: str, start: str, end: str) -> str:
    """The markup without stretches between two marks, in time that grows with its length."""
    kept: list[str] = []
    at = 0
    while (begin := markup.find(start, at)) >= 0:
        kept.append(markup[at:begin])
        at = markup.find(end, begin + len(start))
        if at < 0:
            return "".join(kept)
        at += len(end)
    return "".join([*kept, markup[at:]])
