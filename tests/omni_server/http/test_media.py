"""Signed links: Range and ETag for players, and nothing that a browser would run."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from omni_core.settings import Settings
from omni_server.links import Links
from tests.omni_server.http.conftest import BASE, Web
from tests.results import text


async def linked(settings: Settings, name: str, data: bytes = b"0123456789") -> str:
    return await asyncio.to_thread(_linked, settings, name, data)


def _linked(settings: Settings, name: str, data: bytes) -> str:
    file = settings.store_path / "cache" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return Links(settings.store_path).path(str(file))


async def test_a_player_gets_ranges_and_a_changed_file_as_a_whole(
    web: Web, settings: Settings
) -> None:
    place = await linked(settings, "a.mp4")
    async with web() as http:
        whole = await http.get(place)
        tag = whole.headers["etag"]
        part = await http.get(place, headers={"range": "bytes=2-4", "if-range": tag})
        last = await http.get(place, headers={"range": "bytes=-3"})
        past = await http.get(place, headers={"range": "bytes=10-"})
        head = await http.head(place, headers={"range": "bytes=0-1"})
        same = await http.get(place, headers={"if-none-match": f'"x", {tag}'})
        await linked(settings, "a.mp4", b"another file")
        changed = await http.get(place, headers={"range": "bytes=2-4", "if-range": tag})
    assert whole.headers["accept-ranges"] == "bytes"
    assert (part.status_code, part.content) == (206, b"234")
    assert part.headers["content-range"] == "bytes 2-4/10"
    assert (last.status_code, last.content) == (206, b"789")
    assert (past.status_code, past.headers["content-range"]) == (416, "bytes */10")
    assert (head.status_code, head.content) == (206, b"")
    assert (same.status_code, same.content) == (304, b"")
    assert (changed.status_code, changed.content) == (200, b"another file")


@pytest.mark.parametrize(
    ("name", "kind", "shown"),
    [
        ("a.mp4", "video/mp4", True),
        ("a.webm", "video/webm", True),
        ("a.m4a", "audio/mp4", True),
        ("a.jpg", "image/jpeg", True),
        ("a.webp", "image/webp", True),
        ("a.svg", "image/svg+xml", False),
        ("a.html", "text/html", False),
        ("A.XHTML", "application/xhtml+xml", False),
        ("a.pdf", "application/pdf", False),
        ("a.xml", "text/xml", False),
        ("a.js", "text/javascript", False),
        ("a.md", "text/markdown", False),
        ("a", "application/octet-stream", False),
    ],
)
async def test_only_what_runs_nothing_is_shown_in_place(
    web: Web, settings: Settings, name: str, kind: str, shown: bool
) -> None:
    place = await linked(settings, name, b"<svg onload='alert(1)'/>")
    async with web() as http:
        for answer in (await http.get(place), await http.head(place)):
            assert answer.headers["content-type"].split(";")[0] in (kind, f"application/{kind[5:]}")
            disposition = answer.headers["content-disposition"]
            assert disposition.startswith("inline" if shown else "attachment")
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "sandbox" in answer.headers["content-security-policy"]
            assert "allow-scripts" not in answer.headers["content-security-policy"]


async def opened(http: httpx2.AsyncClient, mode: Any = "auto") -> str:
    transport = streamable_http_client(f"{BASE}/mcp", http_client=http)
    async with Client(transport, mode=mode) as mcp:
        return text(await mcp.call_tool("get_segment", {"ref": "seg_x"}))


@pytest.mark.parametrize("share", [False, True])
async def test_the_original_file_is_linked_only_where_the_settings_share_it(
    web: Web, engine: Any, root: Path, share: bool
) -> None:
    file = root / "talk.mp4"
    file.write_bytes(b"film")
    engine.uri = str(file)
    async with web(share_files=share) as http:
        words = await opened(http)
        assert ("The whole file" in words) is share
        if share:
            url = words.split("The whole file")[1].split("bytes: ")[1].split()[0]
            http.headers.pop("authorization")
            assert (await http.get(url)).content == b"film"
            file.unlink()
            assert (await http.get(url)).status_code == 404


@pytest.mark.parametrize("place", ["outside.mp4", "media/.hidden/key", "store/links.key"])
async def test_files_outside_the_roots_and_hidden_ones_are_never_linked(
    web: Web, engine: Any, tmp_path: Path, place: str
) -> None:
    file = tmp_path / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"secret")
    engine.uri = str(file)
    async with web(share_files=True) as http:
        assert "The whole file" not in await opened(http)
