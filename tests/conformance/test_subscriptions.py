"""What the suite asks of `subscriptions/listen`, and that what is advertised is what is sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.subscriptions import ListenNotSupportedError, ResourcesListChanged, ResourceUpdated

from omni_server.http.ending import GRACE_S
from tests.conformance.fixture_app import fixture_app, serving
from tests.conformance.wire import ASKABLE, META, call, headers_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
LIBRARY = "omni://library"


@pytest.fixture
def notes(store: Any) -> Any:
    """A file that the server may read."""
    file = store / "notes.md"
    file.write_text("# Volcano\n\nThe magma chamber lies four kilometres below the crater.\n")
    return file


@pytest.mark.scenario("server-stateless")
async def test_only_lists_that_change_are_advertised_as_changing(mcp_client: Any) -> None:
    async with mcp_client() as modern, mcp_client("legacy") as legacy:
        offered, before = modern.server_capabilities, legacy.server_capabilities
    assert (offered.resources.list_changed, offered.resources.subscribe) == (True, True)
    assert not offered.tools.list_changed and not offered.prompts.list_changed
    for each in (before.resources, before.tools, before.prompts):
        assert not each.list_changed


async def test_who_listens_hears_of_a_source_that_comes_and_goes(
    mcp_client: Any, notes: Any
) -> None:
    async with (
        mcp_client() as client,
        asyncio.timeout(30),
        client.listen(resources_list_changed=True, resource_subscriptions=[LIBRARY]) as changes,
    ):
        seen: list[dict[str, Any]] = []
        for tool, argument in (("ingest_media", str(notes)), ("delete_source", "")):
            source = argument or seen[0]["id"]
            done = await client.call_tool(tool, {"source": source})
            assert not done.is_error, done.content
            kinds = {type(await anext(changes)) for _ in range(2)}
            assert kinds == {ResourcesListChanged, ResourceUpdated}
            read = (await client.read_resource(LIBRARY)).contents[0].text
            seen = json.loads(read)["sources"]
            assert [s["title"] for s in seen] == (["Volcano"] if argument else [])


@pytest.mark.scenario("server-stateless")
async def test_a_stream_begins_with_its_acknowledgement_and_keeps_to_its_filter(
    http: Any, mcp_client: Any, notes: Any
) -> None:
    wanted = {"resourceSubscriptions": ["omni://source/src_other", LIBRARY]}
    params = {"_meta": ASKABLE, "notifications": wanted}
    message = {"jsonrpc": "2.0", "id": 9, "method": "subscriptions/listen", "params": params}
    headers = headers_of("subscriptions/listen", params)
    async with (
        asyncio.timeout(30),
        mcp_client() as client,
        http.stream("POST", "/mcp", json=message, headers=headers) as stream,
    ):
        frames = _frames(stream)
        first = await anext(frames)
        assert first["method"] == "notifications/subscriptions/acknowledged"
        assert first["params"]["notifications"] == wanted
        done = await client.call_tool("ingest_media", {"source": str(notes)})
        source = done.structured_content["source_id"]
        await client.call_tool("delete_source", {"source": source})
        heard = [await anext(frames) for _ in range(2)]
    assert [m["method"] for m in heard] == ["notifications/resources/updated"] * 2
    assert [m["params"]["uri"] for m in heard] == [LIBRARY] * 2
    assert {m["params"]["_meta"][f"{META}subscriptionId"] for m in (first, *heard)} == {9}


async def _frames(stream: Any) -> AsyncIterator[dict[str, Any]]:
    async for line in stream.aiter_lines():
        if line.startswith("data:") and line[5:].strip():
            yield json.loads(line[5:])


async def test_the_handshake_era_is_told_that_it_has_no_subscriptions(
    http: Any, mcp_client: Any
) -> None:
    async with mcp_client("legacy") as client:
        with pytest.raises(ListenNotSupportedError):
            async with client.listen(resources_list_changed=True):
                pass
    assert (await call(http, "resources/subscribe", {"uri": LIBRARY})).status == 404


async def test_a_server_that_ends_says_so_to_who_listens(tmp_path: Path) -> None:
    async with AsyncExitStack() as server, asyncio.timeout(30):
        base = await server.enter_async_context(serving(fixture_app(tmp_path)))
        async with (
            Client(f"{base}/mcp") as client,
            client.listen(resources_list_changed=True) as changes,
        ):
            started = asyncio.get_running_loop().time()
            await server.aclose()
            assert [event async for event in changes] == []  # a stream that broke off would raise
    assert asyncio.get_running_loop().time() - started < GRACE_S
