"""HTTP: the gate, the protocol behind it, uploads, clips, and what refuses to start."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import TextContent

from omni_core.errors import BadRequestError, NotFoundError, RefusedError
from omni_core.settings import Settings
from omni_server.auth.credentials import bearer_matches
from omni_server.http.app import create_http
from omni_server.http.gate import check, is_loopback
from omni_server.links import KEY_FILE, LINK_S, Links

TOKEN = "correct-horse-battery"  # noqa: S105
AUTH = {"authorization": f"Bearer {TOKEN}"}
BASE = "http://127.0.0.1:8000"
LIST = {
    "jsonrpc": "2.0", "id": 1, "method": "tools/list",
    "params": {"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
                         "io.modelcontextprotocol/clientCapabilities": {}}},
}  # fmt: skip
MODERN = {
    "accept": "application/json, text/event-stream", "mcp-method": "tools/list",
    "mcp-protocol-version": "2026-07-28",
}  # fmt: skip


@pytest.fixture
def web(settings: Settings, engine: Any) -> Any:
    """An HTTP client of a running application; options are settings."""

    @asynccontextmanager
    async def serve(headers: dict[str, str] | None = None, **options: Any) -> AsyncIterator[Any]:
        async def opener(_: Settings) -> Any:
            return engine

        base = {"store": settings.store, "roots": settings.roots, "token": TOKEN}
        app = create_http(Settings(**(base | options)), opener=opener)
        async with app.running():
            transport = httpx2.ASGITransport(app=app)
            async with httpx2.AsyncClient(
                transport=transport, base_url=BASE, headers=headers
            ) as client:
                yield client

    return serve


def _mcp(http: httpx2.AsyncClient, mode: Any = "auto") -> Client:
    return Client(streamable_http_client(f"{BASE}/mcp", http_client=http), mode=mode)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_tools_work_over_http_in_both_eras(web: Any, mode: Any) -> None:
    async with (
        web(AUTH) as http,
        Client(streamable_http_client(f"{BASE}/mcp", http_client=http), mode=mode) as mcp,
    ):
        assert len((await mcp.list_tools()).tools) == 6
        result = await mcp.call_tool("search", {"query": "launch"})
        refused = await mcp.call_tool("search", {"query": "launch", "modalities": ["video"]})
    assert result.structured_content["hits"]
    assert refused.is_error


@pytest.mark.parametrize("path", ["/mcp", "/health", "/upload", "/media/x", "/nothing"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1.evil.example"}, 421),
        ({"host": "evil.example:8000"}, 421),
        ({"host": "127.0.0.1@evil.example"}, 421),
        ({"host": ""}, 421),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "https://127.0.0.1.evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "file://"}, 403),
        ({"origin": ""}, 403),
    ],
)
async def test_a_wrong_host_is_421_and_a_wrong_origin_403_on_every_route(
    web: Any, path: str, headers: dict[str, str], status: int
) -> None:
    async with web() as http:
        for method in ("GET", "POST"):
            answer = await http.request(method, path, headers={**AUTH, **headers})
            assert answer.status_code == status


@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": "Bearer wrong"}, {"authorization": f"Basic {TOKEN}"},
     {"authorization": TOKEN}, {"authorization": "Bearer "}, {"authorization": f"Bearer {TOKEN}x"},
     {"authorization": f"Bearer {TOKEN[:-1]}"}, {b"authorization": "Bearer ä".encode()}],
)  # fmt: skip
async def test_without_the_token_the_answer_is_401(web: Any, engine: Any, headers: Any) -> None:
    async with web() as http:
        for path in ("/mcp", "/upload", "/nothing", "/mcp/", "//mcp"):
            answer = await http.post(path, headers=headers, json=LIST)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Bearer")
    assert engine.asked == []


async def test_local_names_and_allowed_hosts_pass(web: Any) -> None:
    async with web(allowed_hosts=("omni.example", "box:9000")) as http:
        for host in ("127.0.0.1:8000", "localhost", "[::1]:8000", "omni.example:443", "box:9000"):
            headers = {"host": host, "origin": f"https://{host}"}
            assert (await http.get("/health", headers=headers)).json() == {"ok": True}
        assert (await http.get("/health", headers={"host": "box:9001"})).status_code == 421


async def test_a_request_without_a_token_works_on_loopback_when_none_is_set(web: Any) -> None:
    async with web(token="") as http:
        answer = await http.post("/mcp", json=LIST, headers=MODERN)
    assert answer.status_code == 200


async def test_a_body_over_the_limit_of_a_message_is_413(web: Any) -> None:
    async with web(AUTH) as http:
        answer = await http.post("/mcp", content=b" " * (5 << 20), headers=MODERN)
    assert answer.status_code == 413


async def test_a_clip_is_fetched_by_its_signed_link_with_ranges(
    web: Any, engine: Any, settings: Settings
) -> None:
    engine.clip = settings.store_path / "cache" / "clip.mp4"
    engine.clip.parent.mkdir(parents=True)
    engine.clip.write_bytes(b"0123456789")
    async with web(AUTH) as http:
        async with _mcp(http) as mcp:
            result = await mcp.call_tool("get_segment", {"ref": "seg_x", "show": ["clip"]})
        assert isinstance(result.content[0], TextContent)
        url = result.content[0].text.split("bytes: ")[1].split()[0]
        assert str(engine.clip) not in result.content[0].text
        http.headers.pop("authorization")
        whole = await http.get(url)
        part = await http.get(url, headers={"range": "bytes=2-4"})
        head = await http.head(url)
        false = await http.get(url[:-4] + ("aaaa" if not url.endswith("aaaa") else "bbbb"))
    assert url.startswith("http://127.0.0.1:8000/media/")
    assert (whole.status_code, whole.content) == (200, b"0123456789")
    assert whole.headers["content-type"] == "video/mp4"
    assert (part.status_code, part.content) == (206, b"234")
    assert head.status_code == 200
    assert false.status_code == 403


async def test_an_upload_becomes_a_source(web: Any, engine: Any, settings: Settings) -> None:
    async with web(AUTH) as http:
        answer = await http.post("/upload?name=../../My talk.mp4", content=b"film" * 1000)
        assert answer.status_code == 201
        token = answer.json()["source"]
        async with _mcp(http) as mcp:
            assert not (await mcp.call_tool("ingest_media", {"source": token})).is_error
    path = Path(engine.asked[0][0].path)
    assert path == settings.store_path / "uploads" / token / "My talk.mp4"
    assert path.read_bytes() == b"film" * 1000


async def _chunks(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * (1 << 20)


@pytest.mark.parametrize("declared", [True, False])
async def test_an_upload_over_the_limit_is_413_and_leaves_nothing(
    web: Any, settings: Settings, declared: bool
) -> None:
    body: Any = b"x" * (2 << 20) if declared else _chunks(2)
    async with web(AUTH, max_file_mb=1) as http:
        answer = await http.post("/upload?name=a.mp4", content=body)
    assert answer.status_code == 413
    assert answer.text.startswith("TOO_LARGE: ")
    uploads = settings.store_path / "uploads"
    assert not uploads.exists() or not list(uploads.iterdir())


async def test_an_upload_that_breaks_off_leaves_nothing(web: Any, settings: Settings) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x"
        raise ConnectionError("gone")

    async with web(AUTH) as http:
        with pytest.raises(ConnectionError):
            await http.post("/upload?name=a.mp4", content=broken())
        assert (await http.post("/upload", content=b"")).status_code == 400
    assert not list((settings.store_path / "uploads").iterdir())


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"host": "0.0.0.0"}, "OMNI_TOKEN"),  # noqa: S104
        ({"host": "::"}, "OMNI_TOKEN"),
        ({"host": "192.168.1.5"}, "OMNI_TOKEN"),
        ({"host": "omni.example"}, "OMNI_TOKEN"),
        ({"host": "0.0.0.0", "token": "short"}, "OMNI_TOKEN has 5 characters"),  # noqa: S104
        ({"token": "x"}, "OMNI_TOKEN has 1 characters"),
        ({"host": "0.0.0.0", "token": TOKEN}, "--allowed-host"),  # noqa: S104
        ({"host": "0.0.0.0", "allowed_hosts": ("a",)}, "OMNI_TOKEN"),  # noqa: S104
    ],
)
def test_an_open_door_does_not_start(options: dict[str, Any], word: str) -> None:
    with pytest.raises(BadRequestError, match=word):
        check(Settings(**options))
    with pytest.raises(BadRequestError):
        create_http(Settings(**options))


def test_a_guarded_door_starts() -> None:
    check(Settings(host="0.0.0.0", token=TOKEN, allowed_hosts=("omni.example",)))  # noqa: S104
    check(Settings(host="::1"))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "[::1]", "localhost"])
def test_loopback_is_known(host: str) -> None:
    assert is_loopback(host)


async def test_the_token_is_never_logged(web: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with web(AUTH) as http:
        await http.post("/mcp", json=LIST, headers=MODERN)
        await http.post("/mcp", headers={"authorization": f"Bearer {TOKEN}x"})
    assert TOKEN not in caplog.text


def test_an_empty_token_matches_nothing() -> None:
    assert not bearer_matches("Bearer ", "")
    assert not bearer_matches(None, "")
    assert bearer_matches("bearer abc", "abc")


def path_of(links: Links, token: str) -> Path:
    file, path = links.opened(token)
    file.close()
    return path


def test_a_link_opens_one_file_for_ten_minutes(tmp_path: Path) -> None:
    now = 1000.0
    (tmp_path / "a.mp4").write_bytes(b"x")
    links = Links(tmp_path, clock=lambda: now)
    token = links.path(str(tmp_path / "a.mp4")).removeprefix("/media/")
    assert path_of(links, token) == tmp_path / "a.mp4"
    now += LINK_S + 1
    with pytest.raises(RefusedError, match="expired"):
        path_of(links, token)
    now -= LINK_S
    (tmp_path / "a.mp4").unlink()
    with pytest.raises(NotFoundError):
        path_of(links, token)


def test_a_link_to_a_file_as_it_is_ends_when_the_file_changes(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"x")
    links = Links(tmp_path)
    token = links.path(str(tmp_path / "a.mp4"), as_it_is=True).removeprefix("/media/")
    assert path_of(links, token) == tmp_path / "a.mp4"
    (tmp_path / "a.mp4").write_bytes(b"other")
    with pytest.raises(NotFoundError, match="changed"):
        path_of(links, token)


@pytest.mark.parametrize("token", ["", "x", "=", "a" * 60, "é", "A" * 5000, "../../etc/passwd"])
def test_a_made_up_link_opens_nothing(tmp_path: Path, token: str) -> None:
    with pytest.raises(RefusedError):
        path_of(Links(tmp_path), token)


def test_links_of_another_store_open_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"x")
    token = Links(tmp_path).path(str(tmp_path / "a.mp4")).removeprefix("/media/")
    (tmp_path / KEY_FILE).unlink()
    with pytest.raises(RefusedError):
        path_of(Links(tmp_path), token)


def test_links_outlive_a_restart_and_their_key_is_for_its_user_alone(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"x")
    token = Links(tmp_path).path(str(tmp_path / "a.mp4")).removeprefix("/media/")
    assert path_of(Links(tmp_path), token) == tmp_path / "a.mp4"
    if os.name == "posix":
        assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
        (tmp_path / KEY_FILE).chmod(0o644)
        with pytest.raises(RefusedError):  # others may have read the key: there is a new one
            path_of(Links(tmp_path), token)


def test_only_files_of_the_store_can_be_linked(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not in the subpath"):
        Links(tmp_path / "store").path(str(tmp_path / "secret.mp4"))
