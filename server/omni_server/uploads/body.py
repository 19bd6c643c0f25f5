"""The body of a request in blocks; a sender that goes away, or falls silent, ends it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable

STALL_S = 60.0
"""A sender that is silent for so long is gone: its connection must not hold the upload."""
BLOCK = 1 << 20

Body = AsyncIterator[bytes]


class Broken(Exception):
    """The body ended early; what came is stored."""


async def blocks(body: Body) -> AsyncGenerator[bytes]:
    """The body in blocks of a megabyte; raises Broken after what came before it broke off."""
    held = bytearray()
    broken = False
    while True:
        try:
            async with asyncio.timeout(STALL_S):
                chunk = await _next(body)
        except (TimeoutError, Broken):
            broken = True
            break
        if chunk is None:
            break
        held += chunk
        if len(held) >= BLOCK:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)
    if broken:
        raise Broken


async def _next(body: Body) -> bytes | None:
    read: Awaitable[bytes] = anext(body)
    try:
        return await read
    except StopAsyncIteration:
        return None
