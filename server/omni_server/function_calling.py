"""The tools in the forms of the OpenAI and Anthropic APIs, for agents that do not speak MCP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp.server.mcpserver.tools import Tool

KEPT = ("type", "enum", "items", "description")
"""Keywords that every strict API accepts; limits become part of the description."""


def anthropic(tool: Tool) -> dict[str, Any]:
    """A tool of the Messages API."""
    return {
        "name": tool.name,
        "description": tool.description,
        "input_schema": tool.parameters,
    }


def openai(tool: Tool) -> dict[str, Any]:
    """A strict function of the Chat Completions API, which many other servers speak as well."""
    return {"type": "function", "function": _function(tool)}


def openai_responses(tool: Tool) -> dict[str, Any]:
    """The same of the Responses API."""
    return {"type": "function", **_function(tool)}


def _function(tool: Tool) -> dict[str, Any]:
    return {
        "name": tool.name,
        "description": tool.description,
        "parameters": strict(tool.parameters),
        "strict": True,
    }


def strict(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a tool with every one required, and null for those that are optional.

    The server reads null, and blank as well, as an argument that was not given.
    """
    properties: Mapping[str, Any] = schema["properties"]
    needed = set(schema.get("required", ()))
    return {
        "type": "object",
        "properties": {n: _plain(p, optional=n not in needed) for n, p in properties.items()},
        "required": list(properties),
        "additionalProperties": False,
    }


def _plain(node: Mapping[str, Any], *, optional: bool) -> dict[str, Any]:
    out = {key: node[key] for key in KEPT if key in node}
    if "items" in out:
        out["items"] = _plain(out["items"], optional=False)
    words = [out["description"]] if "description" in out else []
    if limits := _limits(node):
        words.append(limits)
    if optional:
        default = node.get("default")
        words.append("null: not given" if default is None else f"null: {_word(default)}")
        out["type"] = [node["type"], "null"]
        if "enum" in node:
            out["enum"] = [*(v for v in node["enum"] if v != ""), None]
    if words:
        out["description"] = ". ".join(words)
    return out


def _limits(node: Mapping[str, Any]) -> str:
    """`1 to 20`, `at least 0`, `at most 5`; of numbers and of the length of lists."""
    least = node.get("minimum", node.get("minItems"))
    most = node.get("maximum", node.get("maxItems"))
    if least is not None and least == most:
        return f"exactly {most:g}"
    if least is not None and most is not None:
        return f"{least:g} to {most:g}"
    if least is not None:
        return f"at least {least:g}"
    return "" if most is None else f"at most {most:g}"


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
