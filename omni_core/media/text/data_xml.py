"""XML that keeps its content in attributes: settings, OPML outlines, Android resources."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from omni_core.media.text.markup import without

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
    root = _TAG.search(without(markup[:ROOT_WITHIN], "<!--", "-->"))
    return root is not None and root[1].rpartition(":")[2].lower() not in _PAGES


def attribute_lines(markup: str) -> Iterator[str]:
    """A line for each element with attributes: `outline text: News; xmlUrl: https://...`."""
    markup = without(without(markup, "<!--", "-->"), "<![CDATA[", "]]>")
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
