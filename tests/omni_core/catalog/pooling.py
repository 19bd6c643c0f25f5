"""A pooler as PgBouncer is one: it takes every client at once, and gives it a connection to the
server with its first question, for a transaction or for as long as the client stays."""

from __future__ import annotations

import select
import socket
import struct
import threading
from contextlib import nullcontext, suppress

PROTOCOL = 3 << 16
READY, KEY, IDLE, LEAVES = b"Z", b"K", b"I", b"X"
OF_NO_PROCESS = struct.pack("!ii", -7, 7)
"""A number of a server process, as a pooler makes one up."""


class Pooling:
    """Before the server at `host`, `port`; `shares`: one connection for all, by transactions."""

    def __init__(self, host: str, port: int, *, shares: bool) -> None:
        self._target, self._shares = (host, port), shares
        self._refuses_transactions = False
        self._one: socket.socket | None = None
        self._turn = threading.Lock()
        self._answers = threading.Event()
        self._answers.set()
        self._ends: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def begin_to_share(self, *, statements: bool = False) -> None:
        """As after another setting, for clients that are here too: those connected last have their
        connection for all. By `statements` a client that begins a transaction is sent away."""
        self._shares, self._refuses_transactions = True, statements

    def lose_the_server(self) -> None:
        """Clients are taken as before, and nothing that they ask is answered."""
        self._answers.clear()

    def find_the_server(self) -> None:
        self._answers.set()

    def close(self) -> None:
        self._answers.set()
        for end in (self._listening, *self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client = self._listening.accept()[0]
                self._ends.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client:
            while True:  # no encryption of either kind
                start = _exactly(client, struct.unpack("!i", _exactly(client, 4))[0] - 4)
                if struct.unpack("!i", start[:4])[0] == PROTOCOL:
                    break
                client.sendall(b"N")
            server, welcome = self._server(start)
            client.sendall(welcome)
            while (asked := client.recv(65536)) and asked[:1] != LEAVES:
                if self._refuses_transactions and b"BEGIN" in asked:
                    return
                with self._turn if self._shares else nullcontext():
                    serving = self._one if self._shares and self._one else server
                    self._ask(serving, asked)
                    while True:
                        said = select.select((serving, client), (), ())[0]
                        if serving in said and _pass_answer(serving, client):
                            break
                        if client in said:
                            self._ask(serving, client.recv(65536))
            if not self._shares:
                server.close()

    def _ask(self, server: socket.socket, asked: bytes) -> None:
        self._answers.wait()
        if not asked:  # its client went away in the middle of a transaction
            server.close()
        server.sendall(asked)

    def _server(self, start: bytes) -> tuple[socket.socket, bytes]:
        """A connection to the server, and what a client is told of it."""
        with self._turn:
            if self._one is None or not self._shares:
                self._one = socket.create_connection(self._target)
                self._ends.append(self._one)
                self._one.sendall(struct.pack("!i", len(start) + 4) + start)
                self._welcome = b""
                while not self._welcome.endswith(READY + struct.pack("!i", 5) + IDLE):
                    kind, body = _message(self._one)
                    body = OF_NO_PROCESS if kind == KEY else body
                    self._welcome += kind + struct.pack("!i", len(body) + 4) + body
            return self._one, self._welcome


def _pass_answer(server: socket.socket, client: socket.socket) -> bool:
    """Pass one message on; whether it is the last one, and no transaction is open after it."""
    kind, body = _message(server)
    client.sendall(kind + struct.pack("!i", len(body) + 4) + body)
    return kind == READY and body == IDLE


def _message(server: socket.socket) -> tuple[bytes, bytes]:
    kind = _exactly(server, 1)
    return kind, _exactly(server, struct.unpack("!i", _exactly(server, 4))[0] - 4)


def _exactly(one: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = one.recv(count - len(data))
        if not more:
            raise OSError("closed")
        data += more
    return data
