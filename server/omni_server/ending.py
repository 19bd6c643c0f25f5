"""An HTTP server that ends its subscriptions first: it would wait for their streams in vain."""

from __future__ import annotations

import socket

import uvicorn

from omni_server.http import Gate

GRACE_S = 5
"""How long requests under way are waited for at the end."""


class EndingServer(uvicorn.Server):
    """uvicorn, for one `Gate`."""

    def __init__(self, app: Gate, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(
            uvicorn.Config(
                app, host=host, port=port, log_config=None, access_log=False,
                server_header=False, timeout_graceful_shutdown=GRACE_S,
            )
        )  # fmt: skip
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell who listens that it is over, then wait for requests, then close the engine."""
        self._app.end_subscriptions()
        await super().shutdown(sockets)
