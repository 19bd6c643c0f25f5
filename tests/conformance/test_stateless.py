"""What the suite asks of 2026-07-28 as it is on the wire: every request stands for itself."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest
from mcp.types import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    UNSUPPORTED_PROTOCOL_VERSION,
)

from tests.conformance.wire import META, MODERN, call, headers_of, meta, post

pytestmark = pytest.mark.asyncio(loop_scope="module")
INFO, CAPABILITIES = f"{META}clientInfo", f"{META}clientCapabilities"
VERSION = f"{META}protocolVersion"


def _without(*keys: str) -> dict[str, Any]:
    return {key: value for key, value in meta().items() if key not in keys}


@pytest.mark.scenario("server-stateless")
@pytest.mark.parametrize(
    "params",
    [{}, {"_meta": _without(VERSION)}, {"_meta": _without(CAPABILITIES)}],
    ids=["no meta", "no version", "no capabilities"],
)
async def test_a_request_without_its_meta_is_wrong_parameters(
    http: Any, params: dict[str, Any]
) -> None:
    message = {"jsonrpc": "2.0", "id": 101, "method": "server/discover", "params": params}
    reply = await post(http, message, headers_of("server/discover", {}))
    assert (reply.status, reply.code, reply.body["id"]) == (400, INVALID_PARAMS, 101)


@pytest.mark.scenario("server-stateless")
async def test_discover_names_the_server_and_what_it_serves(http: Any) -> None:
    reply = await call(http, "server/discover", {"_meta": _without(INFO)})
    found = reply.result
    assert reply.status == 200
    assert MODERN in found["supportedVersions"]
    assert found["_meta"][f"{META}serverInfo"]["name"] == "omni"
    for capability, method in (
        ("tools", "tools/list"), ("prompts", "prompts/list"), ("resources", "resources/list"),
    ):  # fmt: skip
        assert capability in found["capabilities"]
        assert (await call(http, method)).result[capability]


@pytest.mark.scenario("server-stateless")
async def test_an_unknown_version_is_answered_with_the_known_ones(http: Any) -> None:
    known = (await call(http, "server/discover")).result["supportedVersions"]
    params = {"_meta": {**meta(), VERSION: "v999.0.0"}}
    headers = {"mcp-protocol-version": "v999.0.0"}
    reply = await call(http, "server/discover", params, headers=headers, request_id=301)
    assert (reply.status, reply.code) == (400, UNSUPPORTED_PROTOCOL_VERSION)
    assert reply.body["id"] == 301
    assert reply.body["error"]["data"]["requested"] == "v999.0.0"
    supported = reply.body["error"]["data"]["supported"]
    assert supported and set(supported) <= set(known)


@pytest.mark.scenario("server-stateless", "http-header-validation")
@pytest.mark.parametrize(
    ("method", "params", "headers"),
    [
        ("server/discover", {"_meta": {**meta(), VERSION: "v999.0.0"}}, {}),
        ("tools/list", {}, {"mcp-method": "prompts/list"}),
        ("tools/list", {}, {"mcp-method": "TOOLS/LIST"}),
        ("tools/call", {"name": "test_simple_text", "arguments": {}}, {"mcp-name": "other"}),
        ("resources/read", {"uri": "test://static-text"}, {"mcp-name": "test://other"}),
        ("prompts/get", {"name": "test_simple_prompt"}, {"mcp-name": "other"}),
    ],
)
async def test_a_header_that_says_otherwise_than_the_body_is_refused(
    http: Any, method: str, params: dict[str, Any], headers: dict[str, str]
) -> None:
    reply = await call(http, method, params, headers=headers)
    assert (reply.status, reply.code) == (400, HEADER_MISMATCH)


@pytest.mark.scenario("http-header-validation")
@pytest.mark.parametrize("missing", ["mcp-method", "mcp-name"])
async def test_a_missing_header_is_refused(http: Any, missing: str) -> None:
    params = {"name": "test_simple_text", "arguments": {}, "_meta": meta()}
    headers = headers_of("tools/call", params)
    del headers[missing]
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    reply = await post(http, message, headers)
    assert (reply.status, reply.code) == (400, HEADER_MISMATCH)


@pytest.mark.scenario("http-header-validation")
async def test_names_of_headers_are_of_any_case_and_blanks_around_values_do_not_count(
    address: str,
) -> None:
    host = address.removeprefix("http://")
    body = json.dumps(
        {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta()}}
    )
    headers = {
        "host": host, "content-type": "application/json", "content-length": str(len(body)),
        "connection": "close", **headers_of("tools/list", {}),
    }  # fmt: skip
    lines = [f"{name.upper()}:  {value}  \r\n" for name, value in headers.items()]
    async with asyncio.timeout(20):  # by hand: no client library sends such blanks
        reader, writer = await asyncio.open_connection(*host.split(":"))
        writer.write("".join(["POST /mcp HTTP/1.1\r\n", *lines, "\r\n", body]).encode())
        answer = (await reader.read()).decode()
        writer.close()
        await writer.wait_closed()
    assert answer.startswith("HTTP/1.1 200 ")
    assert '"tools":[' in answer.replace(" ", "")


def _region(value: str) -> dict[str, Any]:
    return {"name": "test_header_argument", "arguments": {"region": value}}


@pytest.mark.scenario("http-custom-header-server-validation")
@pytest.mark.parametrize(
    ("value", "header"),
    [
        ("eu", "eu"),
        ("Hello", f"=?base64?{base64.b64encode(b'Hello').decode()}?="),
        ("SGVsbG8=", "SGVsbG8="),
        ("=?base64?SGVsbG8=", "=?base64?SGVsbG8="),
    ],
)
async def test_an_argument_in_a_header_is_read_plain_or_encoded(
    http: Any, value: str, header: str
) -> None:
    reply = await call(http, "tools/call", _region(value), headers={"mcp-param-region": header})
    assert reply.result["content"][0]["text"] == f"region: {value}"


@pytest.mark.scenario("http-custom-header-server-validation")
@pytest.mark.parametrize("header", [None, "us", "=?base64?SGVsbG8?=", "=?base64?SGVs!!!bG8=?="])
async def test_an_argument_whose_header_is_absent_or_different_is_refused(
    http: Any, header: str | None
) -> None:
    headers = {} if header is None else {"mcp-param-region": header}
    reply = await call(http, "tools/call", _region("Hello"), headers=headers)
    assert (reply.status, reply.code) == (400, HEADER_MISMATCH)


@pytest.mark.scenario("server-stateless")
async def test_a_tool_that_needs_what_the_client_cannot_is_refused_by_name(http: Any) -> None:
    params = {"name": "test_missing_capability", "arguments": {}}
    refused = await call(http, "tools/call", {**params, "_meta": meta()})
    assert (refused.status, refused.code) == (400, MISSING_REQUIRED_CLIENT_CAPABILITY)
    assert refused.body["error"]["data"]["requiredCapabilities"] == {"sampling": {}}
    assert not (await call(http, "tools/call", params)).result.get("isError")


@pytest.mark.scenario("server-stateless")
@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("initialize", {}),
        ("ping", {}),
        ("logging/setLevel", {"level": "info"}),
        ("resources/subscribe", {"uri": "test://watched-resource"}),
        ("resources/unsubscribe", {"uri": "test://watched-resource"}),
        ("unknown/method", {}),
    ],
)
async def test_a_method_that_went_is_as_unknown_as_one_that_never_was(
    http: Any, method: str, params: dict[str, Any]
) -> None:
    for given in ({}, params):
        reply = await call(http, method, given, request_id=500)
        assert (reply.status, reply.code, reply.body["id"]) == (404, METHOD_NOT_FOUND, 500)


@pytest.mark.scenario("server-stateless")
async def test_a_stream_carries_notifications_and_no_request_of_the_servers(http: Any) -> None:
    params = {"name": "test_streaming_elicitation", "arguments": {},
              "_meta": {**meta(elicitation={}), "progressToken": 7}}  # fmt: skip
    reply = await call(http, "tools/call", params)
    assert [m["method"] for m in reply.before] == ["notifications/progress"]
    assert not any("id" in m for m in reply.before)
    assert reply.result["resultType"] == "complete"


@pytest.mark.scenario("server-stateless")
async def test_nothing_is_logged_to_a_client_that_asked_for_no_level(http: Any) -> None:
    params = {"name": "test_logging_tool", "arguments": {}}
    unasked = await call(http, "tools/call", params)
    asked = await call(
        http, "tools/call", {**params, "_meta": {**meta(), f"{META}logLevel": "info"}}
    )
    assert unasked.before == []
    assert [m["method"] for m in asked.before] == ["notifications/message"]


@pytest.mark.scenario("caching")
@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("tools/list", {}),
        ("prompts/list", {}),
        ("resources/list", {}),
        ("resources/templates/list", {}),
        ("resources/read", {"uri": "omni://library"}),
        ("resources/read", {"uri": "test://static-text"}),
    ],
)
async def test_what_can_be_cached_says_for_how_long_and_for_whom(
    http: Any, method: str, params: dict[str, str]
) -> None:
    result = (await call(http, method, params)).result
    assert isinstance(result["ttlMs"], int) and result["ttlMs"] >= 0
    assert result["cacheScope"] in ("public", "private")
