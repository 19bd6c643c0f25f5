"""An HTTP server that ends its subscriptions first: it would wait for their streams in vain."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

GRACE_S = 5
"""How long requests under way are waited for at the end."""


class EndingServer(uvicorn.Server):
    """uvicorn, with `end_subscriptions` to be called before it waits for requests."""

    def __init__(
        self,
        app: ASGIApp,
        end_subscriptions: Callable[[], None],
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app, host=host, port=port, log_config=None, access_log=False,
                server_header=False, timeout_graceful_shutdown=GRACE_S,
            )
        )  # fmt: skip
        self._end_subscriptions = end_subscriptions

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell who listens that it is over, then wait for requests, then close the engine."""
        self._end_subscriptions()
        await super().shutdown(sockets)
