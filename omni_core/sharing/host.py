"""Serves the engine of this process to other processes of the same user.

A message of a client is one of
    {"id", "call", "with"}     call a method, or begin to listen; with "within", the collections
                               that the caller has rights on, a method of `Engine.within`
    {"cancel": id}             cancel that call, or end that listening
    {"ping": n}
and of the host
    {"id", "value"}, {"id", "error"}, {"id", "failed"}, {"id", "cancelled"}    the end of a call
    {"id", "report", "value"}                                                  its progress
    {"id", "event"}                                                            of what listens
    {"pong": n}
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from typing import Any

from omni_core import forks
from omni_core.codec import MalformedError, codec
from omni_core.engine.api import EngineApi
from omni_core.errors import OmniError, TooLargeError, UnavailableError, pack
from omni_core.sharing.handshake import admit
from omni_core.sharing.link import BUFFER, Link, OversizeError, to_bytes
from omni_core.sharing.methods import METHODS, Method
from omni_core.sharing.reports import Events, Reports
from omni_core.sharing.terms import Terms
from omni_core.tasks import TaskOwner

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 256
SLOW_S = 1.0
"""The result of a call that took longer may be large (a folder of 10,000 files), and is written in
a thread; for a fast call that would be a third of its cost."""
MAX_CALLS = 1000
"""Calls of one client at once; a server for many agents is one client."""


class Host:
    """Listens on a socket until it is closed. No client can stop it or slow the others down."""

    def __init__(self, engine: EngineApi, terms: Terms) -> None:
        self._engine, self._terms = engine, terms
        self._tasks = TaskOwner("the clients of this engine")
        self._links: set[Link] = set()
        self._guests: set[Guest] = set()
        self._server: asyncio.Server | None = None
        self._descriptor = -1
        self._secret = b""

    async def start(self, listening: socket.socket, secret: str) -> None:
        """Serve whoever knows the secret; the socket is closed with this host."""
        self._secret = bytes.fromhex(secret)
        self._descriptor = listening.fileno()
        forks.close_in_children(self._descriptor)
        self._server = await asyncio.start_server(self._connected, sock=listening, limit=BUFFER)

    @property
    def clients(self) -> int:
        """How many processes are connected."""
        return len(self._guests)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._links) >= MAX_CONNECTIONS or self._server is None:
            writer.transport.abort()
            return
        self._tasks.start(self._serve(Link(reader, writer)), name="a client of this engine")

    async def _serve(self, link: Link) -> None:
        self._links.add(link)
        guest = Guest(self._engine, link)
        try:
            await admit(link, self._secret)
            self._guests.add(guest)
            terms = codec(Terms).encode(self._terms, [])
            await link.send(to_bytes({"welcome": terms | {"clients": self.clients}}))
            await guest.serve()
        except (OSError, MalformedError) as e:
            log.info("a client of this engine has gone: %s", e)
        finally:
            self._guests.discard(guest)
            await guest.close()
            await link.close()
            self._links.discard(link)

    async def close(self) -> None:
        """Leave every client at once and cancel their calls: they repeat them at another host."""
        server, self._server = self._server, None
        if server is not None:
            forks.forget(self._descriptor)
            server.close()
        for link in self._links:
            link.writer.transport.abort()
        await self._tasks.close()
        if server is not None:
            await server.wait_closed()


class Guest:
    """One connected process: its calls, and what it listens to."""

    def __init__(self, engine: EngineApi, link: Link) -> None:
        self._engine, self._link = engine, link
        self._tasks = TaskOwner("a client's calls")
        self._calls: dict[int, asyncio.Task[None]] = {}
        self._listening: dict[int, Callable[[], None]] = {}

    async def serve(self) -> None:
        """Answer until the connection ends; raises ConnectionError or MalformedError then."""
        while True:
            body, blobs = await self._link.receive()
            match body:
                case {"ping": int(number)}:
                    self._link.post(to_bytes({"pong": number}))
                case {"cancel": int(number)}:
                    self._cancel(number)
                case {"id": int(number), "call": str(name), "with": dict(sent)}:
                    if name not in METHODS or number in self._calls or number in self._listening:
                        raise MalformedError(f"a call that cannot be: {number} {name:.80}")
                    self._begin(number, METHODS[name], sent, blobs, self._seen(body))
                case _:
                    raise MalformedError("an unknown message")

    def _seen(self, body: dict[str, Any]) -> EngineApi:
        """The engine, or what the caller has rights on."""
        if "within" not in body:
            return self._engine
        match body["within"]:
            case [*names] if all(isinstance(name, str) for name in names):
                try:
                    return self._engine.within(names)
                except OmniError as e:
                    raise MalformedError(f"rights that cannot be: {e}") from None
        raise MalformedError("rights that are no names")

    def _begin(
        self, number: int, method: Method, sent: Any, blobs: list[bytes], engine: EngineApi
    ) -> None:
        if method.listens:
            self._listen(number, method, sent, blobs, engine)
        elif len(self._calls) >= MAX_CALLS:
            busy = UnavailableError(f"{MAX_CALLS} calls are under way; try again", code="BUSY")
            self._link.post(to_bytes({"id": number, "error": pack(busy)}))
        else:
            task = self._tasks.start(
                self._answer(number, method, sent, blobs, engine),
                name=f"{method.name} for a client",
                log_failure=False,
            )
            self._calls[number] = task
            task.add_done_callback(lambda _: self._calls.pop(number, None))

    def _cancel(self, number: int) -> None:
        if number in self._listening:
            self._listening.pop(number)()
        task = self._calls.get(number)
        if task is not None and not task.cancelling():
            task.cancel()

    def _listen(
        self, number: int, method: Method, sent: Any, blobs: list[bytes], engine: EngineApi
    ) -> None:
        ((_, value),) = method.callbacks.items()
        events = Events(self._link, number, value, self._tasks)
        arguments = method.decode(sent, blobs, lambda _: events.event)
        self._listening[number] = getattr(engine, method.name)(**arguments)

    async def _answer(
        self, number: int, method: Method, sent: Any, blobs: list[bytes], engine: EngineApi
    ) -> None:
        reports = Reports(self._link, number, method.callbacks, self._tasks)
        try:
            answer = await self._result(number, method, sent, blobs, reports, engine)
        except asyncio.CancelledError:
            self._link.post(to_bytes({"id": number, "cancelled": True}))
            raise
        except OmniError as e:
            answer = to_bytes({"id": number, "error": pack(e)})
        except Exception as e:
            log.exception("%s failed", method.name)
            answer = to_bytes({"id": number, "failed": f"{type(e).__name__}: {e}"})
        finally:
            reports.stop()
        with contextlib.suppress(ConnectionError):  # it has gone before its answer
            await self._link.send(answer)

    async def _result(
        self,
        number: int,
        method: Method,
        sent: Any,
        blobs: list[bytes],
        reports: Reports,
        engine: EngineApi,
    ) -> bytes:
        """The message with the result."""
        began = asyncio.get_running_loop().time()
        arguments = method.decode(sent, blobs, reports.callback)
        value = await getattr(engine, method.name)(**arguments)
        await reports.flush()
        if asyncio.get_running_loop().time() - began > SLOW_S:
            return await asyncio.to_thread(_message, number, method, value)
        return _message(number, method, value)

    async def close(self) -> None:
        """Cancel its calls and end its listening."""
        while self._listening:
            self._listening.popitem()[1]()
        await self._tasks.close()


def _message(number: int, method: Method, value: Any) -> bytes:
    blobs: list[bytes] = []
    assert method.result is not None  # noqa: S101 - it does not listen
    body = {"id": number, "value": method.result.encode(value, blobs)}
    try:
        return to_bytes(body, blobs)
    except OversizeError as e:
        raise TooLargeError(f"{e}; ask for less") from e
