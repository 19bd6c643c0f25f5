"""The tools in the forms of the OpenAI and Anthropic APIs, and calls made in those forms."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from mcp.server.mcpserver.tools import Tool

from omni_server.app import all_tools
from omni_server.arguments import read
from omni_server.function_calling import anthropic, openai, openai_responses, strict

FILES = Path(__file__).parents[2] / "tools_schema"


@pytest.fixture(params=all_tools(), ids=lambda tool: tool.name)
def tool(request: pytest.FixtureRequest) -> Tool:
    given: Tool = request.param
    return given


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for key, value in node.items():
            yield from _nodes(list(value.values()) if key == "properties" else value)
    elif isinstance(node, list):
        for value in node:
            yield from _nodes(value)


def test_a_strict_schema_holds_only_what_strict_mode_takes(tool: Tool) -> None:
    schema = openai(tool)["function"]["parameters"]
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["required"] == list(schema["properties"]) == list(tool.parameters["properties"])
    for node in _nodes(schema):
        assert set(node) <= {
            "type", "properties", "required", "additionalProperties", "items", "enum", "description"
        }  # fmt: skip
        if node["type"] == "object":
            assert node["additionalProperties"] is False


def test_only_optional_arguments_may_be_null(tool: Tool) -> None:
    needed = set(tool.parameters["required"]) if "required" in tool.parameters else set()
    for name, node in strict(tool.parameters)["properties"].items():
        assert ("null" in node["type"]) is (name not in needed), name
        assert (None in node.get("enum", [None])) or name in needed
        assert ("null: " in node["description"]) is (name not in needed)


def test_names_and_descriptions_are_those_of_the_tools(tool: Tool) -> None:
    function = openai(tool)["function"]
    assert openai_responses(tool) == {"type": "function", **function}
    assert anthropic(tool)["input_schema"] == tool.parameters
    for form in (function, anthropic(tool)):
        assert (form["name"], form["description"]) == (tool.name, tool.description)
    assert function["strict"] is True


def _example(node: dict[str, Any]) -> Any:
    """A value that a schema takes."""
    if "enum" in node:
        return node["enum"][0]
    kind = node["type"]
    if kind == "array":
        return [_example(node["items"])] * node.get("minItems", 1)
    if kind in ("number", "integer"):
        return node.get("minimum", 0)
    return {"string": "x", "boolean": True}[kind]


BLANKS: dict[str, Any] = {"string": "", "array": []}


@pytest.mark.parametrize("blank", [True, False], ids=["blank", "null"])
def test_a_call_with_every_argument_filled_in_means_only_those_that_say_something(
    tool: Tool, blank: bool
) -> None:
    """Strict mode fills every argument: null, or a blank, counts as not given."""
    properties = tool.parameters["properties"]
    given = {
        n: "src_" + "a" * 16 if n == "source" else _example(properties[n])
        for n in tool.parameters.get("required", ())
    }
    filled = {
        n: given.get(n, BLANKS.get(p["type"]) if blank and "enum" not in p else None)
        for n, p in properties.items()
    }
    jsonschema.validate(
        {n: None if v in ("", []) else v for n, v in filled.items()}, strict(tool.parameters)
    )
    assert read(tool, filled) == read(tool, given)


def test_limits_and_defaults_are_said_in_words() -> None:
    (search,) = (t for t in all_tools() if t.name == "search")
    properties = strict(search.parameters)["properties"]
    assert properties["limit"]["description"] == "How many. 1 to 20. null: 6"
    assert properties["order"]["enum"] == [
        *("relevance", "newest", "oldest", "first", "last", None)
    ]
    assert properties["modality"]["type"] == ["array", "null"]
    (listing,) = (t for t in all_tools() if t.name == "list_sources")
    assert "" not in strict(listing.parameters)["properties"]["state"]["enum"]
    (opening,) = (t for t in all_tools() if t.name == "get_segment")
    crop = strict(opening.parameters)["properties"]["crop"]
    assert "exactly 4" in crop["description"]


@pytest.mark.parametrize("name", ["openai", "openai_responses", "anthropic"])
def test_the_files_hold_every_tool(name: str) -> None:
    held = json.loads((FILES / f"{name}.json").read_text(encoding="utf-8"))
    names = [(t.get("function") or t)["name"] for t in held]
    assert names == [t.name for t in all_tools()]
