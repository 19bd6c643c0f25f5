"""XML that is data: its elements are not those of HTML that have the same name, and some of it
keeps its content in attributes (settings, OPML outlines, Android resources)."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from omni_core.media.text.markup import without
from omni_core.media.text.readable import is_binary

LITTLE_TEXT = 0.1
"""Share of the attributes' text below which the text between tags is not the content."""
ROOT_WITHIN = 20_000
"""Characters in which the first tag is looked for."""
_TAG = re.compile(r"<([A-Za-z_][\w:.-]*)([^<>]*)>")
_ATTRIBUTE = re.compile(r"""([A-Za-z_][\w:.-]*)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_OTHER = re.compile(
    r"<(/?)(object|annotation(?:-xml)?|template|style|script|iframe|no(?:script|frames|embed)"
    r"|textarea|xmp|plaintext|title)(?=[\s/>])",
    re.I,
)
"""Elements whose content HTML hides, or takes for text up to the end tag."""
_CODE = re.compile(
    r">(\s*+(?:[A-Za-z0-9+/]{60,}+={0,2}\s*+)++(?:[A-Za-z0-9+/]{1,59}={0,2}\s*+)?)(?=<)"
)
"""Lines of base64 as the whole text of an element."""
_PAGES = {"html", "svg", "math", "head", "body", "article", "h1", "p", "div"}


def is_data(markup: str) -> bool:
    """Whether it is XML, and neither a page nor a drawing."""
    if not markup[:200].lstrip("\ufeff \n\t").startswith("<?xml"):
        return False
    root = _TAG.search(without(markup[:ROOT_WITHIN], "<!--", "-->"))
    return root is not None and root[1].rpartition(":")[2].lower() not in _PAGES


def as_parts(markup: str) -> tuple[str, int]:
    """Data with elements that an HTML parser shows, titles as headings, and without files written
    as base64; and how many files these were. CDATA stays: it holds pages as HTML."""
    left_out = 0

    def code(m: re.Match[str]) -> str:
        nonlocal left_out
        if not is_binary("".join(m[1].split())):
            return m[0]
        left_out += 1
        return ">"

    before, *sections = markup.split("<![CDATA[")
    out = [_OTHER.sub(_renamed, _CODE.sub(code, before))]
    for section in sections:
        inner, end, after = section.partition("]]>")
        out += ["<![CDATA[", inner, end, _OTHER.sub(_renamed, _CODE.sub(code, after))]
    return "".join(out), left_out


def _renamed(m: re.Match[str]) -> str:
    return f"<{m[1]}h2" if m[2].lower() == "title" else f"<{m[1]}x-{m[2]}"


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
