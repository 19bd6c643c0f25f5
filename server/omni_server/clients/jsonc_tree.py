"""Parses JSON text with comments and trailing commas, keeping the offsets of every value.

The standard parser gives values without places, and writing its values back loses comments, order
of duplicates and indentation. This one gives character offsets, so that an edit touches only its
own span. No Python library was found that does that without Node or a grammar compiler.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NoReturn

from omni_core.errors import BadRequestError

MAX_DEPTH = 200
MAX_NUMBER = 1000
"""Characters of a number; Python makes no integer of more than 4,300 digits."""
_SPACE = re.compile(r"[ \t\r\n]+")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_SCALAR = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null")


@dataclass(slots=True)
class Node:
    """A value and the characters `start` to `end` (exclusive) that it takes."""

    kind: Literal["object", "array", "scalar"]
    start: int
    end: int = 0
    members: list[Member] = field(default_factory=list)
    """Of an object, in order, duplicates included; of an array, with empty keys."""
    trailing_comma: bool = False

    def find(self, key: str) -> list[Member]:
        """The members of that name; more than one when the text says it twice."""
        return [m for m in self.members if m.key == key]


@dataclass(slots=True)
class Member:
    """`"key": value`; `start` is where the key begins, `comma` the offset of the comma after it."""

    key: str
    start: int
    value: Node
    comma: int | None = None


def parse(text: str, *, comments: bool = True) -> Node:
    """The tree of `text`; raises BadRequestError with its line, from 1.

    `comments=False` refuses comments and trailing commas, as a strict reader does.
    """
    reader = _Reader(text, comments)
    node = reader.value(0)
    reader.skip()
    if reader.at < len(text):
        reader.fail("there is something after the end of the value")
    return node


class _Reader:
    def __init__(self, text: str, comments: bool) -> None:
        self.text = text
        self.comments = comments
        self.at = 0

    def fail(self, what: str) -> NoReturn:
        raise BadRequestError(f"line {self.text.count(chr(10), 0, self.at) + 1}: {what}")

    def skip(self) -> None:
        while True:
            if space := _SPACE.match(self.text, self.at):
                self.at = space.end()
            elif comment := _COMMENT.match(self.text, self.at):
                if not self.comments:
                    self.fail("a comment, which this client's reader does not take")
                self.at = comment.end()
            else:
                return

    def peek(self) -> str:
        self.skip()
        return self.text[self.at : self.at + 1]

    def string(self) -> str:
        match = _STRING.match(self.text, self.at)
        if match is None:
            self.fail("text in double quotes is expected")
        try:
            value = str(json.loads(match.group()))
        except ValueError:
            self.fail("a backslash escape that JSON does not have")
        self.at = match.end()
        return value

    def value(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            self.fail("it is nested too deeply")
        first = self.peek()
        if first in ("{", "["):
            return self.container("}" if first == "{" else "]", depth)
        node = Node("scalar", self.at)
        if first == '"':
            self.string()
        elif match := _SCALAR.match(self.text, self.at):
            if match.end() - match.start() > MAX_NUMBER:
                self.fail(f"a number of more than {MAX_NUMBER:,} characters")
            self.at = match.end()
        else:
            self.fail("a value is expected" if first else "it ends too early")
        node.end = self.at
        return node

    def container(self, closing: str, depth: int) -> Node:
        node = Node("object" if closing == "}" else "array", self.at)
        self.at += 1
        while (first := self.peek()) != closing:
            if not first:
                self.fail(f"it ends before {closing}")
            if node.members and node.members[-1].comma is None:
                self.fail("a comma is missing before this")
            start, key = self.at, ""
            if closing == "}":
                key = self.string()
                if self.peek() != ":":
                    self.fail("a colon is expected after the name")
                self.at += 1
            member = Member(key, start, self.value(depth + 1))
            node.members.append(member)
            if self.peek() == ",":
                member.comma = self.at
                self.at += 1
        node.trailing_comma = bool(node.members) and node.members[-1].comma is not None
        if node.trailing_comma and not self.comments:
            self.fail(
                "a comma before the closing bracket, which this client's reader does not take"
            )
        self.at += 1
        node.end = self.at
        return node


def comment_spans(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of every comment of a text that `parse` takes."""
    at = 0
    while at < len(text):
        match = _STRING.match(text, at)
        if match is None and (match := _COMMENT.match(text, at)):
            yield match.span()
        at = match.end() if match else at + 1
