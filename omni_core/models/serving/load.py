"""How much work a model worker takes at once: so many calls, so many bytes of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from omni_core.encoders.remote.refusals import BUSY
from omni_core.errors import BadRequestError, TooLargeError, UnavailableError

MAX_BODY = 256 << 20
"""Bytes of one request: a batch of videos at 350x196 is about 50 MB."""
MAX_HELD = 1 << 30
"""Bytes of all requests that are being received or worked on."""
STALL_S = 30.0
"""Seconds after which a request of which nothing more arrives is given up."""


class Load:
    """The calls under way. For one event loop."""

    def __init__(self) -> None:
        self._calls: dict[str, int] = {}
        self._held = 0

    @contextmanager
    def call(self, kind: str, most: int) -> Iterator[Request]:
        """One more call of this kind, which ends with the block. Raises UnavailableError (BUSY)
        where there are `most`."""
        running = self._calls.get(kind, 0)
        if running >= most:
            raise _busy(f"{running} calls are under way")
        self._calls[kind] = running + 1
        request = Request(self)
        try:
            yield request
        finally:
            self._calls[kind] -= 1
            self._held -= request.size

    def hold(self, size: int) -> None:
        """So many more bytes. Raises UnavailableError (BUSY) where that is too much."""
        if self._held + size > MAX_HELD:
            raise _busy(f"the calls under way have {self._held >> 20} MB")
        self._held += size


@dataclass(slots=True)
class Request:
    """A call, and the bytes that are held for it."""

    load: Load
    size: int = 0

    async def body(self, stream: AsyncIterator[bytes]) -> bytes:
        """The body. Raises TooLargeError as soon as it exceeds `MAX_BODY`, whatever its header
        states, and BadRequestError when nothing more comes."""
        parts: list[bytes] = []
        try:
            while True:
                async with asyncio.timeout(STALL_S):
                    part = await anext(stream)
                self.load.hold(len(part))
                self.size += len(part)
                if self.size > MAX_BODY:
                    raise TooLargeError(
                        f"a request may have {MAX_BODY >> 20} MB: send fewer contents"
                    )
                parts.append(part)
        except StopAsyncIteration:
            return b"".join(parts)
        except TimeoutError:
            raise BadRequestError(
                f"nothing more of the request came within {STALL_S:g} s: send it whole"
            ) from None


def _busy(why: str) -> UnavailableError:
    return UnavailableError(f"this worker is busy, {why}: ask again, or another one", code=BUSY)
