"""Markdown: headings outside code, and the front matter's title and date."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass, field
from datetime import datetime

from omni_core.media.dates import parse
from omni_core.media.text.heading_marks import without_marks

SUFFIXES = (".md", ".markdown", ".mdown", ".mkd", ".mdx", ".qmd", ".rmd")
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(\S.*)")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_FRONT = {"---": ("---", "..."), "+++": ("+++",)}
"""The line that opens front matter (YAML, TOML), and those that close it."""
_FIELD = re.compile(r"(title|date)[ \t]*[:=][ \t]*(\S.*)", re.I)
_BLOCK = re.compile(r"[|>][-+\d]*(?:[ \t]+#.*)?$")
"""What stands in place of a value that follows on indented lines."""
_IN_QUOTES = re.compile(r"""(?:"((?:[^"\\]|\\.)*)"|'((?:[^']|'')*)')[ \t]*(?:#.*)?$""")
_REMARK = re.compile(r"[ \t]#.*$")
_TAG_HEADING = re.compile(r" {0,3}<h([1-6])\b[^<>]*>(.*?)</h\1[ \t]*>", re.I | re.S)
MAX_HEADING_LINES = 20
"""Lines of a heading that is written as HTML."""
_ALT = re.compile(r"<img\b[^<>]*?\balt=[\"']([^\"'<>]*)[^<>]*>", re.I)
MAX_FRONT_LINES = 200


@dataclass
class Outline:
    """What a Markdown text says of itself.

    title, date: of the front matter; "" and None without. headings: (first character, text).
    levels: of the headings, from 1.
    """

    title: str = ""
    date: datetime | None = None
    headings: list[tuple[int, str]] = field(default_factory=list)
    levels: list[int] = field(default_factory=list)

    def add(self, at: int, heading: str, level: int) -> None:
        """A heading as it is written, of which its reader's words are kept."""
        if words := without_marks(heading):
            self.headings.append((at, words))
            self.levels.append(level)


def outline(text: str) -> Outline:
    """Title, date and headings; lines inside fenced code are none of these."""
    found = Outline()
    lines = text.split("\n")
    first = _front_matter(lines, found)
    at = sum(len(line) + 1 for line in lines[:first])
    fence, before = "", ""
    for number, line in enumerate(lines[first:], first):
        begins = _FENCE.match(line)
        if fence:
            if begins and begins[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
            before = ""
        elif begins:
            fence, before = begins[1], ""
        elif heading := _HEADING.match(line):
            found.add(at, _without_closing(heading[2]), len(heading[1]))
            before = ""
        elif before.strip() and (under := _UNDERLINE.match(line)):
            found.add(at - len(before) - 1, before.strip(), 1 if under[1][0] == "=" else 2)
            before = ""
        elif tagged := _tag_heading(lines, number):
            found.add(at, tagged[1], tagged[0])
            before = ""
        else:  # a list, a quotation, a table or a tag is no heading for the rule below it
            before = "" if re.match(r"\s*([-*+>|<]|\d+[.)])|\s{4}|\t", line) else line
        at += len(line) + 1
    return found


def _without_closing(heading: str) -> str:
    """A heading without the signs that may close it behind a space; `C#` keeps its own."""
    words = heading.rstrip(" \t")
    name = words.rstrip("#")
    return name.rstrip(" \t") if name.endswith((" ", "\t")) else words


def _front_matter(lines: list[str], found: Outline) -> int:
    """Read the front matter into `found`; returns the number of its lines, 0 without one."""
    begins = lines[0].lstrip("\ufeff").rstrip()
    if begins == "{":
        return _json_front_matter(lines, found)
    closing = _FRONT.get(begins)
    if closing is None:
        return 0
    end = next((i for i, line in enumerate(lines[1:MAX_FRONT_LINES], 1)
                if line.rstrip() in closing), 0)  # fmt: skip
    for number, line in enumerate(lines[1:end], 1):
        if entry := _FIELD.match(line.rstrip()):
            value = _value(entry[2], lines[number + 1 : end])
            if entry[1].lower() == "title":
                found.title = value
            else:
                found.date = parse(value)
    return end + 1 if end else 0


def _json_front_matter(lines: list[str], found: Outline) -> int:
    """The same for front matter in JSON, which ends with a brace on a line of its own."""
    end = next((i for i, line in enumerate(lines[:MAX_FRONT_LINES]) if line.rstrip() == "}"), 0)
    try:
        value = json.loads("\n".join(lines[: end + 1]).lstrip("\ufeff"))
    except (ValueError, RecursionError):
        return 0
    if isinstance(value, dict):
        found.title = str(value.get("title") or "")
        found.date = parse(str(value.get("date") or ""))
    return end + 1


def _value(begins: str, following: list[str]) -> str:
    """A value without its quotes and the remark after it, with the indented lines that go on."""
    if quoted := _IN_QUOTES.match(begins):
        double, single = quoted.groups()
        return re.sub(r"\\(.)", r"\1", double) if double else (single or "").replace("''", "'")
    parts = [] if _BLOCK.match(begins) else [_REMARK.sub("", begins).rstrip().strip("\"'")]
    for line in following:
        if line.strip() and not line[0].isspace():
            break
        parts.append(line)
    return " ".join(" ".join(parts).split())


def _tag_heading(lines: list[str], number: int) -> tuple[int, str] | None:
    """Level and words of a heading that is written as HTML; the names of pictures are words."""
    if lines[number].lstrip(" ")[:2].lower() != "<h":
        return None
    m = _TAG_HEADING.match("\n".join(lines[number : number + MAX_HEADING_LINES]))
    words = re.sub(r"<[^<>]*>", " ", _ALT.sub(r" \1 ", m[2])) if m else ""
    name = " ".join(html.unescape(words).split())
    return (int(m[1]), name) if m and name else None
