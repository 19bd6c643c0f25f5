"""The page as an MCP App: in a sandboxed frame of a host that passes tools and resources on."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from mcp import Client
from mcp.client.extension import advertise
from mcp.client.streamable_http import streamable_http_client
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from playwright.async_api import FrameLocator, Page, expect

from omni_server.page.extension import URI
from tests.page.conftest import TOKEN, Site

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOST = (Path(__file__).parent / "host.html").read_text(encoding="utf-8")
DEFAULT_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; media-src 'self' data:; object-src 'none'; connect-src 'none'"
)
"""What the specification has hosts enforce where a page declares nothing."""


Call = Callable[[str, dict[str, Any]], Awaitable[Any]]


@pytest.fixture
def call(site: Site) -> Call:
    """A request of the host to the server, each on a connection of its own."""

    async def send(method: str, params: dict[str, Any]) -> Any:
        headers = {"authorization": f"Bearer {TOKEN}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=30) as http,
            Client(
                streamable_http_client(f"{site.base}/mcp", http_client=http),
                extensions=[advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})],
            ) as client,
        ):
            if method == "resources/read":
                result: Any = await client.read_resource(params["uri"])
            else:
                result = await client.call_tool(params["name"], params["arguments"])
            return json.loads(result.model_dump_json(by_alias=True, exclude_none=True))

    return send


@pytest_asyncio.fixture(loop_scope="session")
async def app(page: Page, call: Call) -> FrameLocator:
    """The page inside a host, connected, without a tool call yet."""

    async def server(method: str, params: str) -> str:
        return json.dumps(await call(method, json.loads(params)))

    html = (await call("resources/read", {"uri": URI}))["contents"][0]["text"]
    meta = f'<meta http-equiv="Content-Security-Policy" content="{DEFAULT_POLICY}">'
    await page.expose_function("server", server)
    await page.set_content(HOST)
    await page.evaluate(
        "html => { document.getElementById('app').srcdoc = html; }",
        html.replace("<head>", f"<head>{meta}"),
    )
    await expect(page.frame_locator("#app").get_by_role("main")).to_be_visible()
    return page.frame_locator("#app")


async def _tell(page: Page, call: Call, name: str, arguments: dict[str, Any]) -> None:
    """What a host sends when a model has called this tool."""
    result = await call("tools/call", {"name": name, "arguments": arguments})
    await page.evaluate(
        "([a, r]) => { tell('ui/notifications/tool-input', { arguments: a });"
        " tell('ui/notifications/tool-result', r); }",
        [arguments, result],
    )


async def test_a_search_shows_its_hits_and_plays_the_best_from_inside_the_message(
    page: Page, app: FrameLocator, call: Call
) -> None:
    await _tell(page, call, "search", {"query": "meadow behind the station"})
    hits = app.get_by_role("list", name="Hits").get_by_role("button")
    await expect(hits.first).to_contain_text("colours")
    video = app.locator("video")
    await expect(video).to_have_attribute("src", re.compile("^data:video/mp4;base64,"))
    await video.focus()
    await app.locator("article").focus()
    await page.keyboard.press("Space")
    await expect(app.locator(".line.now .word.now").first).to_be_visible()
    assert await app.locator("html").get_attribute("data-theme") == "dark"


async def test_an_opened_page_shows_its_picture_and_steps(
    page: Page, app: FrameLocator, call: Call
) -> None:
    await _tell(page, call, "get_segment", {"ref": "[Field report p.1]"})
    await expect(app.locator(".sheet img")).to_have_attribute("src", re.compile("^data:image/jpeg"))
    await app.get_by_role("button", name="Next page").click()
    await expect(app.locator("article h2")).to_contain_text("p.2")


async def test_the_host_hears_the_handshake_and_the_size(
    page: Page, app: FrameLocator, call: Call
) -> None:
    await _tell(page, call, "get_segment", {"ref": "[Field report p.1]"})
    await expect(app.locator(".sheet img")).to_be_visible()
    heard = await page.evaluate("heard.map(m => m.method)")
    assert heard[:2] == ["ui/initialize", "ui/notifications/initialized"]
    assert "ui/notifications/size-changed" in heard
    sizes = await page.evaluate(
        "heard.filter(m => m.method === 'ui/notifications/size-changed').map(m => m.params)"
    )
    assert sizes[-1]["height"] > 400
    assert sizes[-1]["width"] <= 760


async def test_a_citation_goes_into_the_chat_and_the_host_s_theme_is_followed(
    page: Page, app: FrameLocator, call: Call
) -> None:
    await _tell(page, call, "get_segment", {"ref": "[Field report p.2]"})
    await app.get_by_role("button", name="Use in chat").click()
    await expect(app.locator("article")).to_be_visible()
    said = await page.evaluate("heard.filter(m => m.method === 'ui/message').map(m => m.params)")
    assert said[0]["content"]["text"] == "Look at [Field report p.2]."
    await page.evaluate("tell('ui/notifications/host-context-changed', { theme: 'light' })")
    await expect(app.locator("html")).to_have_attribute("data-theme", "light")


async def test_an_error_of_the_tool_is_shown_as_one_line(
    page: Page, app: FrameLocator, call: Call
) -> None:
    await _tell(page, call, "get_segment", {"ref": "[Keynote p.4]"})
    await expect(app.get_by_role("alert")).to_contain_text("nothing is known as")


async def test_a_host_without_resources_gets_the_sound_alone(
    page: Page, app: FrameLocator, call: Call
) -> None:
    await page.evaluate("capabilities.serverResources = undefined")
    await page.evaluate("document.getElementById('app').srcdoc += ' '")
    await expect(app.get_by_role("main")).to_be_visible()
    await expect(app.locator("article")).to_be_attached()
    await page.wait_for_function(
        "heard.filter(m => m.method === 'ui/notifications/initialized').length === 2"
    )
    await _tell(page, call, "get_segment", {"ref": "[colours @ 0:05]"})
    await expect(app.locator("video")).to_have_attribute("src", re.compile("^data:audio/wav"))
    await expect(app.locator(".note")).to_contain_text("sound alone")
