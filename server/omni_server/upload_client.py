"""Sends files to a server over HTTP, and goes on where an earlier attempt broke off.

The state of an unfinished upload is the server's: it is found again by the file's sha256, so the
same command on any machine goes on with the same file, and a file that is whole is not sent twice.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import httpx2

from omni_core.errors import (
    BadRequestError,
    NotFoundError,
    OmniError,
    RefusedError,
    UnavailableError,
)
from omni_server.text import one_line

BLOCK = 1 << 20
REQUEST_BYTES = 64 << 20
"""Most bytes of one request: proxies in between limit them, and a checkpoint comes after each."""
ATTEMPTS = 8
"""Failures in a row, without one more byte at the server, after which it is given up."""
FIRST_ATTEMPTS = 3
"""The same, until the server has answered once."""
LONGEST_PAUSE_S = 30.0
_TIMEOUT = httpx2.Timeout(60.0, connect=10.0, read=600.0)  # the last answer waits for the sha256
_AGAIN = frozenset({408, 409, 423, 425, 429, 500, 502, 503, 504})

Progress = Callable[[str, int, int], None]
"""Called with what is done (`reading` or `sending`), bytes done and bytes in all."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A file that is at the server."""

    path: str
    source: str
    """What `ingest_media` takes."""
    size: int
    sent: int
    """Bytes sent by this call; fewer than `size` when an earlier one had sent some."""


def address(text: str) -> str:
    """The server's address without a path to /mcp. Raises BadRequestError for no http address."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise BadRequestError(f"--to {text!r} is not an address like https://omni.example.com")
    return text.split("?")[0].rstrip("/").removesuffix("/mcp") + "/"


class UploadClient:
    """A connection to one server."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
        pause_s: float = 0.5,
    ) -> None:
        """`pause_s` is how long the first failure is waited out; each further one twice as long."""
        self.http = httpx2.AsyncClient(
            base_url=address(url), timeout=_TIMEOUT, transport=transport,
            headers={"Authorization": f"Bearer {token}"} if token else {},
        )  # fmt: skip
        self._pause_s = pause_s
        self._met = False
        """Whether the server has answered yet: an address that never did is likely wrong."""

    async def close(self) -> None:
        """Close the connection."""
        await self.http.aclose()

    async def uploads(self) -> list[dict[str, Any]]:
        """The sender's uploads, whole and unfinished, oldest first."""
        found: list[dict[str, Any]] = (await self._ask("GET", "uploads")).json()["uploads"]
        return found

    async def remove(self, source: str) -> None:
        """Delete an upload."""
        await self._ask("DELETE", f"uploads/{source}")

    async def send(self, path: Path, progress: Progress) -> Sent:
        """Send a file, unless the server has it whole. Raises OmniError with one line."""
        with await asyncio.to_thread(_opened, path) as file:
            size, digest = await _digest(file, progress)
            held = [u for u in await self.uploads() if (u["sha256"], u["size"]) == (digest, size)]
            whole = next((u for u in held if u["complete"]), None)
            if whole is not None:
                return Sent(str(path), whole["source"], size, 0)
            source = held[-1]["source"] if held else await self._begin(path, size, digest)
            sent = await self._send(f"uploads/{source}", file, size, progress)
        return Sent(str(path), source, size, sent)

    async def _begin(self, path: Path, size: int, digest: str) -> str:
        pairs = {"filename": path.name, "sha256": digest}
        metadata = ",".join(
            f"{k} {base64.b64encode(v.encode('utf-8', 'replace')).decode()}"
            for k, v in pairs.items()
        )
        answer = await self._ask(
            "POST", "uploads", headers={"Upload-Length": str(size), "Upload-Metadata": metadata}
        )
        return str(answer.headers["location"]).rpartition("/")[2]

    async def _send(self, place: str, file: BinaryIO, size: int, progress: Progress) -> int:
        """Send what the server lacks; how many bytes that was."""
        offset = first = await self._offset(place)
        failures = 0
        while offset < size:
            progress("sending", offset, size)
            end = min(size, offset + REQUEST_BYTES)
            headers = {
                "Upload-Offset": str(offset),
                "Content-Type": "application/offset+octet-stream",
                "Content-Length": str(end - offset),
            }
            body = _part(file, offset, end, lambda at: progress("sending", at, size))
            before = offset
            try:
                answer = await self._once("PATCH", place, content=body, headers=headers)
                offset = int(answer.headers["upload-offset"])
            except _TryAgain as e:
                failures += 1
                if failures >= ATTEMPTS:
                    raise e.error from None
                progress("waiting, then sending", offset, size)
                await asyncio.sleep(e.wait_s or self._pause(failures))
                offset = await self._offset(place)
            failures = 0 if offset > before else failures
        progress("sending", size, size)
        return size - first

    async def _offset(self, place: str) -> int:
        return int((await self._ask("HEAD", place)).headers["upload-offset"])

    async def _ask(self, method: str, place: str, **content: Any) -> httpx2.Response:
        """One request without a body, sent again while it fails in passing."""
        for failures in range(1, ATTEMPTS if self._met else FIRST_ATTEMPTS):
            try:
                return await self._once(method, place, **content)
            except _TryAgain as e:
                await asyncio.sleep(e.wait_s or self._pause(failures))
        try:
            return await self._once(method, place, **content)
        except _TryAgain as e:
            raise e.error from None

    async def _once(self, method: str, place: str, **content: Any) -> httpx2.Response:
        try:
            answer = await self.http.request(method, place, **content)
        except httpx2.HTTPError as e:
            raise _TryAgain(
                UnavailableError(
                    f"{self.http.base_url} cannot be reached ({type(e).__name__}): is the server "
                    "running, and the address right? The same command goes on where this one was",
                    code="UNREACHABLE",
                )
            ) from None
        self._met = True
        if answer.status_code < 300:
            return answer
        error = _error(answer)
        if answer.status_code in _AGAIN:
            after = answer.headers.get("retry-after", "")
            raise _TryAgain(error, min(float(after), 120.0) if after.isdecimal() else 0.0)
        raise error

    def _pause(self, failures: int) -> float:
        return min(self._pause_s * 2.0 ** (failures - 1), LONGEST_PAUSE_S)


