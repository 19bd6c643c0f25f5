"""XML that keeps its content in attributes: settings, OPML outlines, Android resources."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

LITTLE_TEXT = 0.1
"""Share of the attributes' text below which the text between tags is not the content."""
ROOT_WITHIN = 20_000
"""Characters in which the first tag is looked for."""
_TAG = re.compile(r"<([A-Za-z_][\w:.-]*)([^<>]*)>")
_ATTRIBUTE = re.compile(r"""([A-Za-z_][\w:.-]*)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_PAGES = {"html", "svg", "math", "head", "body", "article", "h1", "p", "div"}


def is_data(markup: str) -> bool:
    """Whether it is XML, and neither a page nor a drawing."""
    if not markup[:200].lstrip("\ufeff \n\t").startswith("<?xml"):
        return False
    root = _TAG.search(_without(markup[:ROOT_WITHIN], "<!--", "-->"))
    return root is not None and root[1].rpartition(":")[2].lower() not in _PAGES


def attribute_lines(markup: str) -> Iterator[str]:
    """A line for each element with attributes: `outline text: News; xmlUrl: https://...`."""
    markup = _without(_without(markup, "<!--", "-->"), "<![CDATA[", "]]>")
    for found in _TAG.finditer(markup):
        tag, attributes = found.groups()
        said = [
            f"{name}: {value}"
            for name, double, single in _ATTRIBUTE.findall(attributes)
            if not name.lower().startswith(("xmlns", "xsi:", "xml:"))
            and (value := " ".join(html.unescape(double or single).split()))
        ]
        if said:
            yield f"{tag} {'; '.join(said)}"


def _without(markup: str, start: str, end: str) -> str:
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
