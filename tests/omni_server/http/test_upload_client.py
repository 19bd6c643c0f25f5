"""`omni-mcp upload`: sends what the server lacks, and goes on by itself."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest

from omni_core.errors import BadRequestError, NotFoundError, OmniError
from omni_core.settings import Settings
from omni_server import upload_client
from omni_server.auth.token_edit import add
from omni_server.cli.parser import parse
from omni_server.cli.upload import upload
from omni_server.upload_client import UploadClient, address
from tests.omni_server.http.conftest import BASE, TOKEN, Running

FILE = os.urandom(5_000_000)


class Line(httpx2.AsyncBaseTransport):
    """A connection to the application, on which as many PATCHes break as `breaks` has numbers,
    each after so many bytes."""

    def __init__(self, app: Any, breaks: Sequence[int] = ()) -> None:
        self.inner = httpx2.ASGITransport(app=app)
        self.breaks = list(breaks)
        self.sent: list[tuple[str, int]] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = await request.aread()
        if request.method != "PATCH" or not self.breaks:
            self.sent.append((request.method, len(body)))
            return await self.inner.handle_async_request(request)
        headers = {k: v for k, v in request.headers.items() if k != "content-length"}
        part = httpx2.Request(
            "PATCH", request.url, headers=headers, content=body[: self.breaks.pop(0)]
        )
        answer = await self.inner.handle_async_request(part)
        await answer.aread()
        raise httpx2.ReadError("the line broke")


def quiet(what: str, at: int, size: int) -> None:
    assert 0 <= at <= size


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "My talk.mp4"
    path.write_bytes(FILE)
    return path


async def test_a_file_is_sent_once(running: Running, file: Path, settings: Settings) -> None:
    async with running() as app:
        line = Line(app)
        client = UploadClient(f"{BASE}/mcp", TOKEN, transport=line)
        first = await client.send(file, quiet)
        again = await client.send(file, quiet)
        held = await client.uploads()
        await client.remove(first.source)
        left = await client.uploads()
        await client.close()
    assert (first.size, first.sent) == (len(FILE), len(FILE))
    assert (again.source, again.sent) == (first.source, 0)
    assert [(u["source"], u["name"], u["complete"]) for u in held] == [
        (first.source, "My talk.mp4", True)
    ]
    assert left == []


async def test_a_line_that_breaks_often_is_gone_on_with(
    running: Running, file: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_client, "REQUEST_BYTES", 2_000_000)
    async with running() as app:
        line = Line(app, [300_000] * 12)
        client = UploadClient(BASE, TOKEN, transport=line, pause_s=0.001)
        sent = await client.send(file, quiet)
        await client.close()
    whole = settings.store_path / "uploads" / sent.source / "My talk.mp4"
    assert await asyncio.to_thread(whole.read_bytes) == FILE
    patched = [size for method, size in line.sent if method == "PATCH"]
    assert sum(patched) == len(FILE) - 12 * 300_000


async def test_the_same_command_goes_on_where_another_gave_up(running: Running, file: Path) -> None:
    async with running() as app:
        dead = Line(app, [1_000_000] + [0] * upload_client.ATTEMPTS)
        client = UploadClient(BASE, TOKEN, transport=dead, pause_s=0.001)
        with pytest.raises(OmniError, match="goes on where this one was"):
            await client.send(file, quiet)
        await client.close()
        again = UploadClient(BASE, TOKEN, transport=Line(app))
        sent = await again.send(file, quiet)
        await again.close()
    assert sent.sent == len(FILE) - 1_000_000


async def test_a_line_that_takes_nothing_is_given_up_with_one_line(
    running: Running, file: Path
) -> None:
    async with running() as app:
        line = Line(app, [0] * 1000)
        client = UploadClient(BASE, TOKEN, transport=line, pause_s=0.0001)
        with pytest.raises(OmniError, match="cannot be reached"):
            await client.send(file, quiet)
        await client.close()
    assert len(line.breaks) == 1000 - upload_client.ATTEMPTS


async def test_refusals_are_the_servers_own_words(running: Running, file: Path) -> None:
    async with running(max_file_mb=1) as app:
        client = UploadClient(BASE, TOKEN, transport=Line(app))
        with pytest.raises(OmniError, match="an upload may have 1 MB") as e:
            await client.send(file, quiet)
        assert e.value.code == "TOO_LARGE"
        await client.close()
        wrong = UploadClient(BASE, "wrong", transport=Line(app))
        with pytest.raises(BadRequestError, match="OMNI_TOKEN"):
            await wrong.send(file, quiet)
        await wrong.close()


async def test_a_token_that_may_not_upload_is_told_which_scope_it_lacks(
    running: Running, file: Path, tmp_path: Path
) -> None:
    tokens = tmp_path / "tokens.toml"
    await asyncio.to_thread(add, tokens, TOKEN[::-1], name="reader", scopes=["read"])
    async with running(tokens_file=str(tokens)) as app:
        client = UploadClient(BASE, TOKEN[::-1], transport=Line(app))
        with pytest.raises(OmniError, match="scope `ingest`") as e:
            await client.send(file, quiet)
        assert e.value.code == "FORBIDDEN"
        await client.close()


async def test_an_upload_that_the_next_server_does_not_know_is_said_so(
    running: Running, file: Path
) -> None:
    class Forgetful(Line):
        """Removes an upload before it is asked how far that is: as another server would have it."""

        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            if request.method == "HEAD":
                gone = httpx2.Request("DELETE", request.url, headers=request.headers)
                await super().handle_async_request(gone)
            return await super().handle_async_request(request)

    async with running() as app:
        client = UploadClient(BASE, TOKEN, transport=Forgetful(app))
        with pytest.raises(NotFoundError, match="always to the same one"):
            await client.send(file, quiet)
        await client.close()


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("http://a:8000", "http://a:8000/"),
        ("http://a:8000/mcp", "http://a:8000/"),
        ("https://a.example/omni/mcp/", "https://a.example/omni/"),
    ],
)
def test_the_address_may_be_that_of_the_protocol(given: str, base: str) -> None:
    assert address(given) == base


@pytest.mark.parametrize("given", ["a.example", "ftp://a", "https://", "http://user@a"])
def test_what_is_no_address_is_said(given: str) -> None:
    with pytest.raises(BadRequestError, match="--to"):
        address(given)


async def test_the_command_wants_a_server_and_files(tmp_path: Path) -> None:
    with pytest.raises(BadRequestError, match="--to"):
        await upload(parse(["upload", "a.mp4"]))
    with pytest.raises(BadRequestError, match="at least one file"):
        await upload(parse(["upload", "--to", BASE]))
    with pytest.raises(NotFoundError, match="folder"):
        await upload(parse(["upload", str(tmp_path), "--to", BASE]))
