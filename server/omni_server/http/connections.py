"""Connections have deadlines and a number: nobody holds one without sending, or without reading.

uvicorn times a connection between two requests only. A head that never ends, a client that connects
and says nothing, and one that never reads its answer would each keep a connection, before any
token is looked at. Streams of events and long uploads go on as long as both sides do their part;
how slowly a body may come is decided in `bodies`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S = 15.0
"""Seconds in which the head of a request must be there, from the connection or its first byte."""
READ_S = 60.0
"""Seconds in which a client must read something of an answer that waits for it."""
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\n"
    b"Content-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s"
)
_WHY = b"BUSY: too many connections (max_connections, connections_per_address)\n"


class Connections:
    """The open connections of a server: how many there may be, and their deadlines."""

    def __init__(
        self, most: int = 1000, of_one: int = 250, head_s: float = HEAD_S, read_s: float = READ_S
    ) -> None:
        """`most` in all, `of_one` from one address."""
        self._most, self._of_one = most, of_one
        self.head_s, self.read_s = head_s, read_s
        self._by_address: Counter[str] = Counter()

    def take(self, address: str) -> bool:
        """Count a new one; False where there are too many."""
        full = self._by_address.total() >= self._most
        if full or self._by_address[address] >= self._of_one:
            return False
        self._by_address[address] += 1
        return True

    def free(self, address: str) -> None:
        """One has ended."""
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]


class TimedProtocol(H11Protocol):
    """One connection with its deadlines."""

    def __init__(self, *args: Any, among: Connections, **options: Any) -> None:
        """`among`: the connections of its server."""
        super().__init__(*args, **options)
        self._among = among
        self._address: str | None = None
        """Under which it is counted; None where it is not."""
        self._head: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._last: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count it, or refuse it."""
        super().connection_made(transport)
        address = self.client[0] if self.client else ""
        if not self._among.take(address):
            transport.write(_FULL % (len(_WHY), _WHY))
            self._end()
            return
        self._address = address
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        for timer in (self._head, self._unread, self._last):
            if timer is not None:
                timer.cancel()
        if self._address is not None:
            self._among.free(self._address)
            self._address = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Handle it; without a request under way it belongs to a head, which must end in time."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._head_is_there()
        elif self._head is None and not self.transport.is_closing():
            self._wait_for_head()

    def on_response_complete(self) -> None:
        """The keep-alive of uvicorn counts from here on, until the next byte."""
        self._head_is_there()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """The client is behind with reading."""
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(self._among.read_s, self.transport.abort)

    def resume_writing(self) -> None:
        """It has read on."""
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that was idle, whether or not its last answer is read."""
        super().timeout_keep_alive_handler()
        self._end()

    def _wait_for_head(self) -> None:
        self._head = self.loop.call_later(self._among.head_s, self._end)

    def _head_is_there(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _end(self) -> None:
        """Close; an answer that the client does not read is given up after a while."""
        self.transport.close()
        if self._last is None:
            self._last = self.loop.call_later(self._among.read_s, self.transport.abort)
