"""What clients are told about the tools: plain enough for all of them, short enough to load."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp.server.mcpserver.tools import Tool

from omni_core.errors import BadRequestError
from omni_core.settings import Settings
from omni_server import schema_export
from omni_server.app import INSTRUCTIONS, all_tools
from omni_server.arguments import read
from omni_server.text import tokens

DEFAULT = (
    "ingest_media", "search", "get_segment", "similar_to", "list_sources", "read_source"
)  # fmt: skip
REPO = Path(__file__).parents[2]


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Every schema inside a schema; a property may well be named `title`."""
    if isinstance(node, dict):
        yield node
        for key, value in node.items():
            yield from _nodes(list(value.values()) if key == "properties" else value)
    elif isinstance(node, list):
        for value in node:
            yield from _nodes(value)


@pytest.fixture(params=all_tools(), ids=lambda tool: tool.name)
def tool(request: pytest.FixtureRequest) -> Tool:
    chosen: Tool = request.param
    return chosen


def test_input_schemas_are_flat_closed_and_free_of_nulls(tool: Tool) -> None:
    schema = tool.parameters
    assert schema["type"] == "object"
    assert schema["properties"]
    assert schema["additionalProperties"] is False
    for node in _nodes(schema):
        assert not {"$ref", "$defs", "anyOf", "oneOf", "allOf", "title", "prefixItems"} & set(node)
        assert node.get("type") != "null"
        assert "default" not in node or node["default"] not in (None, "", [])


def test_output_schemas_are_objects_without_references_or_nulls(tool: Tool) -> None:
    if tool.output_schema is None:
        return
    assert tool.output_schema["type"] == "object"
    for node in _nodes(tool.output_schema):
        assert not {"$ref", "$defs", "anyOf", "oneOf", "allOf", "title"} & set(node)


def test_tools_that_return_pictures_or_long_text_have_no_output_schema() -> None:
    without = {t.name for t in all_tools() if t.output_schema is None}
    assert without == {"get_segment", "read_source"}


def test_every_parameter_is_described_in_at_most_fifteen_words(tool: Tool) -> None:
    for name, node in tool.parameters["properties"].items():
        assert 1 <= len(node["description"].split()) <= 15, name


def test_names_and_descriptions_fit_every_client(tool: Tool) -> None:
    assert len("mcp__omni__" + tool.name) <= 60
    assert tool.name.replace("_", "").isalpha()
    assert len(tool.description) < 2000
    assert "\n" not in tool.description


def test_every_annotation_is_set(tool: Tool) -> None:
    hints = tool.annotations
    assert hints is not None
    assert None not in (
        hints.read_only_hint, hints.destructive_hint, hints.idempotent_hint, hints.open_world_hint
    )  # fmt: skip
    assert hints.read_only_hint == (tool.name not in ("ingest_media", "delete_source"))
    assert hints.destructive_hint == (tool.name == "delete_source")
    assert hints.open_world_hint is False


def test_the_default_tools_and_instructions_cost_at_most_1800_tokens() -> None:
    cost = tokens(INSTRUCTIONS)
    for tool in all_tools():
        if tool.name in DEFAULT:
            seen = {
                "name": tool.name,
                "description": tool.description,
                "input_schema": tool.parameters,
            }
            cost += tokens(json.dumps(seen, separators=(",", ":"), ensure_ascii=False))
    assert cost <= 1800


def test_all_tools_together_stay_within_1500_tokens() -> None:
    """By characters: `bench/tokens.py` measured 4.1 of them a token in these definitions."""
    seen = [
        {"name": t.name, "description": t.description, "input_schema": t.parameters}
        for t in all_tools()
    ]
    written = [json.dumps(each, separators=(",", ":"), ensure_ascii=False) for each in seen]
    assert sum(len(each) for each in written) <= 1500 * 4.1


def test_limits_that_are_not_advertised_are_kept(tool: Tool) -> None:
    for node in _nodes(tool.parameters):
        assert not {"minLength", "maxLength", "pattern"} & set(node)
    long = dict.fromkeys(("query", "quote", "exclude", "title"), "x" * 5000)
    for name in long.keys() & tool.parameters["properties"].keys():
        given = dict.fromkeys(tool.parameters.get("required", ()), "src_" + "a" * 16)
        with pytest.raises(BadRequestError, match=name):
            read(tool, {**given, name: long[name]})


def test_instructions_are_short_and_begin_with_what_and_when() -> None:
    assert len(INSTRUCTIONS) <= 1200
    assert "Use it whenever" in INSTRUCTIONS[:300]


def test_the_schema_files_are_what_the_tools_say() -> None:
    files = {p.name: p.read_text(encoding="utf-8") for p in (REPO / "tools_schema").glob("*.json")}
    assert files == schema_export.render_all(), "run `omni-mcp schema` to write tools_schema/ again"


async def test_tools_list_sends_what_the_schema_files_hold(connect: Any) -> None:
    async with connect() as client:
        listed = (await client.list_tools()).tools
    files = {name: json.loads(text) for name, text in schema_export.render_all().items()}
    assert {f"{t.name}.json" for t in listed} | set(schema_export.FORMS) == set(files)
    for tool in listed:
        assert tool.model_dump(by_alias=True, exclude_none=True) == files[f"{tool.name}.json"]


async def test_tools_behind_a_flag_are_not_listed_by_default(
    connect: Any, settings: Settings
) -> None:
    async with connect(Settings(store=settings.store, roots=settings.roots)) as client:
        listed = await client.list_tools()
    assert [t.name for t in listed.tools] == list(DEFAULT)


async def test_ingest_is_open_world_only_when_links_are_allowed(
    connect: Any, settings: Settings
) -> None:
    async with connect(Settings(store=settings.store, allow_urls=True)) as client:
        listed = {t.name: t for t in (await client.list_tools()).tools}
    assert listed["ingest_media"].annotations.open_world_hint is True


def test_writing_schemas_leaves_no_stale_file(tmp_path: Path) -> None:
    (tmp_path / "old_tool.json").write_text("{}")
    written = schema_export.write(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(p.name for p in written)
