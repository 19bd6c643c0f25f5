"""JSON Schemas of the tools' input and output: flat, without titles, nulls or references.

Clients differ: some reject `$ref`, some a union at the root. So the advertised schema is
the plainest one; `arguments` parses leniently what clients send.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Literal, NotRequired

from mcp.server.mcpserver.tools import Tool
from typing_extensions import TypedDict


class Hit(TypedDict):
    """One moment of a search."""

    id: str
    cite: str
    kind: Literal["video", "audio", "image", "document"]
    start_s: NotRequired[float]
    end_s: NotRequired[float]
    page: NotRequired[int]
    rects: NotRequired[list[list[float]]]
    frame_s: NotRequired[float]
    match: Literal["strong", "fair", "weak"]
    why: list[str]
    speaker: NotRequired[str]
    text: NotRequired[str]
    heading: NotRequired[str]
    recorded_at: NotRequired[str]
    recorded_at_from: NotRequired[str]
    also_at: NotRequired[list[str]]
    partial: NotRequired[str]
    missing_since: NotRequired[str]
    score: NotRequired[float]


class Searched(TypedDict):
    """How much was looked at."""

    sources: int
    segments: int
    pending: NotRequired[int]
    partial: NotRequired[int]


class SearchOut(TypedDict):
    """The answer of `search` and `similar_to`."""

    hits: list[Hit]
    searched: Searched
    when_resolved: NotRequired[str]
    read_as: NotRequired[str]
    count: NotRequired[int]
    at_least: NotRequired[bool]
    note: NotRequired[str]
    nearest: NotRequired[Hit]
    next_cursor: NotRequired[str]
    quoted: NotRequired[str]


class Failure(TypedDict):
    """One file of a folder that could not be read."""

    file: str
    error: str


class IngestOut(TypedDict):
    """The status of an ingest."""

    source_id: NotRequired[str]
    state: Literal["queued", "processing", "ready", "partial", "failed"]
    progress: float
    stage: NotRequired[str]
    segments: NotRequired[int]
    duration_s: NotRequired[float]
    pages: NotRequired[int]
    recorded_at: NotRequired[str]
    recorded_at_from: NotRequired[str]
    already: NotRequired[bool]
    changed: NotRequired[list[str]]
    duplicate_of: NotRequired[str]
    empty: NotRequired[str]
    warnings: NotRequired[list[str]]
    retry_in_s: NotRequired[int]
    files_total: NotRequired[int]
    files_done: NotRequired[int]
    skipped: NotRequired[int]
    failed: NotRequired[list[Failure]]
    quoted: NotRequired[str]


class SourceOut(TypedDict):
    """One source of the library."""

    id: str
    title: str
    kind: Literal["video", "audio", "image", "document"]
    state: Literal["queued", "processing", "ready", "partial", "failed"]
    segments: int
    empty: NotRequired[str]
    duration_s: NotRequired[float]
    pages: NotRequired[int]
    recorded_at: NotRequired[str]
    recorded_at_from: NotRequired[str]
    missing_since: NotRequired[str]


class UnderWay(TypedDict):
    """An ingest that runs or waits for its turn."""

    file: str
    state: Literal["queued", "processing", "ready", "partial", "failed"]
    stage: str
    progress: float
    segments: int
    files_done: NotRequired[int]
    files_total: NotRequired[int]


class SourcesOut(TypedDict):
    """The answer of `list_sources`."""

    sources: list[SourceOut]
    total: int
    ingests: NotRequired[list[UnderWay]]
    collections: NotRequired[dict[str, int]]
    quoted: NotRequired[str]
    next_cursor: NotRequired[str]


class PlaceOut(TypedDict):
    """Rectangles on a page, in a frame, or on an image: left, top, right, bottom, each 0 to 1."""

    page: NotRequired[int]
    frame_s: NotRequired[float]
    rects: list[list[float]]


class CheckOut(TypedDict):
    """The answer of `check_citation`."""

    verdict: Literal["found", "partly", "not_found"]
    ratio: float
    best: NotRequired[str]
    places: NotRequired[list[PlaceOut]]
    elsewhere: NotRequired[list[str]]
    quoted: NotRequired[str]


class DeleteOut(TypedDict):
    """What `delete_source` removed."""

    deleted: str
    title: str
    segments: int
    undo: NotRequired[str]
    quoted: NotRequired[str]


UNSAID_DEFAULTS: tuple[Any, ...] = ("", None, [], (), 0, "default", "relevance", "medium")
"""Not advertised: what leaving an argument out means anyhow (0 is false too)."""
UNSAID = ("$defs", "title", "minLength", "maxLength", "pattern")
"""Not advertised: a model seldom passes these limits, and the error that then names them costs less
than the limits do in every conversation (70 tokens)."""


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
        elif key == "default" and value in UNSAID_DEFAULTS:
            continue
        elif key not in UNSAID:
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
