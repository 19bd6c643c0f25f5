"""Lines in and out of a client on the other end of two pipes."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from typing import BinaryIO

from anyio import to_thread

from omni_core import limits
from omni_server.messages import TAIL, Refusal, refusal, too_long

CHUNK = 1 << 20


class LinesOut:
    """Writes whole lines, whoever writes them."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    async def write(self, text: str) -> None:
        """Write and flush a line."""
        await to_thread.run_sync(self._put, text.encode())

    async def flush(self) -> None:
        """Nothing: each line is sent as it is written."""

    def _put(self, line: bytes) -> None:
        with self._lock:
            self._pipe.write(line)
            self._pipe.flush()


class LinesIn:
    """The messages that a client sends, one a line. What cannot be handled is answered here: a
    line that is too long, no JSON or no message."""

    def __init__(self, pipe: BinaryIO, answers: LinesOut, at_end: Callable[[], None]) -> None:
        """`at_end` is called when the client has closed its end."""
        self._pipe, self._answers, self._at_end = pipe, answers, at_end

    async def __aiter__(self) -> AsyncIterator[str]:
        """Each message, until the client closes its end."""
        while True:
            taken = await to_thread.run_sync(self._next)
            if taken is None:
                self._at_end()
                return
            if isinstance(taken, Refusal):
                await self._answers.write(taken.text() + "\n")
            elif taken:
                yield taken

    def _next(self) -> str | Refusal | None:
        """The next line, "" for a blank one; None at the end."""
        line = self._pipe.readline(limits.MESSAGE_BYTES + 1)
        if not line:
            return None
        if len(line) > limits.MESSAGE_BYTES and not line.endswith(b"\n"):
            return too_long(line[: limits.MESSAGE_ID * 8], self._rest(line[-TAIL:]))
        text = line.decode("utf-8", "replace").strip()
        return (refusal(text.encode()) or text) if text else ""

    def _rest(self, tail: bytes) -> bytes:
        """Read on to the end of a line; its last bytes."""
        while not tail.endswith(b"\n"):
            more = self._pipe.readline(CHUNK)
            if not more:
                break
            tail = (tail + more)[-TAIL:]
        return tail
