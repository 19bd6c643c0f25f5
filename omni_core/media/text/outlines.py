"""Headings of light markup, by the suffix of the file: Markdown, reStructuredText, AsciiDoc, Org,
LaTeX, MediaWiki, Textile, Typst."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from omni_core.media.dates import parse
from omni_core.media.text import markdown
from omni_core.media.text.markdown import Outline

MAX_LINE = 1_000
"""Characters of a line that may be a heading."""
MAX_START = 4_000
"""Characters in which an Org file states its title and date."""
_PUNCTUATION = re.compile(r"([=\-`:.'\"~^_*+#<>])\1{2,}[ \t]*$")
_ADOC = re.compile(r"(={1,6})[ \t]+(\S.*)")
_ADOC_DATE = re.compile(
    r"^(?::revdate:[ \t]*|(?:v[\d.]{1,20},[ \t]*)?)(\d{4}-\d\d-\d\d)[ \t]*$", re.M
)
_ADOC_BLOCK = re.compile(r"(-{4,}|\.{4,}|\+{4,}|/{4,})[ \t]*$")
_TYPST_LABEL = re.compile(r"[ \t]*<[\w:.-]{1,80}>$")
_ORG = re.compile(
    r"(\*+)[ \t]+(?:(?:TODO|DONE|NEXT|WAITING|CANCELLED)[ \t]+)?(?:\[#\w\][ \t]+)?(\S.*)"
)
_ORG_TAGS = re.compile(r"[ \t]:[\w@:]+:$")
_ORG_FIELD = re.compile(r"#\+(TITLE|DATE):[ \t]*(.*?)[ \t]*$", re.I)
_TEX = re.compile(
    r"[^%\n]*?\\(part|chapter|section|subsection|subsubsection|paragraph|title)\*?(?:\[[^\]\n]*\])?"
    r"\{((?:[^{}\n]|\{[^{}\n]*\})+)\}"
)
_TEX_LEVELS = ("part", "chapter", "section", "subsection", "subsubsection", "paragraph")
_TEX_COMMAND = re.compile(r"\\[a-zA-Z]+\*?[ ]?|[{}]")
_WIKI = re.compile(r"(={1,6})[ \t]*([^=\s].*)\1$")
_TEXTILE = re.compile(r"h([1-6])(?:\([^)\n]*\)|[<>=]+)*\.[ \t]+(\S.*)")


def outline_of(path: str, text: str) -> Outline:
    """Title, date and headings of a text in the markup that its name tells; nothing of another."""
    read = _READERS.get(os.path.splitext(path)[1].lower())
    return read(text) if read is not None else Outline()


def _by_lines(text: str, heading: Callable[[str], tuple[int, str] | None]) -> Outline:
    found, at = Outline(), 0
    for line in text.split("\n"):
        known = heading(line.rstrip(" \t")) if len(line) <= MAX_LINE else None
        if known is not None:
            found.levels.append(known[0])
            found.headings.append((at, known[1]))
        at += len(line) + 1
    return found


def _rst(text: str) -> Outline:
    """A line of text with one of signs below it, and perhaps above; its level is the order in
    which the signs occur first."""
    found, at, styles = Outline(), 0, list[tuple[str, bool]]()
    lines = text.split("\n")
    for number, line in enumerate(lines):
        below = _PUNCTUATION.match(lines[number + 1]) if number + 1 < len(lines) else None
        above = _PUNCTUATION.match(lines[number - 1]) if number else None
        over = above is not None and below is not None and above[1] == below[1]
        blank = not number or not lines[number - 1].strip()
        words = line.strip()
        if (
            len(line) <= MAX_LINE
            and below is not None
            and words
            and (over or (blank and not line[0].isspace()))
            and not _PUNCTUATION.match(line)
            and len(below[0].rstrip()) >= len(words)
        ):
            style = (below[1], over)
            if style not in styles:
                styles.append(style)
            found.levels.append(styles.index(style) + 1)
            found.headings.append((at, words.replace("\\", "")))  # `extract\_msg` of Sphinx
        at += len(line) + 1
    return found


def _adoc(text: str) -> Outline:
    within = ""

    def heading(line: str) -> tuple[int, str] | None:
        nonlocal within
        if fence := _ADOC_BLOCK.match(line):
            within = "" if within == fence[1] else within or fence[1]
        known = None if within else _ADOC.match(line)
        return (len(known[1]), known[2]) if known else None

    found = _by_lines(text, heading)
    if text[:2] == "= " and (stated := _ADOC_DATE.search(text.partition("\n\n")[0])):
        found.date = parse(stated[1])
    return found


def _typst(text: str) -> Outline:
    fenced = False

    def heading(line: str) -> tuple[int, str] | None:
        nonlocal fenced
        if line.startswith("```"):
            fenced = not fenced
        known = None if fenced else _ADOC.match(line)
        return (len(known[1]), _TYPST_LABEL.sub("", known[2])) if known else None

    return _by_lines(text, heading)


def _org(text: str) -> Outline:
    def heading(line: str) -> tuple[int, str] | None:
        known = _ORG.match(_ORG_TAGS.sub("", line))
        return (len(known[1]), known[2].rstrip(" \t")) if known else None

    found = _by_lines(text, heading)
    for line in text[:MAX_START].split("\n"):
        if stated := _ORG_FIELD.match(line):
            if stated[1].upper() == "TITLE":
                found.title = stated[2]
            else:
                found.date = parse(stated[2].strip("<>[]"))
    return found


def _tex(text: str) -> Outline:
    titles = []

    def heading(line: str) -> tuple[int, str] | None:
        known = _TEX.match(line)
        if known is None:
            return None
        name = " ".join(_TEX_COMMAND.sub("", known[2].replace(r"\\", " ")).split())
        if known[1] == "title":
            titles.append(name)
            return None
        return (_TEX_LEVELS.index(known[1]) + 1, name) if name else None

    found = _by_lines(text, heading)
    found.title = titles[0] if titles else ""
    return found


def _wiki(text: str) -> Outline:
    def heading(line: str) -> tuple[int, str] | None:
        known = _WIKI.match(line)
        return (len(known[1]), known[2].rstrip(" \t")) if known else None

    return _by_lines(text, heading)


def _textile(text: str) -> Outline:
    def heading(line: str) -> tuple[int, str] | None:
        known = _TEXTILE.match(line)
        return (int(known[1]), known[2]) if known else None

    return _by_lines(text, heading)


_READERS: dict[str, Callable[[str], Outline]] = {
    **dict.fromkeys(markdown.SUFFIXES, markdown.outline),
    **dict.fromkeys((".rst", ".rest"), _rst), **dict.fromkeys((".adoc", ".asciidoc"), _adoc),
    ".org": _org, ".typ": _typst, **dict.fromkeys((".tex", ".latex", ".ltx"), _tex),
    **dict.fromkeys((".wiki", ".mediawiki"), _wiki), ".textile": _textile,
}  # fmt: skip
