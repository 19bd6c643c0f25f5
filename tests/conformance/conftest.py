"""One server with fixtures for each file of tests, and clients of both protocol eras for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.blocking import blocking_calls_fail
from tests.conformance.fixture_app import fixture_app, serving

Connect = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture(autouse=True)
def nothing_blocks_the_event_loop() -> Iterator[None]:
    with blocking_calls_fail():
        yield


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server's library, and the one folder whose files it may read."""
    return tmp_path_factory.mktemp("store").resolve()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(store: Path) -> AsyncIterator[str]:
    """Where the server with fixtures listens, as `http://127.0.0.1:PORT`."""
    async with serving(fixture_app(store)) as base:
        yield base


@pytest_asyncio.fixture(loop_scope="module")
async def http(address: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=address, timeout=20) as client:
        yield client


@pytest.fixture
def mcp_client(address: str) -> Connect:
    """Opens the SDK's own client: `mode` is "auto" (2026-07-28) or "legacy" (2025-11-25)."""

    @asynccontextmanager
    async def connect(mode: Any = "auto", **options: Any) -> AsyncIterator[Client]:
        async with Client(
            streamable_http_client(f"{address}/mcp"), mode=mode, read_timeout_seconds=20, **options
        ) as client:
            yield client

    return connect


@pytest.fixture(params=["auto", "legacy"])
def connect(request: pytest.FixtureRequest, mcp_client: Connect) -> Connect:
    """The same, once for each era."""
    return lambda **options: mcp_client(request.param, **options)
