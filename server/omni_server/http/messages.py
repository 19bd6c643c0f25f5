"""The body of a POST to /mcp, looked at before the protocol's handler parses it."""

from __future__ import annotations

import asyncio
import contextlib

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from omni_core import limits
from omni_server.messages import refusal

DRAINED_BYTES = 128 << 20
DRAINED_S = 5.0
"""So much of a refused body is read and thrown away: who is still sending when the connection
closes would not see the answer."""
SHORT = 16_384
"""Bytes up to which a message is looked at without a thread: 0.2 ms."""


class Messages:
    """ASGI middleware: what cannot be handled is answered with 400, or 413 where it is too long,
    and a JSON-RPC error that has the id of its request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on."""
        if scope["type"] != "http" or scope["path"] != "/mcp" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        body, again = await peek(receive, limits.MESSAGE_BYTES)
        short = len(body) <= SHORT
        refused = refusal(body) if short else await asyncio.to_thread(refusal, body)
        if refused is None:
            await self._app(scope, again, send)
            return
        status = 413 if len(body) > limits.MESSAGE_BYTES else 400
        if status == 413:
            await drain(receive)
        answer = Response(refused.text(), status, media_type="application/json")
        await answer(scope, receive, send)


async def peek(receive: Receive, most: int) -> tuple[bytes, Receive]:
    """The beginning of a request's body, all of it up to `most` bytes; and a `receive` that gives
    the whole body again."""
    messages: list[Message] = []
    body = bytearray()
    while len(body) <= most:
        message = await receive()
        messages.append(message)
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    messages.reverse()

    async def again() -> Message:
        return messages.pop() if messages else await receive()

    return bytes(body), again


async def drain(receive: Receive) -> None:
    """Read what is left of a body, within bounds, and forget it."""
    read = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAINED_S):
            while read <= DRAINED_BYTES:
                message = await receive()
                read += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return
