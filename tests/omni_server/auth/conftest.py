"""A server and an authorization server, each listening on a port of this machine."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from starlette.types import ASGIApp

from omni_core.settings import Settings
from omni_server.http.app import create_http
from omni_server.http.ending import EndingServer
from tests.omni_server.auth.authorization_server import AuthorizationServer

Both = Callable[..., AbstractAsyncContextManager[tuple[str, AuthorizationServer]]]


@asynccontextmanager
async def listening(app: ASGIApp, listener: socket.socket) -> AsyncIterator[None]:
    """Serve the application on a socket that listens already."""
    server = EndingServer(app, getattr(app, "end_subscriptions", lambda: None))
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await asyncio.wait_for(running, 60)


def bound() -> socket.socket:
    """A listening socket on a free port."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    return listener


def address(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def both(settings: Settings, engine: Any) -> Both:
    """The address of /mcp and the authorization server; options are settings."""

    @asynccontextmanager
    async def serve(**options: Any) -> AsyncIterator[tuple[str, AuthorizationServer]]:
        async def opener(_: Settings) -> Any:
            return engine

        with bound() as here, bound() as there:
            issuer = AuthorizationServer(address(there))
            url = f"{address(here)}/mcp"
            base: dict[str, Any] = {
                "store": settings.store, "roots": settings.roots, "allow_delete": True,
                "oauth_issuer": issuer.issuer, "oauth_audience": url,
            }  # fmt: skip
            app = await asyncio.to_thread(create_http, Settings(**(base | options)), opener=opener)
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(listening(issuer.app, there))
                await stack.enter_async_context(listening(app, here))
                yield url, issuer

    return serve
