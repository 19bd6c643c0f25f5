"""A way to a server that can be made to swallow everything, as a server that hangs does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress


class Swallowing:
    """Passes bytes on to `host`, `port`; after `hang` it takes connections and answers nothing."""

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._flows = threading.Event()
        self._flows.set()
        self._ends: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._start(self._accept)

    def hang(self) -> None:
        """From now on nothing passes."""
        self._flows.clear()

    def flow(self) -> None:
        """Let pass what was held back, and all that follows."""
        self._flows.set()

    def cut(self) -> None:
        """Break every connection, as a restart of the server does."""
        ends, self._ends = self._ends, []
        for end in ends:
            _end(end)

    def close(self) -> None:
        _end(self._listening)
        self.flow()
        self.cut()
        for thread in self._threads:
            thread.join(10)

    def _start(self, work: Callable[..., None], *given: socket.socket) -> threading.Thread:
        thread = threading.Thread(target=work, args=given, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def _accept(self) -> None:
        with self._listening, suppress(OSError):
            while True:
                self._start(self._connect, self._listening.accept()[0])

    def _connect(self, here: socket.socket) -> None:
        self._flows.wait()
        with here, socket.create_connection(self._target) as there:
            self._ends += [here, there]
            back = self._start(self._pass, there, here)
            self._pass(here, there)
            back.join()

    def _pass(self, source: socket.socket, to: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._flows.wait()
                to.sendall(data)
        _end(source)
        _end(to)


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
