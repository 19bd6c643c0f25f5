"""A stream of changes ends soon after the token that it was opened with does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from omni_core.settings import Settings
from omni_server import streams
from omni_server.auth import tokens_file
from omni_server.auth.token_edit import add, revoke
from omni_server.http.app import create_http
from tests.omni_server.auth.conftest import Both, address, bound, listening

ANNA, BEN = "omni_of-anna-of-anna", "omni_of-ben-of-ben"


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens_file, "LOOK_S", 0.0)
    monkeypatch.setattr(streams, "STANDS_S", 0.02)


@pytest.fixture
async def server(settings: Settings, engine: Any, tmp_path: Path) -> AsyncIterator[str]:
    """The address of /mcp on a server with the tokens of Anna and Ben."""

    async def opener(_: Settings) -> Any:
        return engine

    def made() -> Any:
        for name, token in (("anna", ANNA), ("ben", BEN)):
            add(tmp_path / "tokens.toml", token, name=name, scopes=["read"])
        return create_http(
            replace(settings, tokens_file=str(tmp_path / "tokens.toml")), opener=opener
        )

    with bound() as listener:
        async with listening(await asyncio.to_thread(made), listener):
            yield f"{address(listener)}/mcp"


@asynccontextmanager
async def stream(url: str, token: str) -> AsyncIterator[Any]:
    headers = {"authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        Client(streamable_http_client(url, http_client=http)) as mcp,
        mcp.listen(resources_list_changed=True) as events,
    ):
        yield events


def _other_scopes(path: Path) -> None:
    revoke(path, "anna")
    add(path, ANNA, name="anna", scopes=["ingest"])


def _expired(path: Path) -> None:
    revoke(path, "anna")
    add(path, ANNA, name="anna", scopes=["read"], expires=date(2020, 1, 1))


def _gone(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    "change", [lambda path: revoke(path, "anna"), _other_scopes, _expired, _gone]
)
async def test_a_stream_ends_when_its_token_counts_no_more(
    server: str, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    async with stream(server, ANNA) as events:
        await asyncio.to_thread(change, tmp_path / "tokens.toml")
        with anyio.fail_after(30):
            assert [event async for event in events] == []


async def test_the_streams_of_other_tokens_go_on(server: str, engine: Any, tmp_path: Path) -> None:
    async with stream(server, ANNA) as ended, stream(server, BEN) as other:
        await asyncio.to_thread(revoke, tmp_path / "tokens.toml", "anna")
        with anyio.fail_after(30):
            assert [event async for event in ended] == []
            while not engine.listeners:  # noqa: ASYNC110 - it opens a moment after the start
                await asyncio.sleep(0.01)
            for listener in engine.listeners:
                await listener("src_" + "a" * 16)
            assert await anext(aiter(other))


async def test_a_stream_ends_when_its_access_token_expires(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with both() as (url, issuer), stream(url, issuer.token(url, "read")) as events:
        monkeypatch.setattr("omni_server.auth.access_token.LEEWAY_S", -1e9)
        with anyio.fail_after(30):
            assert [event async for event in events] == []
