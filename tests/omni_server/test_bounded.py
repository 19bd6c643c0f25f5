"""A share of what `bench/trust.py arguments` sends: every argument of every tool, in process."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from mcp.shared.exceptions import MCPError

from bench.hostile.calls import VALID, of_protocol, of_tools
from omni_core import limits
from omni_core.errors import BadRequestError
from omni_core.settings import Settings
from omni_server.app import all_tools, page_tools
from omni_server.arguments import longest, read
from omni_server.bounded import check
from omni_server.http.app import create_http
from tests.results import text

TOOLS = {tool.name: tool for tool in (*all_tools(), *page_tools())}
ARGUMENTS = [
    (tool.name, argument)
    for tool in TOOLS.values()
    for argument in tool.parameters.get("properties", {})
]
POST = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2026-07-28",
        "content-type": "application/json"}  # fmt: skip


def _given(tool: str, argument: str, value: Any) -> dict[str, Any]:
    required = TOOLS[tool].parameters.get("required", ())
    valid = {n: VALID.get(f"{tool}.{n}", VALID.get(n, "notes")) for n in required}
    return {**valid, argument: value}


@pytest.mark.parametrize(("tool", "argument"), ARGUMENTS)
@pytest.mark.parametrize(
    ("value", "words"),
    [
        (lambda most: "x" * (most + 1), "characters; at most"),
        (lambda most: "a\0b", "NUL"),
        (lambda most: "a\ud800b", "surrogate"),
        (lambda most: {"a": 1}, "not an object"),
        (lambda most: ["a"] * 21, "21 entries"),
        (lambda most: [["a"]], "plain values"),
    ],
)
def test_too_much_in_any_argument_is_one_line_that_names_it(
    tool: str, argument: str, value: Any, words: str
) -> None:
    schema = TOOLS[tool].parameters["properties"][argument]
    most = longest(tool, argument, schema)
    if schema.get("type") == "array":
        most *= limits.ENTRIES
    with pytest.raises(BadRequestError, match=words) as refused:
        read(TOOLS[tool], _given(tool, argument, value(most)))
    assert argument in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300


def test_more_arguments_than_any_tool_has_are_refused() -> None:
    with pytest.raises(BadRequestError, match="search has 41 arguments"):
        read(TOOLS["search"], {f"a{n}": 1 for n in range(41)})


async def test_a_model_that_pastes_a_document_into_an_argument_is_told_the_limit(
    connect: Any,
) -> None:
    async with connect() as client:
        pasted = await client.call_tool("list_sources", {"when": "1/" * 150_000})
    assert pasted.is_error
    assert text(pasted) == (
        "BAD_ARGUMENT: when has 300,000 characters; at most 100 fit, so give less of it"
    )


@pytest.mark.parametrize(
    ("method", "params", "words"),
    [
        ("resources/read", {"uri": "omni://source/" + "a" * 1000}, "uri has 1,014 characters"),
        ("prompts/get", {"name": "x" * 201}, "name has 201"),
        ("prompts/get", {"name": "a", "arguments": {"topic": "x" * 5000}}, "topic has 5,000"),
        ("completion/complete", {"argument": {"value": "x" * 5000}}, "value has 5,000"),
        ("tools/call", {"name": "x" * 201, "arguments": {}}, "name has 201"),
        ("subscriptions/listen", {"notifications": {"uris": ["a"] * 1001}}, "uris has 1,001"),
        ("tasks/get", {"taskId": "x" * 201}, "taskId has 201"),
        ("tasks/update", {"inputResponses": {"x" * 201: 1}}, "a name in inputResponses"),
        ("tools/list", {"cursor": "a\0"}, "cursor holds a NUL"),
        ("x" * 201, {}, "method has 201"),
    ],
)
def test_too_much_outside_of_tools_is_one_line_that_names_it(
    method: str, params: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadRequestError, match=words):
        check(method, params)


def test_the_arguments_of_a_tool_are_left_to_the_tool() -> None:
    check("tools/call", {"name": "search", "arguments": {"query": "x" * 10_000}})


async def test_a_resource_with_a_long_address_is_refused_as_the_protocol_says(
    connect: Any,
) -> None:
    async with connect() as client:
        with pytest.raises(MCPError, match="BAD_ARGUMENT: uri has"):
            await client.read_resource("omni://source/" + "a" * 2000)


async def test_a_share_of_all_hostile_messages_is_answered_over_http(
    settings: Settings, engine: Any
) -> None:
    async def opener(_: Settings) -> Any:
        return engine

    app = create_http(settings, opener=opener)
    cases = [*of_tools(0.05), *list(of_protocol())[::6]]
    assert len(cases) > 80
    async with app.running():
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://127.0.0.1:8000", headers=POST
        ) as http:
            for case in cases:
                named = {"mcp-name": case.name} if case.name else {}
                headers = {"mcp-method": case.method, **named}
                answer = await http.post("/mcp", content=case.body, headers=headers)
                assert answer.status_code in (200, 400, 404, 413), (case.what, answer.text[:200])
                assert "INTERNAL" not in answer.text, (case.what, answer.text[:200])
                if answer.headers["content-type"] == "application/json":
                    assert json.loads(answer.content)["id"] in (case.id, None), case.what
