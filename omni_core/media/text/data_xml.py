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
_READ = {
    "title", "label", "caption", "text", "name", "desc", "description", "summary", "alt", "body",
    "subject", "message", "comment", "note", "_note", "headline", "author",
}  # fmt: skip
"""Names of attributes that people write for people."""
_LOOK = re.compile("[:=;]")
"""What CSS and drawings have in an attribute `style`, and a style by its name has not."""
_WORD = re.compile(r"(?<!\S)[^\W\d_]{2,}(?![\w/:=#])")
_START_OF_BOOK = 4096
"""Characters within which FictionBook begins."""
ENOUGH_WORDS = 4
"""Words from which an attribute of any name is a sentence."""
_OF_OFFICE = ("w", "wx", "o", "v")
"""Prefixes of attributes by which Word lays out what stands between its tags."""
_FEED = re.compile(r"<(?:rss|feed|rdf:RDF|kml)[\s>]")
_MARKED_UP = re.compile(
    r"</?(?:p|br|hr|a|b|i|u|em|strong|small|span|div|img|ul|ol|li|h[1-6]|table|tr|td|blockquote"
    r"|code|pre|font|figure|iframe)\b[^<>]*>|&(?:[a-z]{2,8}|#\d{1,7}|#x[\da-f]{1,6});",
    re.I,
)
_DOCTYPE = re.compile(
    r"\ufeff?\s*+(?>(?:<\?.*?\?>|<!--.*?-->)\s*+)*+"
    r"(?P<whole><!DOCTYPE\s[^<>\[\]]*\["
    r"(?P<declared>(?>[^\]\"'<]++|\"[^\"]*\"|'[^']*'|<!--.*?-->|<\?.*?\?>|<(?!!--|\?))*+)\]\s*>)",
    re.S,
)
"""The DOCTYPE before all elements, and its declarations, whose values may have any sign."""
_REFERENCE = re.compile(r"&([\w.-]+);")
_ENTITY = re.compile(r"""<!ENTITY\s+([\w.-]+)\s+(?:"([^"&]*)"|'([^'&]*)')\s*>""")
_OF_EXCEL = "urn:schemas-microsoft-com:office:spreadsheet"
_SETTINGS = (
    "OfficeDocumentSettings", "ExcelWorkbook", "WorksheetOptions", "ConditionalFormatting",
)  # fmt: skip
"""Elements in which a workbook (XML of Excel 2003) has colours and windows beside its cells."""
_NO_SETTINGS = re.compile(rf"<(?:{'|'.join(_SETTINGS)})(?:\s[^<>]*)?/>")
MAX_ENTITY = 1_000
"""Characters of an entity that stands for what a document says often."""
MAX_REFERENCES = 10_000
"""References to such entities that are read."""
_OF_ARTICLES = re.compile(r"<(?:article-title|articleinfo|info|sec|sect1|para)[\s>]")
"""Elements of JATS and DocBook: of an `article`, which HTML has too, they tell what it is."""
_PAGES = {"html", "svg", "math", "head", "body", "h1", "p", "div"}
_OF_XML = re.compile(r"<!DOCTYPE\s+(?!html\b)[a-z_][\w:.-]*\s+(?:PUBLIC|SYSTEM)\s", re.I)
_OF_DOCBOOK = re.compile(r"\s(?:xmlns=[\"']http://docbook\.org/|(?:article-type|dtd-version)=)")
"""Attributes by which the root tells the same."""


def is_data(markup: str) -> bool:
    """Whether it is XML, and neither a page nor a drawing."""
    if not markup[:200].lstrip("\ufeff \n\t").startswith("<?xml"):
        return False
    start = without(markup[:ROOT_WITHIN], "<!--", "-->")
    declared = _DOCTYPE.match(start)
    root = _TAG.search(start, declared.end() if declared else 0)
    if root is None:
        return False
    name = root[1].rpartition(":")[2].lower()
    if name == "article":
        named = _OF_XML.search(start, 0, root.start()) or _OF_DOCBOOK.search(root[2])
        return bool(named or _OF_ARTICLES.search(start))
    return name not in _PAGES


