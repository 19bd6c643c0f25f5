"""What tools take and give, as JSON Schema: flat, without titles, nulls or references.

Clients differ: some reject `$ref`, some a union at the root, some send `null` for what is
optional, some a list as a string. So the advertised schema is the plainest one, and the calls
are read generously (`arguments`), except that an unknown argument is always an error.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from typing import Any, Literal, NotRequired

from mcp.server.mcpserver.tools import Tool
from pydantic import ValidationError
from typing_extensions import TypedDict

from omni_core.errors import BadRequestError
from omni_server.text import one_line


class Hit(TypedDict):
    """One moment of a search."""

    id: str
    cite: str
    kind: Literal["video", "audio", "image", "document"]
    start_s: NotRequired[float]
    end_s: NotRequired[float]
    page: NotRequired[int]
    match: Literal["strong", "fair", "weak"]
    why: list[str]
    text: NotRequired[str]
    also_at: NotRequired[list[str]]
    partial: NotRequired[str]
    score: NotRequired[float]


class Searched(TypedDict):
    """How much was looked at."""

    sources: int
    segments: int


class SearchOut(TypedDict):
    """The answer of `search` and `similar_to`."""

    hits: list[Hit]
    searched: Searched
    when_resolved: NotRequired[str]
    note: NotRequired[str]
    nearest: NotRequired[Hit]
    next_cursor: NotRequired[str]


class Failure(TypedDict):
    """One file of a folder that could not be read."""

    file: str
    error: str


class IngestOut(TypedDict):
    """Where an ingest stands."""

    source_id: NotRequired[str]
    state: Literal["queued", "processing", "ready", "partial", "failed"]
    progress: float
    stage: NotRequired[str]
    segments: NotRequired[int]
    duration_s: NotRequired[float]
    pages: NotRequired[int]
    recorded_at: NotRequired[str]
    recorded_at_from: NotRequired[str]
    duplicate_of: NotRequired[str]
    warnings: NotRequired[list[str]]
    retry_in_s: NotRequired[int]
    files_total: NotRequired[int]
    files_done: NotRequired[int]
    skipped: NotRequired[int]
    failed: NotRequired[list[Failure]]


class SourceOut(TypedDict):
    """One source of the library."""

    id: str
    title: str
    kind: Literal["video", "audio", "image", "document"]
    state: Literal["queued", "processing", "ready", "partial", "failed"]
    segments: int
    duration_s: NotRequired[float]
    pages: NotRequired[int]
    recorded_at: NotRequired[str]


class SourcesOut(TypedDict):
    """The answer of `list_sources`."""

    sources: list[SourceOut]
    total: int
    next_cursor: NotRequired[str]


class CheckOut(TypedDict):
    """The answer of `check_citation`."""

    verdict: Literal["found", "partly", "not_found"]
    ratio: float
    best: NotRequired[str]
    elsewhere: NotRequired[list[str]]


class DeleteOut(TypedDict):
    """What `delete_source` removed."""

    deleted: str
    title: str
    segments: int


def plain(schema: Mapping[str, Any], *, nulls: bool = False) -> dict[str, Any]:
    """The schema with references inlined, and titles, descriptions of types and nulls dropped."""
    return _plain(schema, schema.get("$defs", {}), nulls)  # type: ignore[no-any-return]


def _plain(node: Any, defs: Mapping[str, Any], nulls: bool) -> Any:
    if isinstance(node, list):
        return [_plain(item, defs, nulls) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        name = str(node["$ref"]).removeprefix("#/$defs/")
        inlined = {k: v for k, v in defs[name].items() if k != "description"}
        node = {**copy.deepcopy(inlined), **{k: v for k, v in node.items() if k != "$ref"}}
    out: dict[str, Any] = {}
    for key, value in node.items():
        if key == "properties":
            out[key] = {name: _plain(each, defs, nulls) for name, each in value.items()}
        elif key == "default" and value in ("", None, [], ()):
            continue
        elif key not in ("$defs", "title"):
            out[key] = _plain(value, defs, nulls)
    arms = [arm for arm in out.get("anyOf", ()) if arm != {"type": "null"}]
    if not nulls and len(arms) == 1:
        out = {**arms[0], **{k: v for k, v in out.items() if k != "anyOf"}}
    return out


def tighten(tool: Tool) -> None:
    """Make the advertised schemas of `tool` plain; unknown arguments become errors."""
    tool.parameters = plain(tool.parameters) | {"additionalProperties": False}
    output = tool.fn_metadata.output_schema
    if output is not None:
        slim = plain(output)
        slim.pop("description", None)
        tool.fn_metadata.output_schema = slim


def arguments(tool: Tool, given: Mapping[str, Any]) -> dict[str, Any]:
    """The caller's arguments, checked and converted; raises BadRequestError in one line.

    Read generously: null is absent, `"[\\"video\\"]"` and `"video, audio"` are lists, `"12:04"`
    and `"7"` are numbers.
    """
    known: Mapping[str, Any] = tool.parameters.get("properties", {})
    unknown = [name for name in given if name not in known]
    if unknown:
        raise BadRequestError(
            f"{tool.name} has no argument {one_line(unknown[0], 40)!r}; it takes {', '.join(known)}"
        )
    read = {n: _generous(v, known[n].get("type")) for n, v in given.items() if v is not None}
    try:
        return tool.fn_metadata.validate_arguments(read)
    except ValidationError as e:
        problems = "; ".join(
            f"{'.'.join(str(p) for p in err['loc'])}: {err['msg']}" for err in e.errors()[:3]
        )
        raise BadRequestError(one_line(problems)) from None


_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,3}):(\d{1,2}(?:\.\d+)?)")


def _generous(value: Any, kind: str | None) -> Any:
    if not isinstance(value, str):
        return [value] if kind == "array" and not isinstance(value, list) else value
    text = value.strip()
    if kind == "array":
        if text.startswith("["):
            try:
                return json.loads(text)
            except (ValueError, RecursionError):
                return value
        return [part.strip() for part in text.split(",") if part.strip()]
    if kind == "number" and (clock := _CLOCK.fullmatch(text)):
        hours, minutes, seconds = clock.groups()
        return int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds)
    return value
