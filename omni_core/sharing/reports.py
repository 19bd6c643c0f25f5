"""From the host's engine to a client: progress of a call, and events of a subscription.

Neither ever waits for the client, so one that does not read slows nobody down.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

from omni_core.codec import Codec
from omni_core.sharing.link import Link, to_bytes
from omni_core.sharing.methods import Callback
from omni_core.tasks import TaskOwner

PAUSE_S = 0.05
"""Between two reports of one call at least."""
SHARE = 0.1
"""At most this share of the time goes into reports of one call: the status of a folder of 10,000
files takes 0.1 s to write."""
MAX_EVENTS = 10_000
"""Different events that may wait for one client before it is left."""


class Reports:
    """The callbacks of one call: of each the newest value is sent, at bearable intervals."""

    def __init__(
        self, link: Link, number: int, codecs: Mapping[str, Codec], tasks: TaskOwner
    ) -> None:
        self._link, self._number, self._codecs, self._tasks = link, number, codecs, tasks
        self._newest: dict[str, Any] = {}
        self._sending: asyncio.Task[None] | None = None

    def callback(self, name: str) -> Callback:
        """The callback that stands for the client's argument `name`."""

        async def report(value: Any) -> None:
            self._newest[name] = value
            if self._sending is None:
                self._sending = self._tasks.start(self._send_on(), name="progress for a client")

        return report

    async def _send_on(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._newest:
                began = loop.time()
                await self.flush()
                took = loop.time() - began
                await asyncio.sleep(max(PAUSE_S, took / SHARE - took))
        finally:
            self._sending = None

    async def flush(self) -> None:
        """Send what has not been sent, before the result of the call."""
        while self._newest:
            message = await asyncio.to_thread(self._message, *self._newest.popitem())
            with contextlib.suppress(ConnectionError):  # its call will be cancelled
                await self._link.send(message)

    def _message(self, name: str, value: Any) -> bytes:
        blobs: list[bytes] = []
        encoded = self._codecs[name].encode(value, blobs)
        return to_bytes({"id": self._number, "report": name, "value": encoded}, blobs)

    def stop(self) -> None:
        """Send nothing more by itself."""
        if self._sending is not None:
            self._sending.cancel()


class Events:
    """The callback of one subscription: every value is sent, equal ones that wait only once."""

    def __init__(self, link: Link, number: int, codec: Codec, tasks: TaskOwner) -> None:
        self._link, self._number, self._codec, self._tasks = link, number, codec, tasks
        self._waiting: dict[bytes, None] = {}
        self._sending: asyncio.Task[None] | None = None

    async def event(self, value: Any) -> None:
        """Send the value soon; a client that lets too many wait is left."""
        blobs: list[bytes] = []
        body = {"id": self._number, "event": self._codec.encode(value, blobs)}
        self._waiting[to_bytes(body, blobs)] = None
        if len(self._waiting) > MAX_EVENTS:
            self._link.writer.transport.abort()
        elif self._sending is None:
            self._sending = self._tasks.start(self._send_on(), name="events for a client")

    async def _send_on(self) -> None:
        try:
            while self._waiting:
                message = next(iter(self._waiting))
                del self._waiting[message]
                with contextlib.suppress(ConnectionError):
                    await self._link.send(message)
        finally:
            self._sending = None
