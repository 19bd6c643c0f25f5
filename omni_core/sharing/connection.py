"""A client's connection to the host: many calls at once, each cancelled by its own caller."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from omni_core.codec import Codec, MalformedError, codec
from omni_core.collection_rights import CollectionRights
from omni_core.engine.api import EngineApi
from omni_core.errors import TooLargeError, unpack
from omni_core.sharing.forwarding import forwarding
from omni_core.sharing.handshake import HANDSHAKE_S, StrangerError, enter
from omni_core.sharing.link import LARGE, Link, OversizeError, to_bytes
from omni_core.sharing.methods import Callback, Method
from omni_core.sharing.part import Part
from omni_core.sharing.place import Notice, connect
from omni_core.sharing.terms import Terms
from omni_core.tasks import TaskOwner

log = logging.getLogger(__name__)

CANCEL_S = 2.5
"""How long a cancelled caller waits for the host to end the work."""
PING_S = 5.0
SILENT_S = 30.0
"""A host that says nothing for so long, asked every PING_S, is taken for gone."""


class HostGoneError(ConnectionError):
    """The host has ended, or is ending, before it answered. The call may be repeated."""


class HostFailedError(RuntimeError):
    """The engine raised an exception that is not one of ours; the host has logged it."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message, not decoded yet."""

    body: dict[str, Any]
    blobs: list[bytes]
    size: int

    async def decoded(self, used: Codec) -> Any:
        """The value in it."""
        if self.size > LARGE:
            return await asyncio.to_thread(used.decode, self.body.get("value"), self.blobs)
        return used.decode(self.body.get("value"), self.blobs)


class _Call:
    """One call under way."""

    def __init__(self) -> None:
        self.reports: dict[str, Received] = {}
        self.answer: Received | None = None
        self.changed = asyncio.Event()


