"""The page without a browser: its file, policy, route and tools, and who is told of them."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from importlib.resources import files
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.extension import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID

from omni_core.engine.results import Line, Opened, OpenRequest, RenderedImage
from omni_core.settings import Settings
from omni_core.types import Channel, PlacedWord, Span
from omni_server.app import create, page_tools, tools_of
from omni_server.cli import browser
from omni_server.http.app import create_http
from omni_server.page import assemble, view
from omni_server.page.assemble import joined, page
from omni_server.page.extension import SHOWN_BY, URI
from tests.omni_server.conftest import SEGMENT, SOURCE, Scripted

TOKEN = "correct-horse-battery"  # noqa: S105
APPS = [advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})]
STATIC = files("omni_server.page").joinpath("static")
MODULES = sorted(p.name for p in STATIC.iterdir() if p.name.endswith(".js"))


@pytest.fixture
def web(settings: Settings, engine: Scripted) -> Any:
    async def opener(_: Settings) -> Any:
        return engine

    app = create_http(replace(settings, token=TOKEN), opener=opener)
    transport = httpx2.ASGITransport(app=app)
    return httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000")


async def test_the_page_is_public_and_everything_that_it_asks_for_is_not(web: Any) -> None:
    async with web as http:
        shown = await http.get("/")
        assert shown.status_code == 200
        assert shown.headers["content-type"] == "text/html; charset=utf-8"
        assert TOKEN not in shown.text
        for method, path in (("POST", "/mcp"), ("POST", "/upload"), ("GET", "/page.js")):
            assert (await http.request(method, path)).status_code == 401
        assert (await http.get("/", headers={"host": "evil.example"})).status_code == 421


async def test_the_policy_lets_only_the_page_s_own_script_and_style_run(web: Any) -> None:
    async with web as http:
        shown = await http.get("/")
    policy = dict(
        part.split(" ", 1) for part in shown.headers["content-security-policy"].split("; ")
    )
    html = shown.text
    for directive, element in (("script-src", "script"), ("style-src", "style")):
        [inside] = re.findall(rf"<{element}[^>]*>(.*?)</{element}>", html, re.S)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert policy[directive] == f"'sha256-{digest}'"
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert "unsafe" not in shown.headers["content-security-policy"]
    assert shown.headers["x-frame-options"] == "DENY"
    assert shown.headers["referrer-policy"] == "no-referrer"
    assert shown.headers["x-content-type-options"] == "nosniff"


def test_the_page_is_one_file_that_loads_nothing() -> None:
    html = page().html
    assert not re.search(r"""\b(src|href)\s*=\s*["'](?!data:)""", html.split("<script")[0])
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)\w", html)
    assert not re.search(r"""\son\w+\s*=\s*["']""", html)
    assert "@import" not in html
    assert len(html) < 150_000


@pytest.mark.parametrize("name", MODULES)
def test_text_from_media_never_becomes_html(name: str) -> None:
    code = STATIC.joinpath(name).read_text(encoding="utf-8")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", code)
    assert not re.search(r"new Function|DOMParser|srcdoc|setAttribute\(.style", code)


def test_every_module_is_in_the_page_once_after_what_it_imports() -> None:
    script = joined("main.js")
    order = re.findall(r"^// ---- (\S+)$", script, re.M)
    assert sorted(order) == MODULES
    assert not re.search(r"^(import|export) ", script, re.M)
    for name in MODULES:
        code = STATIC.joinpath(name).read_text(encoding="utf-8")
        for other in re.findall(r'from "\./([\w.]+)"', code):
            assert order.index(other) < order.index(name)


async def test_a_client_that_shows_apps_is_told_of_the_page(
    settings: Settings, engine: Scripted
) -> None:
    async with _client(settings, engine, extensions=APPS) as client:
        listed = {t.name: t for t in (await client.list_tools()).tools}
        resources = {str(r.uri) for r in (await client.list_resources()).resources}
        read = await client.read_resource(URI)
    for name in SHOWN_BY:
        assert (listed[name].meta or {})["ui"] == {"resourceUri": URI}
    assert "ui" not in (listed["ingest_media"].meta or {})
    for tool in page_tools():
        meta = listed[tool.name].meta
        assert meta is not None
        assert meta["ui"] == {"resourceUri": URI, "visibility": ["app"]}
    assert URI in resources
    assert read.contents[0].mime_type == APP_MIME_TYPE
    assert read.contents[0].text == page().html  # type: ignore[union-attr]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_other_clients_see_the_tools_of_models_alone(
    settings: Settings, engine: Scripted, mode: Any
) -> None:
    async with _client(settings, engine, mode=mode) as client:
        listed = (await client.list_tools()).tools
        resources = {str(r.uri) for r in (await client.list_resources()).resources}
    assert [t.name for t in listed] == [t.name for t in tools_of(settings)]
    assert [t.meta for t in listed] == [t.meta for t in tools_of(settings)]
    assert URI not in resources


async def test_only_lists_with_the_page_are_kept_from_shared_caches(
    settings: Settings, engine: Scripted
) -> None:
    async with _client(settings, engine, extensions=APPS) as client:
        assert (await client.list_tools()).cache_scope == "private"
    async with _client(settings, engine) as client:
        assert (await client.list_tools()).cache_scope == "public"