class _TryAgain(Exception):
    def __init__(self, error: OmniError, wait_s: float = 0.0) -> None:
        super().__init__(str(error))
        self.error, self.wait_s = error, wait_s


def _error(answer: httpx2.Response) -> OmniError:
    status = answer.status_code
    code, colon, text = answer.text.partition(": ")
    if colon and code.replace("_", "").isupper():  # a server of ours
        return OmniError(one_line(text, 600), code=code)
    if status == 401:
        return BadRequestError("the server wants another token: give --token, or set OMNI_TOKEN")
    if status == 403:
        return RefusedError(
            "the token does not allow uploads: it needs the scope `ingest`", code="FORBIDDEN"
        )
    if status == 404 and "/uploads/" in answer.request.url.path:  # an answer to HEAD has no words
        return NotFoundError(
            "the server does not have this upload: it has expired (send the file again), or "
            "several servers answer at this address, each with uploads of its own: let the "
            "balancer send a client always to the same one"
        )
    if status == 404:
        return NotFoundError("the server has no /uploads: is it omni-mcp, and new enough?")
    if status == 413:
        return BadRequestError(
            "a proxy before the server refuses bodies of 64 MB: let it pass them "
            "(nginx: client_max_body_size)"
        )
    return UnavailableError(f"the server answered {status}: {one_line(answer.text, 200)}")


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as e:
        raise NotFoundError(f"{path} cannot be read: {e.strerror or e}") from None


async def _digest(file: BinaryIO, progress: Progress) -> tuple[int, str]:
    """Size and sha256 of a file, read once."""
    digest, done = hashlib.sha256(), 0
    size = await asyncio.to_thread(file.seek, 0, 2)
    await asyncio.to_thread(file.seek, 0)
    while block := await asyncio.to_thread(file.read, 4 * BLOCK):
        await asyncio.to_thread(digest.update, block)
        done += len(block)
        progress("reading", done, size)
    if not done:
        raise BadRequestError(f"{file.name} is empty")
    return done, digest.hexdigest()


async def _part(
    file: BinaryIO, start: int, end: int, sent: Callable[[int], None]
) -> AsyncIterator[bytes]:
    """The bytes from `start` to `end`."""
    await asyncio.to_thread(file.seek, start)
    at = start
    while at < end:
        block = await asyncio.to_thread(file.read, min(BLOCK, end - at))
        if not block:
            raise BadRequestError("the file became shorter while it was sent; send it again")
        yield block
        at += len(block)
        sent(at)
