"""A server for a person's browser: serves on a socket, and says when it answers."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from omni_core.settings import Settings
from omni_server.app import build
from omni_server.auth.credentials import is_guarded
from omni_server.http.app import application
from omni_server.http.ending import EndingServer
from omni_server.http.gate import check
from omni_server.http.port import refused
from omni_server.links import Links
from omni_server.state import State


@contextlib.contextmanager
def listening(host: str, port: int, *, or_any: bool) -> Iterator[tuple[socket.socket, int]]:
    """A socket that listens, and its port; with `or_any` a free one where `port` is taken.

    Raises BadRequestError when the port cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as e:
            if e.errno != errno.EADDRINUSE or not or_any:
                raise refused(host, port, e) from e
            listener.bind((host, 0))
        listener.listen(128)
        yield listener, listener.getsockname()[1]


class _AnnouncingServer(EndingServer):
    """Sets `answers` once requests are answered."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.answers = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.answers.set()


async def serve(
    settings: Settings,
    listener: socket.socket,
    started: Callable[[State], Coroutine[Any, Any, None]],
) -> None:
    """Serve until interrupted; `started` runs beside it, once requests are answered."""
    check(settings)
    state = State(settings)
    state.guarded = is_guarded(settings)
    shared = settings.root_paths if settings.share_files else ()
    state.links = Links(settings.store_path, shared)
    app = application(state, build(state))
    server = _AnnouncingServer(app, app.end_subscriptions, settings.host, settings.port)

    async def after() -> None:
        await server.answers.wait()
        await started(state)

    beside = asyncio.create_task(after(), name="after the start")
    try:
        await server.serve(sockets=[listener])
    finally:
        beside.cancel()
        await asyncio.gather(beside, return_exceptions=True)
