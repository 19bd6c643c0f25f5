"""Reads, sets and removes one entry in the text of a configuration file; the rest stays as is."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from typing import Any, Protocol

import tomlkit
from tomlkit.exceptions import TOMLKitError

from omni_core.errors import BadRequestError, OmniError
from omni_server.clients import jsonc_edit, jsonc_tree, toml_sections
from omni_server.clients.forms import Entry


class CannotEditError(OmniError):
    """The change would lose other content of the file; the user makes it from the snippet."""

    code = "CANNOT_EDIT"


class Document(Protocol):
    """Entries in a file format; every method raises BadRequestError naming the line."""

    def entries(self, text: str) -> dict[str, Entry]:
        """Every server in the file; blank text holds none."""

    def data(self, text: str) -> dict[str, Any]:
        """Everything in the file."""

    def put(self, text: str, name: str, entry: Entry) -> str:
        """The text with that entry."""

    def drop(self, text: str, name: str) -> str:
        """The text without it."""

    def snippet(self, name: str, entry: Entry) -> str:
        """A file with that entry alone, for people to paste from."""


class Json:
    """An object of servers under `key`; `comments` where the client reads them."""

    def __init__(self, key: str, *, comments: bool) -> None:
        self.key = key
        self.comments = comments

    def entries(self, text: str) -> dict[str, Entry]:
        """See Document."""
        if not text.strip():
            return {}
        tree = jsonc_tree.parse(text, comments=self.comments)
        if tree.kind != "object":
            raise BadRequestError("line 1: the file is not an object in braces")
        servers = jsonc_edit.one(text, tree, self.key)
        if servers is None:
            return {}
        if servers.value.kind != "object":
            line = jsonc_edit.line_of(text, servers.start)
            raise BadRequestError(f"line {line}: {self.key} is not an object in braces")
        for member in servers.value.members:
            jsonc_edit.one(text, servers.value, member.key)
        return _tables(jsonc_edit.load(text)[self.key])

    def data(self, text: str) -> dict[str, Any]:
        """See Document."""
        return dict(jsonc_edit.load(text, comments=self.comments)) if text.strip() else {}

    def comments_of(self, text: str) -> Counter[str]:
        """Every comment in the text."""
        return Counter(text[a:b].strip() for a, b in jsonc_tree.comment_spans(text))

    def put(self, text: str, name: str, entry: Entry) -> str:
        """See Document."""
        self.entries(text)
        return _checked(self, text, jsonc_edit.put(text, [self.key, name], entry), name, entry)

    def drop(self, text: str, name: str) -> str:
        """See Document."""
        self.entries(text)
        return _checked(self, text, jsonc_edit.drop(text, [self.key, name]), name, None)

    def snippet(self, name: str, entry: Entry) -> str:
        """See Document."""
        return json.dumps({self.key: {name: entry}}, indent=2, ensure_ascii=False) + "\n"


class Toml:
    """A table of servers under `key`."""

    def __init__(self, key: str) -> None:
        self.key = key

    def entries(self, text: str) -> dict[str, Entry]:
        """See Document."""
        try:
            servers = tomllib.loads(text).get(self.key, {})
        except tomllib.TOMLDecodeError as e:
            raise BadRequestError(f"it is not TOML: {e}") from None
        if not isinstance(servers, dict):
            raise BadRequestError(f"{self.key} is not a table")
        return _tables(servers)

    def data(self, text: str) -> dict[str, Any]:
        """See Document."""
        return tomllib.loads(text)

    def comments_of(self, text: str) -> Counter[str]:
        """What follows the last # of a line outside quotes, as far as that can be told."""
        return Counter(c.strip() for c in re.findall(r"#[^\"'#\r\n]*$", text, re.M))

    def put(self, text: str, name: str, entry: Entry) -> str:
        """See Document. A new entry is appended, so that no comment is separated from its table."""
        old = self.entries(text).get(name)
        if old == entry:
            return text
        if old is None:
            line = "\r\n" if "\r\n" in text else "\n"
            gap = "" if not text else line if text.endswith("\n") else line * 2
            new = text + gap + self.snippet(name, entry).replace("\n", line)
        else:
            new = _lines_of(text, self._updated(text, name, entry))
        return _checked(self, text, new, name, entry)

    def _updated(self, text: str, name: str, entry: Entry) -> str:
        document = self._parse(text)
        held = document[self.key][name]
        for gone in held.keys() - entry.keys():
            del held[gone]
        held.update({k: v for k, v in entry.items() if k not in held or held[k] != v})
        return tomlkit.dumps(document)

    def drop(self, text: str, name: str) -> str:
        """See Document."""
        if name not in self.entries(text):
            return text
        new = toml_sections.drop(text, (self.key, name))
        if new == text:  # it is no section of its own
            document = self._parse(text)
            del document[self.key][name]
            new = _lines_of(text, tomlkit.dumps(document))
        return _checked(self, text, new, name, None)

    def snippet(self, name: str, entry: Entry) -> str:
        """See Document."""
        return tomlkit.dumps({self.key: {name: entry}})

    def _parse(self, text: str) -> tomlkit.TOMLDocument:
        try:
            return tomlkit.parse(text)
        except TOMLKitError as e:
            raise BadRequestError(f"it is not TOML: {e}") from None


def _tables(servers: Mapping[str, Any]) -> dict[str, Entry]:
    """The entries that are objects; another value is an entry without anything in it."""
    return {name: dict(e) if isinstance(e, Mapping) else {} for name, e in servers.items()}


def _lines_of(old: str, new: str) -> str:
    """`new` with the line ends of `old`."""
    return new.replace("\r\n", "\n").replace("\n", "\r\n") if "\r\n" in old else new


def _checked(held: Json | Toml, old: str, new: str, name: str, entry: Entry | None) -> str:
    """`new`, when it says what it should and everything else as before; else CannotEditError."""
    problem = "it cannot be changed without touching other things in it"
    try:
        if held.entries(new).get(name) != entry or _rest(held, new, name) != _rest(held, old, name):
            raise CannotEditError(problem)
    except BadRequestError as e:
        raise CannotEditError(problem) from e
    if entry is not None and held.comments_of(old) - held.comments_of(new):
        raise CannotEditError("a comment inside the entry would be lost")
    return new


def _rest(held: Json | Toml, text: str, name: str) -> dict[str, Any]:
    """Everything in the file but one entry."""
    data = held.data(text)
    servers = {k: v for k, v in data.pop(held.key, {}).items() if k != name}
    return data | ({held.key: servers} if servers else {})