def names_its_kind(markup: str) -> bool:
    """Whether a text begins with the DOCTYPE of XML, which a declaration may stand before."""
    return _OF_XML.match(markup[:1000].lstrip("\ufeff \n\t")) is not None


def is_feed(markup: str) -> bool:
    """Whether the entries of it may be pages that are written as text."""
    return _FEED.search(markup[:ROOT_WITHIN]) is not None


def is_marked_up(text: str) -> bool:
    """Whether a text has tags or characters of HTML."""
    return ("<" in text or "&" in text) and _MARKED_UP.search(text) is not None


def with_entities(markup: str) -> str:
    """The markup without the declarations in its DOCTYPE, and with what its own entities stand
    for, where these are short."""
    found = _DOCTYPE.match(markup, 0, ROOT_WITHIN)
    if found is None:
        return markup
    known: dict[str, str] = {
        name: double or single
        for name, double, single in _ENTITY.findall(found["declared"])
        if len(double or single) <= MAX_ENTITY
    }
    left = MAX_REFERENCES

    def said(m: re.Match[str]) -> str:
        nonlocal left
        if not left or m[1] not in known:
            return m[0]
        left -= 1
        return known[m[1]]

    rest = markup[: found.start("whole")] + markup[found.end() :]
    return _REFERENCE.sub(said, rest) if known else rest


def as_parts(markup: str) -> tuple[str, int]:
    """Data with elements that an HTML parser shows, titles as headings, and without files written
    as base64; and how many files these were. CDATA stays: it holds pages as HTML."""
    left_out = 0
    markup = with_entities(markup)
    if _OF_EXCEL in markup[:ROOT_WITHIN]:
        markup = _without_settings(markup)

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


def _without_settings(markup: str) -> str:
    markup = _NO_SETTINGS.sub("", markup)
    for name in _SETTINGS:
        last = markup.rfind(end := f"</{name}>") + len(end)  # what none of them ends is kept
        if last >= len(end):
            markup = without(markup[:last], f"<{name} ", end) + markup[last:]
    return markup


def _renamed(m: re.Match[str]) -> str:
    return f"<{m[1]}h2" if m[2].lower() == "title" else f"<{m[1]}x-{m[2]}"


def attribute_lines(markup: str, text: str) -> list[str]:
    """A line for each element with attributes: `outline text: News; xmlUrl: https://...`; where
    there is `text` between the tags, of those alone that people read, by their names or words."""
    every = list(_attributes(markup))
    size = sum(len(name) + len(value) for _, said in every for name, value in said)
    if len(text) >= LITTLE_TEXT * size:
        every = [(tag, [one for one in said if _is_read(*one)]) for tag, said in every]
    return [
        f"{tag} {'; '.join(f'{name}: {value}' for name, value in said)}"
        for tag, said in every
        if said
    ]


def _attributes(markup: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    markup = without(without(markup, "<!--", "-->"), "<![CDATA[", "]]>")
    of_book = "<FictionBook" in markup[:_START_OF_BOOK]
    for found in _TAG.finditer(markup):
        tag, attributes = found.groups()
        if "=" not in attributes:
            continue
        yield (
            tag,
            [
                (name, value)
                for name, double, single in _ATTRIBUTE.findall(attributes)
                if not name.lower().startswith(("xmlns", "xsi:", "xml:"))
                and not (of_book and (tag, name) == ("body", "name"))  # "notes"
                and not (name.lower() == "style" and _LOOK.search(double or single))
                and (value := _shown(html.unescape(double or single))) not in ("", "null")
            ],
        )


def _shown(value: str) -> str:
    """A value as it is read: what is a page by itself (drawings, outlines) without its tags."""
    if "<" in value:
        value = _MARKED_UP.sub(lambda m: html.unescape(m[0]) if m[0][0] == "&" else " ", value)
    return " ".join(value.split())


def _is_read(name: str, value: str) -> bool:
    prefix, _, local = name.lower().rpartition(":")
    if prefix in _OF_OFFICE:
        return False
    return local in _READ or len(_WORD.findall(value)) >= ENOUGH_WORDS
