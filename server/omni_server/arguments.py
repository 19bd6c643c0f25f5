"""Lenient parsing of a call's arguments: clients and models write the same value differently.

Some send `null` for optional arguments, some (strict function calling) fill every argument with a
blank, some write a list or a number as a string. An unknown argument is always an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from mcp.server.mcpserver.tools import Tool
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from omni_core import limits
from omni_core.errors import BadRequestError
from omni_server.text import one_line

ALIASES = {"id": "ref", "segment_id": "ref"}
"""Accepted for `ref`: hits name their reference `id`, and models repeat that."""
NO_VALUE = ("", "null", "none", "undefined")
"""Values that models write for an absent argument that is not free text."""
_LARGEST = 1 << 63
_NO_MARKS = str.maketrans("", "", "'\"")
_BACKTICKS = str.maketrans("'\"", "``")
_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,3}):(\d{1,2}(?:\.\d+)?)")


def read(tool: Tool, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call, checked and converted; raises BadRequestError in one line.

    For an optional argument blank is absent: null, "", blanks, [], [""], a crop of zeros, an end
    of 0. Lists may be `"[\\"video\\"]"` or `"video, audio"`, numbers `"12:04"` or `"7"`.
    """
    known: Mapping[str, Any] = tool.parameters.get("properties", {})
    limits.check_count(tool.name, len(given), limits.ARGUMENTS, "arguments")
    required = tool.parameters.get("required", ())
    named = {_canonical_name(name, known, given): value for name, value in given.items()}
    unknown = [name for name in named if name not in known]
    if unknown:
        raise BadRequestError(
            f"{tool.name} has no argument {one_line(unknown[0], 40)!r}; it takes {', '.join(known)}"
        )
    for name, value in named.items():
        _check_size(tool.name, name, value, known[name])
    values = {n: _coerced(v, known[n]) for n, v in named.items() if v is not None}
    blank = [n for n, v in values.items() if _is_absent(n, v, known[n])]
    if needed := [n for n in blank if n in required]:
        raise BadRequestError(f"{needed[0]} is blank: {_taken(known[needed[0]])}")
    values = {n: v for n, v in values.items() if n not in blank}
    try:
        return tool.fn_metadata.validate_arguments(values)
    except ValidationError as e:
        problems = dict.fromkeys(_problem(err, known) for err in e.errors()[:3])
        raise BadRequestError(one_line("; ".join(problems))) from None


def _problem(error: ErrorDetails, known: Mapping[str, Any]) -> str:
    """What is wrong with one argument, and what it takes. Words of ours stand without quotation
    marks: what has them is taken for a stranger's (`omni_server.text.Fence.written`)."""
    name = str(error["loc"][0])
    if error["type"] == "missing":
        return f"{name} is missing: {_taken(known[name])}"
    if error["type"] == "string_pattern_mismatch":
        return f"{name} takes only: {_taken(known[name])}, as list_sources gives it"
    if error["type"] == "literal_error":
        return f"{name} takes {error['ctx']['expected'].translate(_NO_MARKS)}"
    return f"{'.'.join(str(part) for part in error['loc'])}: {error['msg']}"


def _taken(schema: Mapping[str, Any]) -> str:
    """What an argument takes, by its description."""
    text: str = schema["description"]
    return text.translate(_BACKTICKS)


def longest(tool: str, name: str, schema: Mapping[str, Any]) -> int:
    """Most characters of an argument, or of each entry of a list."""
    own = limits.OF_TOOLS.get(f"{tool}.{name}", limits.OF_TOOLS.get(name))
    if own is None:
        own = limits.NUMBER if _rejects_free_text(schema) else limits.ANY_TEXT
    return own


def _check_size(tool: str, name: str, value: Any, schema: Mapping[str, Any]) -> None:
    """Raise BadRequestError for what is too much, before anything is done with it."""
    most = longest(tool, name, schema)
    if isinstance(value, str):
        whole_list = schema.get("type") == "array"
        limits.check_text(name, value, most * limits.ENTRIES if whole_list else most)
    elif isinstance(value, list):
        limits.check_count(name, len(value), limits.ENTRIES)
        for entry in value:
            if not isinstance(entry, str | int | float | None):
                raise BadRequestError(f"{name} is a list of plain values, not of lists or objects")
            if isinstance(entry, str):
                limits.check_text(f"an entry of {name}", entry, most)
    elif isinstance(value, dict):
        raise BadRequestError(f"{name} takes a plain value, not an object")
    elif isinstance(value, int) and abs(value) > _LARGEST:
        raise BadRequestError(f"{name} is a number out of range")


def _canonical_name(name: str, known: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    """The canonical name; an alias is used only where the argument itself is not given."""
    meant = ALIASES.get(name, name)
    return meant if name not in known and meant in known and meant not in given else name


def _is_absent(name: str, value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether a value counts as absent."""
    if isinstance(value, str) and value.strip().lower() in (
        NO_VALUE if _rejects_free_text(schema) else ("",)
    ):
        return True
    if isinstance(value, list):
        return not value or (name == "crop" and all(_is_zero(v) for v in value))
    return name == "end" and _is_zero(value)  # a range that ends at 0 would be empty


def _is_zero(value: Any) -> bool:
    return str(value).strip() in ("0", "0.0")


def _rejects_free_text(schema: Mapping[str, Any]) -> bool:
    """Whether the argument takes no free text: numbers, booleans, lists, enumerations."""
    return schema.get("type") != "string" or "enum" in schema


def _coerced(value: Any, schema: Mapping[str, Any]) -> Any:
    kind = schema.get("type")
    if kind == "array":
        return _list(value)
    if not isinstance(value, str):
        return value
    text = value.strip()
    if kind == "number" and (clock := _CLOCK.fullmatch(text)):
        hours, minutes, seconds = clock.groups()
        return int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds)
    return value if kind == "string" and "enum" not in schema else text


def _list(value: Any) -> Any:
    """A list without blank entries; text that is no list is left to validation."""
    if isinstance(value, str):
        text = value.strip()
        if text.startswith("["):
            try:
                value = json.loads(text)
            except (ValueError, RecursionError):
                return value
        else:
            value = text.split(",")
    entries = value if isinstance(value, list) else [value]
    kept = [e.strip() if isinstance(e, str) else e for e in entries if e is not None]
    return [e for e in kept if not isinstance(e, str) or e.lower() not in NO_VALUE]
