"""What the suite asks of the lifecycle of 2025-11-25: sessions, and methods that later went."""

from __future__ import annotations

import re
from typing import Any

import pytest
from mcp.types import METHOD_NOT_FOUND

from tests.conformance.wire import LEGACY, Session

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.scenario("server-initialize")
async def test_initialize_agrees_on_the_version_and_names_the_server(http: Any) -> None:
    session = await Session.open(http)
    hello = session.opened.result
    assert hello["protocolVersion"] == LEGACY
    assert hello["serverInfo"]["name"] == "omni"
    assert hello["serverInfo"]["version"]
    assert {"tools", "resources", "prompts", "completions"} <= hello["capabilities"].keys()
    assert re.fullmatch(r"[\x21-\x7e]+", session.id)
    assert await session.close() == 200


@pytest.mark.scenario("ping", "logging-set-level", "resources-subscribe", "resources-unsubscribe")
@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("ping", {}),
        ("logging/setLevel", {"level": "info"}),
        ("resources/subscribe", {"uri": "test://watched-resource"}),
        ("resources/unsubscribe", {"uri": "test://watched-resource"}),
    ],
)
async def test_requests_without_an_answer_get_an_empty_one(
    http: Any, method: str, params: dict[str, str]
) -> None:
    session = await Session.open(http)
    reply = await session.call(method, params)
    assert (reply.status, reply.result) == (200, {})
    await session.close()


@pytest.mark.scenario("server-session-lifecycle")
async def test_a_session_that_was_deleted_is_unknown(http: Any) -> None:
    session = await Session.open(http)
    assert (await session.call("tools/list")).status == 200
    assert await session.close() == 200
    assert (await session.call("tools/list")).status == 404


async def test_an_unknown_method_is_not_found(http: Any) -> None:
    session = await Session.open(http)
    assert (await session.call("unknown/method")).code == METHOD_NOT_FOUND
    await session.close()


@pytest.mark.scenario("dns-rebinding-protection")
async def test_a_foreign_host_or_origin_is_refused_and_a_local_one_served(
    http: Any, address: str
) -> None:
    local = address.removeprefix("http://")
    evil = "evil.example.com"
    for headers in ({"host": evil, "origin": f"http://{evil}"}, {"host": evil}, {"origin": evil}):
        answer = await http.post("/mcp", json={}, headers=headers)
        assert 400 <= answer.status_code < 500
        assert "jsonrpc" not in answer.text
    http.headers.update({"host": local, "origin": f"http://{local}"})
    session = await Session.open(http)
    assert (await session.call("ping")).result == {}
    await session.close()