@forwarding
class Connection(EngineApi):
    """Connected from `open` until the host has gone; then every call raises HostGoneError."""

    def __init__(self, link: Link, terms: Terms) -> None:
        self._link = link
        self.terms = terms
        """What the host said of itself."""
        self.overruled = ""
        """Settings of the host that apply here instead of this process's own."""
        self.gone = False
        self._on_gone: Callable[[], None] = lambda: None
        self._numbers = itertools.count(1)
        self._calls: dict[int, _Call] = {}
        self._listening: dict[int, tuple[Method, Callback]] = {}
        self._events: asyncio.Queue[tuple[Callback, Any]] = asyncio.Queue()
        self._heard_at = 0.0
        self._tasks = TaskOwner("the connection to the engine")

    @classmethod
    async def open(cls, notice: Notice) -> Connection:
        """Connect to the host of this notice. Raises OSError when it is not reached."""
        link = await Link.over(await connect(notice.address))
        try:
            await enter(link, bytes.fromhex(notice.secret))
            async with asyncio.timeout(HANDSHAKE_S):
                body, _ = await link.receive()
            return cls(link, codec(Terms).decode(body.get("welcome"), []))
        except (MalformedError, TimeoutError) as e:
            await link.close()
            raise StrangerError(f"no engine answers there: {e}") from e
        except BaseException:
            await link.close()
            raise

    def start(self, on_gone: Callable[[], None]) -> None:
        """Begin to use it; `on_gone` is called once when the host has gone."""
        self._on_gone = on_gone
        self._heard_at = asyncio.get_running_loop().time()
        for work in (self._read(), self._deliver(), self._ping()):
            self._tasks.start(work, name="the connection to the engine")

    async def close(self) -> None:
        """End the connection; the host cancels what is under way."""
        self._on_gone = lambda: None
        await self._tasks.close()
        await self._link.close()

    def within(self, collections: Sequence[str]) -> EngineApi:
        """The host's engine for a caller with rights on these collections."""
        return Part.of(self, CollectionRights.of(collections))

    async def _call(
        self, method: Method, arguments: Mapping[str, Any], *, within: tuple[str, ...] = ()
    ) -> Any:
        """The method's result. Cancelling this cancels it at the host, too."""
        number, call, blobs = next(self._numbers), _Call(), list[bytes]()
        body = _message(number, method, arguments, within, blobs)
        self._calls[number] = call
        try:
            if self.gone:
                raise HostGoneError("the host has gone")
            await self._send(to_bytes(body, blobs))
            return await self._follow(call, method, arguments)
        except OversizeError as e:
            raise TooLargeError(f"{e}; ask for less") from e
        except BaseException:  # this caller is cancelled, or its progress callback failed
            if call.answer is None and not self.gone:
                self._link.post(to_bytes({"cancel": number}))
                await self._ended(call)
            raise
        finally:
            del self._calls[number]

    async def _send(self, message: bytes) -> None:
        try:
            await self._link.send(message)
        except ConnectionError as e:
            raise HostGoneError(str(e)) from e

    async def _ended(self, call: _Call) -> None:
        """Wait until the host has ended the work of a cancelled call."""
        try:
            async with asyncio.timeout(CANCEL_S):
                while call.answer is None and not self.gone:
                    call.changed.clear()
                    await call.changed.wait()
        except TimeoutError:
            log.warning("a cancelled call goes on at the host for more than %g s", CANCEL_S)

    async def _follow(self, call: _Call, method: Method, arguments: Mapping[str, Any]) -> Any:
        while True:
            await call.changed.wait()
            call.changed.clear()
            while call.reports:
                name, report = call.reports.popitem()
                await arguments[name](await report.decoded(method.callbacks[name]))
            if call.answer is not None:
                return await _result(method, call.answer)
            if self.gone:
                raise HostGoneError("the host has gone")

    def _listen(
        self, method: Method, arguments: Mapping[str, Any], *, within: tuple[str, ...] = ()
    ) -> Callable[[], None]:
        """Begin to listen; returns the function that ends it."""
        number, blobs = next(self._numbers), list[bytes]()
        body = _message(number, method, arguments, within, blobs)
        (name,) = method.callbacks
        self._listening[number] = (method, arguments[name])
        self._link.post(to_bytes(body, blobs))

        def stop() -> None:
            if self._listening.pop(number, None) is not None:
                self._link.post(to_bytes({"cancel": number}))

        return stop

    async def _read(self) -> None:
        try:
            while True:
                body, blobs = await self._link.receive()
                self._heard_at = asyncio.get_running_loop().time()
                self._take(body, blobs)
        except (ConnectionError, MalformedError) as e:
            log.info("the engine of pid %d has gone: %s", self.terms.pid, e)
        finally:
            self._link.writer.transport.abort()
            self.gone = True
            for call in self._calls.values():
                call.changed.set()
            self._on_gone()

    def _take(self, body: dict[str, Any], blobs: list[bytes]) -> None:
        number = body.get("id")
        if "event" in body and number in self._listening:
            method, listener = self._listening[number]
            (value,) = method.callbacks.values()
            self._events.put_nowait((listener, value.decode(body["event"], blobs)))
        call = self._calls.get(number) if isinstance(number, int) else None
        if call is None:
            return  # a pong, or of a call that has been given up
        if "report" in body:
            call.reports[body["report"]] = Received(body, blobs, self._link.received)
        elif "event" not in body:
            call.answer = Received(body, blobs, self._link.received)
        call.changed.set()

    async def _deliver(self) -> None:
        while True:
            listener, value = await self._events.get()
            try:
                await listener(value)
            except Exception:
                log.exception("a listener failed at %r", value)

    async def _ping(self) -> None:
        loop = asyncio.get_running_loop()
        for number in itertools.count():
            await asyncio.sleep(PING_S)
            if not self._calls:
                self._heard_at = loop.time()  # nobody waits for it
                continue
            if loop.time() - self._heard_at > SILENT_S:
                log.warning("the engine of pid %d does not answer", self.terms.pid)
                self._link.writer.transport.abort()
                return
            self._link.post(to_bytes({"ping": number}))


def _message(
    number: int,
    method: Method,
    arguments: Mapping[str, Any],
    within: tuple[str, ...],
    blobs: list[bytes],
) -> dict[str, Any]:
    body = {"id": number, "call": method.name, "with": method.encode(arguments, blobs)}
    return body | {"within": list(within)} if within else body


async def _result(method: Method, answer: Received) -> Any:
    body = answer.body
    if "error" in body:
        raise unpack(body["error"])
    if "failed" in body:
        raise HostFailedError(str(body["failed"]))
    if "value" not in body:
        raise HostGoneError("the host is ending")
    assert method.result is not None  # noqa: S101 - it does not listen
    return await answer.decoded(method.result)
