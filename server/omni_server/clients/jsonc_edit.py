"""Changes one member of a JSON text and leaves every other character as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from omni_core.errors import BadRequestError
from omni_server.clients.jsonc_tree import Member, Node, comment_spans, parse

UNIT = "  "


def load(text: str, *, comments: bool = True) -> Any:
    """The values of `text`, the last of duplicates winning; raises BadRequestError."""
    return _value(text, parse(text, comments=comments))


def _value(text: str, node: Node) -> Any:
    if node.kind == "object":
        return {m.key: _value(text, m.value) for m in node.members}
    if node.kind == "array":
        return [_value(text, m.value) for m in node.members]
    return json.loads(text[node.start : node.end])


def put(text: str, path: Sequence[str], value: Any) -> str:
    """`text` with `value` at `path`; objects on the way are made. A blank text is an empty object.

    Where both the old and the new value are objects only what differs between them is written.
    Raises BadRequestError where the path is blocked or ambiguous.
    """
    if not text.strip():
        text = "{}" + (text[-1:] if text.endswith("\n") else "\n")
    node = parse(text)
    for depth, key in enumerate(path):
        if node.kind != "object":
            where = ".".join(path[:depth]) or "the file"
            raise BadRequestError(f"{where} is not an object, so nothing can be put into it")
        held = one(text, node, key)
        if held is None:
            for name in reversed(path[depth + 1 :]):
                value = {name: value}
            return _insert(text, node, key, value)
        node = held.value
    old = _value(text, node)
    if old == value:
        return text
    if isinstance(old, Mapping) and isinstance(value, Mapping) and old:
        for gone in old.keys() - value.keys():
            text = drop(text, [*path, gone])
        for name, part in value.items():
            if name not in old or old[name] != part:
                text = put(text, [*path, name], part)
        return text
    return (
        text[: node.start] + _render(text, value, _indent_at(text, node.start)) + text[node.end :]
    )


def drop(text: str, path: Sequence[str]) -> str:
    """`text` without the member at `path`, its comma and a comment that ends its last line."""
    node = parse(text)
    for key in path[:-1]:
        held = one(text, node, key) if node.kind == "object" else None
        if held is None:
            return text
        node = held.value
    member = one(text, node, path[-1]) if node.kind == "object" else None
    return text if member is None else _remove(text, node, member)


def one(text: str, node: Node, key: str) -> Member | None:
    """The member `key` of an object; None without one, BadRequestError for two."""
    found = node.find(key)
    if len(found) > 1:
        lines = " and ".join(str(line_of(text, m.start)) for m in found)
        raise BadRequestError(f"{key!r} stands there twice, on lines {lines}: take one out")
    return found[0] if found else None


def line_of(text: str, at: int) -> int:
    """The line, from 1, of a character."""
    return text.count("\n", 0, at) + 1


def _insert(text: str, node: Node, key: str, value: Any) -> str:
    close = node.end - 1
    inner = len(text[:close].rstrip())  # after the last value or comment
    inner = max(inner, node.start + 1)
    one_line = "\n" not in text[node.start : node.end]
    if one_line and (node.members or _compact(text)):
        member = f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}"
        lead = "" if not node.members else " " if node.trailing_comma else ", "
        return text[:inner] + lead + member + text[inner:]
    outer = _indent_at(text, node.start)
    indent = _own_indent(text, node) or outer + _unit(text)
    line = _newline(text)
    body = f"{line}{indent}{json.dumps(key)}: {_render(text, value, indent)}"
    tail = text[inner:]
    if "\n" not in text[inner:close]:
        tail = f"{line}{outer}{text[close:]}"
    if not node.members:
        return text[:inner] + body + tail
    if node.trailing_comma:
        return text[:inner] + body + "," + tail
    last = node.members[-1].value.end
    return text[:last] + "," + text[last:inner] + body + tail


def _remove(text: str, node: Node, member: Member) -> str:
    index = node.members.index(member)
    before = node.members[index - 1] if index else None
    after = index + 1 < len(node.members)
    start = member.start
    end = member.value.end if member.comma is None else member.comma + 1
    line_start = text.rfind("\n", 0, start) + 1
    rest = re.compile(r"[ \t]*(//[^\n]*)?(?=\r?\n)").match(text, end)
    own_lines = not text[line_start:start].strip() and rest is not None
    if own_lines and rest is not None:
        start = line_start - (2 if text[line_start - 2 : line_start] == "\r\n" else 1)
        end = rest.end()
    elif after:
        end = node.members[index + 1].start
    else:
        start = before.value.end if before else start
        before = None
    kept = text[:start] + text[end:]
    if before is not None and before.comma is not None and not after and member.comma is None:
        kept = kept[: before.comma] + kept[before.comma + 1 :]
    if len(node.members) == 1:
        open_at = node.start
        closed = kept.index("}", start) if start < len(kept) else -1
        if closed > open_at and not kept[open_at + 1 : closed].strip():
            kept = kept[: open_at + 1] + kept[closed:]
    return kept


def _render(text: str, value: Any, indent: str) -> str:
    """`value` as the lines of this file would be written, the first one without indentation."""
    if _compact(text):
        return json.dumps(value, ensure_ascii=False)
    lines = json.dumps(value, ensure_ascii=False, indent=_unit(text)).split("\n")
    return (_newline(text) + indent).join(lines)


def _compact(text: str) -> bool:
    """Whether the file is one line with something in it."""
    return "\n" not in text.strip() and text.strip() != "{}"


def _unit(text: str) -> str:
    """One step of indentation: that of the first indented line outside comments."""
    comments = list(comment_spans(text))
    for match in re.finditer(r"^([ \t]+)(?=[\"}\]\[{])", text, re.M):
        if not any(a <= match.start() < b for a, b in comments):
            return match.group(1)
    return UNIT


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _indent_at(text: str, at: int) -> str:
    start = text.rfind("\n", 0, at) + 1
    return text[start : start + len(text[start:]) - len(text[start:].lstrip(" \t"))]


def _own_indent(text: str, node: Node) -> str:
    """The indentation of the first member that begins a line."""
    for member in node.members:
        indent = _indent_at(text, member.start)
        if text[: member.start].endswith("\n" + indent):
            return indent
    return ""
