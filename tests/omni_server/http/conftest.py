"""A running HTTP application around the scripted engine, and its client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx2
import pytest

from omni_core.settings import Settings
from omni_server.http.app import HttpServer, create_http

TOKEN = "correct-horse-battery"  # noqa: S105
AUTH = {"authorization": f"Bearer {TOKEN}"}
BASE = "http://127.0.0.1:8000"

Web = Callable[..., AbstractAsyncContextManager[httpx2.AsyncClient]]
Running = Callable[..., AbstractAsyncContextManager[HttpServer]]


@pytest.fixture
def running(settings: Settings, engine: Any) -> Running:
    """A running application; options are settings."""

    @asynccontextmanager
    async def run(**options: Any) -> AsyncIterator[HttpServer]:
        async def opener(_: Settings) -> Any:
            return engine

        base: dict[str, Any] = {"store": settings.store, "roots": settings.roots, "token": TOKEN}
        app = create_http(Settings(**(base | options)), opener=opener)
        async with app.running():
            yield app

    return run


@pytest.fixture
def web(running: Running) -> Web:
    """A client of one that has the token."""

    @asynccontextmanager
    async def serve(**options: Any) -> AsyncIterator[httpx2.AsyncClient]:
        async with (
            running(**options) as app,
            httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app=app), base_url=BASE, headers=AUTH
            ) as client,
        ):
            yield client

    return serve
