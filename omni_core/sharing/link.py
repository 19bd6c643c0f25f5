"""A connection between two processes: messages of JSON, with bytes beside it.

Each message is two lengths of four bytes, the JSON, then the bytes that it refers to; `sizes` in
the JSON says where each begins. Whatever else arrives ends the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Sequence
from typing import Any

from omni_core import forks
from omni_core.codec import MalformedError

MAX_MESSAGE = 128 << 20
"""Bytes. A folder of 100,000 files is 30 MB; a picture, a page of hits or of words under 1 MB."""
SEND_S = 30.0
"""How long a peer may take to read what was sent to it before the connection is ended."""
LARGE = 128 << 10
"""Bytes of JSON from which a thread works on them: 3 MB take 0.5 s, and others wait meanwhile."""
BUFFER = 1 << 20
"""Bytes read ahead: more than a usual picture, so that it arrives in few steps."""

_HEAD = struct.Struct(">II")


class OversizeError(ValueError):
    """A message that nobody would accept."""


def to_bytes(body: dict[str, Any], blobs: Sequence[bytes] = ()) -> bytes:
    """A whole message. File names may hold bytes that are no UTF-8: they survive.

    Raises OversizeError.
    """
    if blobs:
        body = {**body, "sizes": [len(b) for b in blobs]}
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "surrogatepass"
    )
    after = sum(len(b) for b in blobs)
    if len(text) + after > MAX_MESSAGE:
        raise OversizeError(
            f"{len(text) + after:,} bytes are too many for one message between processes "
            f"(at most {MAX_MESSAGE:,})"
        )
    return b"".join((_HEAD.pack(len(text), after), text, *blobs))


def from_bytes(text: bytes, after: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """The message of these two parts; raises MalformedError."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as e:
        raise MalformedError(f"no JSON: {e}") from None
    if not isinstance(body, dict):
        raise MalformedError("no object")
    sizes = body.pop("sizes", [])
    if not isinstance(sizes, list) or not all(type(s) is int and s >= 0 for s in sizes):
        raise MalformedError("sizes are no lengths")
    if sum(sizes) != len(after):
        raise MalformedError("sizes do not fit")
    blobs, at = [], 0
    for size in sizes:
        blobs.append(after[at : at + size])
        at += size
    return body, blobs


class Link:
    """Sends and receives messages. Every failure is a ConnectionError or a MalformedError."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.received = 0
        """Bytes of JSON in the last message."""
        self._descriptor = self.socket.fileno()
        forks.close_in_children(self._descriptor)

    @classmethod
    async def over(cls, connected: socket.socket) -> Link:
        """The link over a connected socket; it closes the socket."""
        return cls(*await asyncio.open_connection(sock=connected, limit=BUFFER))

    @property
    def socket(self) -> socket.socket:
        """The socket, to ask who is at its other end."""
        found: socket.socket = self.writer.get_extra_info("socket")
        return found

    def post(self, message: bytes) -> None:
        """Send without waiting; for short messages. Nothing happens when the link is closed."""
        if not self.writer.is_closing():
            self.writer.write(message)

    async def send(self, message: bytes) -> None:
        """Send, and wait until the peer has read enough; one that does not read is left."""
        self.post(message)
        try:
            async with asyncio.timeout(SEND_S):
                await self.writer.drain()
        except TimeoutError:
            self.writer.transport.abort()
            raise ConnectionError(f"the peer has read nothing for {SEND_S:g} s") from None
        except OSError as e:
            raise ConnectionError(str(e)) from e

    async def receive(self) -> tuple[dict[str, Any], list[bytes]]:
        """The next message; raises ConnectionError at the end of the connection."""
        try:
            text, after = _HEAD.unpack(await self.reader.readexactly(_HEAD.size))
            if text + after > MAX_MESSAGE:
                raise MalformedError(f"a message of {text + after:,} bytes")
            body = await self.reader.readexactly(text)
            blobs = await self.reader.readexactly(after) if after else b""
            self.received = text
            if text > LARGE:
                return await asyncio.to_thread(from_bytes, body, blobs)
            return from_bytes(body, blobs)
        except asyncio.IncompleteReadError:
            raise ConnectionError("the connection has ended") from None
        except OSError as e:
            raise ConnectionError(str(e)) from e

    async def close(self) -> None:
        """End the connection at once; what was sent and not read yet may be lost."""
        forks.forget(self._descriptor)
        self.writer.transport.abort()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()
