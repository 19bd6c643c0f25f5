"""A uvicorn server that ends subscription streams at shutdown, before it waits for requests."""

from __future__ import annotations

import functools
import socket
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from omni_server.http.connections import Connections, TimedProtocol

GRACE_S = 5
"""How long shutdown waits for running requests, seconds."""


class EndingServer(uvicorn.Server):
    """A uvicorn server that calls `end_subscriptions` first when it shuts down: those streams
    would otherwise keep it waiting for `GRACE_S`."""

    def __init__(
        self,
        app: ASGIApp,
        end_subscriptions: Callable[[], None],
        host: str = "127.0.0.1",
        port: int = 0,
        connections: Connections | None = None,
    ) -> None:
        """`connections`: how many there may be."""
        protocol: Any = functools.partial(TimedProtocol, among=connections or Connections())
        super().__init__(
            uvicorn.Config(
                app, host=host, port=port, log_config=None, access_log=False,
                server_header=False, timeout_graceful_shutdown=GRACE_S, ws="none",
                http=protocol,
            )
        )  # fmt: skip
        self._end_subscriptions = end_subscriptions

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the subscriptions, wait for running requests, run the end of the lifespan."""
        self._end_subscriptions()
        await super().shutdown(sockets)
