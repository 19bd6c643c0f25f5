"""Nobody holds a connection without sending or reading; streams and slow work go on."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from omni_server.http.bodies import Bodies
from omni_server.http.connections import Connections
from omni_server.http.ending import EndingServer

pytestmark = pytest.mark.timeout(120)

GET = b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n"


class App:
    """/words streams until it may go on; /big is more than buffers hold; else how much came."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.broken = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        response = await self.answer(Request(scope, receive))
        await response(scope, receive, send)

    async def answer(self, request: Request) -> Response:
        if request.url.path == "/words":
            return StreamingResponse(self.words())
        if request.url.path == "/big":
            return StreamingResponse(self.big())
        try:
            return PlainTextResponse(f"{len(await request.body())} bytes")
        except ClientDisconnect:
            self.broken.set()
            return PlainTextResponse("broken off", 408)

    async def words(self) -> AsyncIterator[bytes]:
        yield b"begun "
        await self.go.wait()
        yield b"ended"

    async def big(self) -> AsyncIterator[bytes]:
        try:
            for _ in range(2000):
                yield bytes(1 << 16)
        finally:
            self.broken.set()


Served = tuple[App, int]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def serving(connections: Connections, start_s: float = 60.0) -> AsyncIterator[Served]:
    app = App()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        bodies = Bodies(app, 16, start_s)
        server = EndingServer(bodies, lambda: None, connections=connections)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield app, listener.getsockname()[1]
        finally:
            app.go.set()
            server.should_exit = True
            server.force_exit = True
            await asyncio.wait_for(running, 60)


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Streams]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(60):
            yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def answer(port: int, *pieces: bytes) -> bytes:
    """What comes until the server closes."""
    async with connected(port) as (reader, writer):
        for piece in pieces:
            writer.write(piece)
        with contextlib.suppress(ConnectionError):
            return await reader.read()
    return b""


@pytest.mark.parametrize(
    "half", [b"", b"G", b"GET / HTTP/1.1\r\n", b"POST /body HTTP/1.1\r\nHost: localhost\r\nX: " * 2]
)
async def test_a_head_that_never_ends_is_cut_however_far_it_came(half: bytes) -> None:
    async with serving(Connections(head_s=0.2)) as (_, port):
        assert b"200 OK" not in await answer(port, half)


async def test_a_head_that_drips_is_cut_at_its_deadline() -> None:
    async with serving(Connections(head_s=0.3)) as (_, p), connected(p) as (reader, writer):
        ended = asyncio.ensure_future(reader.read())
        while not ended.done():
            writer.write(b"X")
            await asyncio.wait([ended], timeout=0.05)
        await asyncio.gather(ended, return_exceptions=True)


async def test_a_body_that_drips_is_taken_for_broken_off() -> None:
    head = b"POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"
    async with serving(Connections(head_s=0.3), start_s=0.3) as (app, port):
        said = await answer(port, head, b"some of it")
        assert app.broken.is_set() and b"408" in said


async def test_a_stream_outlives_the_deadlines_of_heads_and_bodies() -> None:
    short = Connections(head_s=0.2, read_s=0.2)
    async with serving(short, start_s=0.2) as (app, p), connected(p) as (reader, writer):
        writer.write(GET % b"words")
        await reader.readuntil(b"begun \r\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readexactly(1), 0.6)
        app.go.set()
        assert b"ended" in await reader.readuntil(b"ended")


async def test_who_never_reads_an_answer_is_given_up() -> None:
    async with serving(Connections(read_s=0.3)) as (app, port), connected(port) as (_, writer):
        writer.write(GET % b"big")
        await app.broken.wait()


async def test_so_many_connections_and_no_more_and_an_ended_one_makes_room() -> None:
    async with serving(Connections(most=9, of_one=2)) as (_, port):
        async with connected(port) as (_, one), connected(port) as (_, two):
            for writer in (one, two):
                writer.write(b"GET")
            said = await answer(port, b"")
            assert b"503" in said and b"connections_per_address" in said
        async with asyncio.timeout(60):
            while b"200 OK" not in said:
                said = await answer(port, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")


def test_places_are_counted_by_address_and_in_all() -> None:
    connections = Connections(most=3, of_one=2)
    assert [connections.take(a) for a in "aaabb"] == [True, True, False, True, False]
    connections.free("a")
    assert connections.take("b")