async def test_a_moment_is_given_as_data_with_its_image_and_the_places_of_words(
    settings: Settings, engine: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def open_ref(request: OpenRequest) -> Opened:
        engine.asked.append(request)
        return Opened(
            ref=SEGMENT, cite="[R p.2]", source=engine.row(), window="page 2 of 5",
            span=Span("page", 2, 3),
            lines=(Line("It ran at\x1b[31m 28 km/h", Channel.TEXT, "text layer", 2, 3, "page"),),
            pictures=(
                RenderedImage(b"jpeg", "page 2", 9, 12, (PlacedWord("ran", 0.1, 0.2, 0.3, 0.4),)),
            ),
        )  # fmt: skip

    monkeypatch.setattr(engine, "open_ref", open_ref)
    async with _client(settings, engine, extensions=APPS) as client:
        result = await client.call_tool("view_moment", {"ref": SEGMENT, "quote": "ran at"})
    data = result.structured_content
    assert data is not None
    assert (data["axis"], data["span"], data["cite"]) == ("page", [2, 3], "[R p.2]")
    assert data["lines"][0]["text"] == "It ran at 28 km/h"
    assert data["image"]["words"] == [["ran", 0.1, 0.2, 0.3, 0.4]]
    assert base64.b64decode(data["image"]["jpeg"]) == b"jpeg"
    assert data["check"] == {"verdict": "found", "ratio": 1.0, "best": engine.words}
    request = engine.asked[0]
    assert (request.word_boxes, request.size) == (True, "large")


async def test_who_speaks_is_shown_and_named_by_those_who_may(
    settings: Settings, engine: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def open_ref(request: OpenRequest) -> Opened:
        line = Line("It ran.", Channel.SPEECH, "whisper-base", 4, 9, speaker="speaker A")
        return Opened(SEGMENT, "[R @ 0:04-0:09]", engine.row(), "0:04-0:09", lines=(line,))

    monkeypatch.setattr(engine, "open_ref", open_ref)
    async with _client(settings, engine, extensions=APPS) as client:
        shown = await client.call_tool("view_moment", {"ref": SEGMENT})
        named = await client.call_tool(
            "name_speaker", {"source": SOURCE, "speaker": "speaker A", "name": "Ann"}
        )
    assert shown.structured_content is not None and named.structured_content is not None
    assert shown.structured_content["lines"][0]["speaker"] == "speaker A"
    assert shown.structured_content["may_name"] is True
    assert engine.asked[-1] == (SOURCE, "speaker A", "Ann")
    assert named.structured_content["speakers"] == [
        {"letter": "A", "name": "Ann", "name_from": "person"}
    ]


async def test_a_clip_has_no_address_and_no_path_where_there_is_no_http(
    settings: Settings, engine: Scripted
) -> None:
    engine.clip = settings.store_path / "clips" / "a.mp4"
    engine.clip.parent.mkdir(parents=True)
    engine.clip.write_bytes(b"0123456789")
    async with _client(settings, engine, extensions=APPS) as client:
        local = await client.call_tool("view_moment", {"ref": SEGMENT, "part": "clip"})
    assert local.structured_content is not None
    assert "url" not in local.structured_content["clip"]
    assert str(engine.clip) not in str(local)


async def test_the_status_says_what_this_server_allows(
    settings: Settings, engine: Scripted
) -> None:
    async with _client(settings, engine, extensions=APPS) as client:
        result = await client.call_tool("library_status", {})
    data = result.structured_content
    assert data is not None
    assert data["jobs"] == [
        {"file": "talk.mp4", "progress": 0.25, "stage": "reading", "segments": 3}
    ]
    assert data["may"] == {
        "upload": False, "ingest_paths": True, "ingest_links": False, "delete": True,
    }  # fmt: skip
    assert "/media/private" not in str(result)


def test_hidden_characters_of_a_title_do_not_reach_the_page(engine: Scripted) -> None:
    row = replace(engine.row(), title="<img src=x onerror=alert(1)>\u202e\x1b]0;x\x07")
    assert view.source(row)["title"] == "<img src=x onerror=alert(1)>"


@pytest.mark.parametrize(
    ("what", "shown"),
    [
        ("", {"library": ""}),
        ("why do corals bleach", {"q": "why do corals bleach"}),
        ("[Report p.2]", {"open": "[Report p.2]"}),
        (SOURCE, {"open": SOURCE}),
    ],
)
def test_open_shows_what_it_is_given(what: str, shown: dict[str, str]) -> None:
    assert browser.place(what) == shown


def test_the_token_stands_in_the_fragment_which_no_server_is_sent() -> None:
    settings = Settings(token=TOKEN)
    url = browser.address(settings, 8001, {"q": "a & b"})
    assert url == f"http://127.0.0.1:8001/#token={TOKEN}&q=a+%26+b"
    assert browser.address(Settings(), 8000, {}) == "http://127.0.0.1:8000/"
    assert browser.address(Settings(host="::1"), 1, {"library": ""}) == "http://[::1]:1/#library"


def _client(settings: Settings, engine: Scripted, **options: Any) -> Client:
    async def opener(_: Settings) -> Any:
        return engine

    return Client(create(settings, opener=opener), **options)


def test_no_name_is_declared_by_two_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = {
        "a.js": 'import { b } from "./b.js";\nconst c = b;\n',
        "b.js": "export function b() {}\nfunction c() {}\n",
    }
    monkeypatch.setattr(assemble, "_read", parts.__getitem__)
    with pytest.raises(ValueError, match="declared by two modules: c"):
        joined("a.js")
