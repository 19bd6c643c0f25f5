"""Markdown: headings outside code, and the front matter's title and date."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from omni_core.media.dates import parse

SUFFIXES = (".md", ".markdown", ".mdown", ".mkd", ".mdx", ".qmd", ".rmd")
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_FRONT = {"---": ("---", "..."), "+++": ("+++",)}
"""The line that opens front matter (YAML, TOML), and those that close it."""
_FIELD = re.compile(r"(title|date)[ \t]*[:=][ \t]*(.+?)[ \t]*$", re.I)
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


def outline(text: str) -> Outline:
    """Title, date and headings; lines inside fenced code are none of these."""
    found = Outline()
    lines = text.split("\n")
    first = _front_matter(lines, found)
    at = sum(len(line) + 1 for line in lines[:first])
    fence, before = "", ""
    for line in lines[first:]:
        begins = _FENCE.match(line)
        if fence:
            if begins and begins[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
            before = ""
        elif begins:
            fence, before = begins[1], ""
        elif heading := _HEADING.match(line):
            found.headings.append((at, heading[2]))
            found.levels.append(len(heading[1]))
            before = ""
        elif before.strip() and (under := _UNDERLINE.match(line)):
            found.headings.append((at - len(before) - 1, before.strip()))
            found.levels.append(1 if under[1][0] == "=" else 2)
            before = ""
        else:  # a list, a quotation or a table is no heading for the rule below it
            before = "" if re.match(r"\s*([-*+>|]|\d+[.)])|\s{4}|\t", line) else line
        at += len(line) + 1
    return found


def _front_matter(lines: list[str], found: Outline) -> int:
    """Read the front matter into `found`; returns the number of its lines, 0 without one."""
    closing = _FRONT.get(lines[0].lstrip("\ufeff").rstrip())
    if closing is None:
        return 0
    end = next((i for i, line in enumerate(lines[1:MAX_FRONT_LINES], 1)
                if line.rstrip() in closing), 0)  # fmt: skip
    for line in lines[1:end]:
        if entry := _FIELD.match(line):
            value = entry[2].strip("\"'")
            if entry[1].lower() == "title":
                found.title = value
            else:
                found.date = parse(value)
    return end + 1 if end else 0
