"""The pace that a download or an upload must keep: who sends a byte a minute is not waited for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

START_S = 60.0
"""Seconds before the pace counts: connecting, redirects, the headers."""


class Pace:
    """How long may be waited for what arrives. Only the time in `waiting` counts."""

    def __init__(self, least_kb_s: int, start_s: float = START_S) -> None:
        """`least_kb_s`: kB a second, on average after `start_s` seconds; 0: any."""
        self._bytes_s, self._start_s = least_kb_s * 1000, start_s
        self._waited = 0.0

    @asynccontextmanager
    async def waiting(self, size: int) -> AsyncIterator[None]:
        """Within the block more is waited for, where `size` bytes have come in all. Raises
        TimeoutError when the pace is no longer kept."""
        if not self._bytes_s:
            yield
            return
        loop = asyncio.get_running_loop()
        began = loop.time()
        left = self._start_s + size / self._bytes_s - self._waited
        try:
            async with asyncio.timeout(max(0.0, left)):
                yield
        finally:
            self._waited += loop.time() - began
