"""Notices that a database hangs or is gone, so that nobody waits for it without end.

A question may take long; a server that hangs looks the same from here. So a connection whose answer
is late is broken off only when the server answers no new connection either. From then on every call
is refused at once, until it does.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import psycopg

QUIET_S = 3.0
"""How long an answer may take before the server is asked whether it is alive."""
ALIVE_S = 3
"""How long it may take to answer a new connection."""
LOOK_S = 0.5
"""How often the waiting connections are looked at, and a server that is gone is tried again."""


class Watch:
    """Looks after the connections in use, in a thread that sleeps while there are none."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._changed = threading.Condition()
        self._waiting: dict[psycopg.Connection[object], float] = {}
        """Connections in use, and since when the server is not known to be alive."""
        self._gone: psycopg.Error | None = None
        self._idle = self._closed = False
        self._thread: threading.Thread | None = None

    @contextmanager
    def over(self, connection: psycopg.Connection[object]) -> Iterator[None]:
        """Inside the block a wait for the server ends when the server is gone."""
        with self._changed:
            self._waiting[connection] = time.monotonic()
            self._wake()
        try:
            yield
        finally:
            with self._changed:
                del self._waiting[connection]

    def refuse(self) -> None:
        """Raise psycopg.Error while the server is known to be gone."""
        if self._gone is not None:
            raise psycopg.OperationalError(str(self._gone))

    def look(self) -> None:
        """Ask the server whether it answers, after a connection to it broke. Raises psycopg.Error
        where it does not, and so does `refuse` from then on, until it answers again."""
        self.refuse()
        try:
            self._connect()
        except psycopg.Error as e:
            with self._changed:
                self._gone = e
                self._wake()
            raise

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _connect(self) -> None:
        # a pooler takes a connection also while the server behind it is gone
        with closing(psycopg.connect(self._url, connect_timeout=ALIVE_S, autocommit=True)) as one:
            answer(one, "SELECT 1", ALIVE_S)

    def _wake(self) -> None:
        if self._thread is None and not self._closed:
            self._thread = threading.Thread(target=self._run, name="catalog watch", daemon=True)
            self._thread.start()
        elif self._idle:
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._idle = not self._waiting and self._gone is None
                self._changed.wait(None if self._idle else LOOK_S)
                self._idle = False
                if self._closed:
                    return
                late = [c for c, since in self._waiting.items() if _is_late(since)]
            if late or self._gone is not None:
                self._ask(late)

    def _ask(self, late: list[psycopg.Connection[object]]) -> None:
        gone: psycopg.Error | None = None
        try:
            self._connect()
        except psycopg.Error as e:
            gone = e
        hangs = isinstance(gone, psycopg.errors.ConnectionTimeout)
        with self._changed:
            if gone is None or hangs:  # else it answers, if only that it takes no more connections
                self._gone = gone
            for connection in late:
                if connection in self._waiting:
                    self._waiting[connection] = time.monotonic()
                    if hangs:
                        _break_off(connection)


def answer(connection: psycopg.Connection[Any], question: str, within_s: float) -> Any:
    """The first value of the answer; raises psycopg.Error, ConnectionTimeout where none came in
    time, which the connection does not survive."""
    late = threading.Timer(within_s, _break_off, (connection,))
    late.start()
    try:
        row = connection.execute(question).fetchone()
    except psycopg.OperationalError:
        if not late.is_alive():
            raise psycopg.errors.ConnectionTimeout(f"no answer within {within_s:g} s") from None
        raise
    finally:
        late.cancel()
    return None if row is None else row[0]


def _is_late(since: float) -> bool:
    return time.monotonic() - since > QUIET_S


def _break_off(connection: psycopg.Connection[object]) -> None:
    """Let whoever waits for this connection find it closed."""
    with suppress(OSError, psycopg.Error):  # it is closed already
        number = connection.fileno()
        with socket.fromfd(number, socket.AF_INET, socket.SOCK_STREAM) as there:
            if connection.fileno() == number:  # else another one may have the number by now
                there.shutdown(socket.SHUT_RDWR)
