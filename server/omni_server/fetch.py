"""Downloads of https URLs, for servers that allow them; from public addresses only.

A host name is resolved once and the connection goes to that address, with the name kept for TLS
and the Host header; each redirect is checked again. Proxies and netrc of the environment are not
used. The result is a file in the store; URLs inside it are not followed.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import mimetypes
import shutil
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import anyio
import httpx2

from omni_core.errors import (
    NotFoundError,
    OmniError,
    RefusedError,
    TooLargeError,
    UnavailableError,
)
from omni_core.settings import Settings
from omni_core.tasks import Report, SharedTasks, TaskOwner, in_thread
from omni_server.fetched import Copies, Copy
from omni_server.fetched_text import keep_encoding
from omni_server.pace import START_S, Pace
from omni_server.text import file_name, one_line

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Host and port to addresses."""

REDIRECTS = 5
FRESH_S = 600.0
"""Seconds for which a copy counts as new: who follows an ingest names its link again and again."""
ALL_CALLERS = 4
"""All callers together may have as many downloads under way as so many callers."""
CLOSE_S = 5.0
"""How long downloads may take to end when the server does."""
_TIMEOUT = httpx2.Timeout(30.0, connect=10.0)
_NOT_PUBLIC = [
    ipaddress.ip_network(net)
    for net in (
        "168.63.129.16/32",  # Azure's metadata service has a public address
        # special blocks that ipaddress of Python 3.11 takes for public, in part or whole
        "192.0.0.0/24", "192.88.99.0/24", "fec0::/10", "3fff::/20", "5f00::/16",
        # IPv4 addresses embedded in IPv6: compatible, mapped, 6to4, Teredo, NAT64
        "::/96", "::ffff:0:0/96", "2002::/16", "2001::/32", "64:ff9b::/96", "64:ff9b:1::/48",
    )
]  # fmt: skip


def is_public(address: str) -> bool:
    """Whether a connection to `address` leaves for the open internet."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if any(ip in net for net in _NOT_PUBLIC if net.version == ip.version):
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """Progress of a download."""

    size: int = 0
    """Bytes received."""
    total: int = 0
    """Bytes announced by the server; 0 when unknown."""


class Downloads:
    """One download per URL at a time; a URL that was downloaded is asked for a newer file."""

    def __init__(
        self,
        settings: Settings,
        *,
        resolve: Resolve | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        start_s: float = START_S,
        apart: str = "",
    ) -> None:
        """`resolve` and `transport` replace the system's own, for other networks. `start_s`:
        seconds before `least_kb_s` counts. `apart`: whose files these are, where they are not for
        everyone."""
        self._start_s = start_s
        self.copies = Copies(settings.store_path / "downloads", apart)
        self._limit = settings.max_file_mb << 20
        self._at_once = settings.downloads_at_once
        self._least_kb_s = settings.least_kb_s
        self._resolve = resolve or _resolve
        self._transport = transport
        self._owner = TaskOwner("the downloads")
        self._tasks: SharedTasks[str, DownloadProgress, Path] = SharedTasks(self._owner, keep=True)
        self._callers: dict[str, str] = {}
        """Who asked first, of each download under way."""

    async def file(
        self, url: str, wait_s: float | None, grace_s: float = 0.0, *, caller: str = ""
    ) -> Path | None:
        """The downloaded file; None when the download has not ended after `wait_s` seconds. A copy
        that was fetched or looked at in the last ten minutes counts as new.

        Cancelling the last call that waits ends the download, `grace_s` later. Raises
        RefusedError (URL_BLOCKED), NotFoundError, TooLargeError (TOO_LARGE, TOO_LONG: less than
        `least_kb_s`); UnavailableError (BUSY) where `caller`, or all of them, have too many under
        way; StoppedError when someone else cancelled it.
        """
        if self._tasks.status(url) is None:
            self._require_room(caller)
            self._callers[url] = caller
        outcome = await self._tasks.join(
            url,
            lambda report: self._newest(url, report),
            first=DownloadProgress(),
            name="the download",
            wait_s=wait_s,
            grace_s=grace_s,
        )
        return outcome.result

    async def about(self, url: str) -> Copy:
        """Which copy `file` gave."""
        return await asyncio.to_thread(self.copies.about, url)

    def _require_room(self, caller: str) -> None:
        live = {url for url, _ in self._tasks.live}
        self._callers = {url: by for url, by in self._callers.items() if url in live}
        own = sum(by == caller for by in self._callers.values())
        if own >= self._at_once or len(self._callers) >= self._at_once * ALL_CALLERS:
            raise UnavailableError(
                f"{own} downloads of yours and {len(self._callers)} in all are under way "
                "(downloads_at_once); ask again when one of them has ended",
                code="BUSY",
            )

    async def held(self, url: str) -> list[Path]:
        """The file of `url`, where it was downloaded before."""
        file = await asyncio.to_thread(self.copies.file, url)
        return [] if file is None else [file]

    def progress(self, url: str) -> DownloadProgress | None:
        """Progress of the download of `url`; None when there is none."""
        return self._tasks.status(url)

    async def stop(self, url: str) -> bool:
        """Cancel the download of `url`; False when there is none."""
        return bool(await self._tasks.cancel_keys(lambda key: key == url))

    @property
    def running(self) -> int:
        """How many downloads are under way."""
        return len(self._tasks.running)

    async def close(self) -> None:
        """Cancel the running downloads."""
        await self._owner.close(CLOSE_S)

    async def _newest(self, url: str, report: Report[DownloadProgress]) -> Path:
        """The held file if it is new, or if the link has no newer one; else that."""
        held, about = await asyncio.to_thread(
            lambda: (self.copies.file(url), self.copies.about(url))
        )
        if held is not None and time.time() - about.checked < FRESH_S:
            return held
        if held is None:
            first = await self._download(url, {}, report)
            if first is None:
                raise NotFoundError("the link gave no file: ask again")
            return first
        try:
            newer = await self._download(url, about.conditions, report)
        except NotFoundError as e:
            await asyncio.to_thread(self.copies.checked, url, str(e))
            return held
        if newer is None:
            await asyncio.to_thread(self.copies.checked, url)
        return newer or held

    async def _download(
        self, url: str, conditions: Mapping[str, str], report: Report[DownloadProgress]
    ) -> Path | None:
        """Fetch it; None where it fulfils the conditions, which is that it has not changed."""
        part = await asyncio.to_thread(self.copies.part, url)
        pace = Pace(self._least_kb_s, self._start_s)
        try:
            answer = await self._follow(url, conditions, part, report, pace)
            if answer is None:
                return None
            await in_thread(keep_encoding, part, answer.get("content-type", ""))
            await in_thread(self.copies.keep, url, part, answer)
        except TimeoutError:
            raise TooLargeError(
                f"the link sends less than {self._least_kb_s} kB a second (least_kb_s): download "
                "it into a root",
                code="TOO_LONG",
            ) from None
        except httpx2.HTTPError as e:
            raise NotFoundError(
                f"the link gave no file ({type(e).__name__}): check it, or download it into a root"
            ) from None
        finally:
            # Not in a thread: a second cancellation would end the wait and leave the folder.
            shutil.rmtree(part, ignore_errors=True)
        return await asyncio.to_thread(self.copies.file, url)

    async def _follow(
        self,
        url: str,
        conditions: Mapping[str, str],
        part: Path,
        report: Report[DownloadProgress],
        pace: Pace,
    ) -> Mapping[str, str] | None:
        """Go through redirects, write the body into `part`; returns the headers of the answer.
        None for one that says, upon conditions, that nothing has changed."""
        async with httpx2.AsyncClient(
            transport=self._transport, timeout=_TIMEOUT, trust_env=False, follow_redirects=False
        ) as client:
            at = _parsed(url)
            for _ in range(REDIRECTS + 1):
                async with contextlib.AsyncExitStack() as stack:
                    async with pace.waiting(0):
                        response = await stack.enter_async_context(
                            await self._request(client, at, conditions)
                        )
                    if response.has_redirect_location:
                        at = _parsed(str(at.join(response.headers["location"])))
                        continue
                    if response.status_code == 304 and conditions:
                        return None
                    await self._save(at, response, part, report, pace)
                    return response.headers
        raise _blocked(f"more than {REDIRECTS} redirects")

    async def _request(
        self, client: httpx2.AsyncClient, at: httpx2.URL, conditions: Mapping[str, str]
    ) -> AbstractAsyncContextManager[httpx2.Response]:
        """The request for `at`, to the one address that was checked."""
        return client.stream(
            "GET",
            at.copy_with(host=await self._address(at)),
            headers={
                "Host": at.netloc.decode("ascii"),
                "Accept-Encoding": "identity",
                "User-Agent": "omni-mcp",
                **conditions,
            },
            extensions={"sni_hostname": at.raw_host.decode("ascii")},
        )

    async def _address(self, url: httpx2.URL) -> str:
        """The one address to connect to; every address of the name must be public."""
        try:
            async with asyncio.timeout(10):
                found = await self._resolve(url.raw_host.decode("ascii"), url.port or 443)
        except (OSError, TimeoutError, UnicodeError):
            raise NotFoundError("the link's host is not known: check its spelling") from None
        if not found or not all(is_public(address) for address in found):
            raise _blocked("its host is not on the public internet")
        return found[0]

    async def _save(
        self,
        at: httpx2.URL,
        response: httpx2.Response,
        part: Path,
        report: Report[DownloadProgress],
        pace: Pace,
    ) -> None:
        if response.status_code != 200:
            raise NotFoundError(
                f"the link answered {response.status_code}: check it, or download it into a root"
            )
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise _blocked("it answers in an encoding that was not asked for")
        declared = response.headers.get("content-length", "")
        total, size = int(declared) if declared.isdecimal() else 0, 0
        self._within(total)
        await report(DownloadProgress(size, total))
        kind = response.headers.get("content-type", "").split(";")[0]
        name = await asyncio.to_thread(_name, at, kind)  # the first call reads mime.types
        async with await anyio.open_file(part / name, "xb") as out:
            chunks = response.aiter_raw()
            while chunk := await _next(chunks, pace, size):
                size += len(chunk)
                self._within(size)
                await out.write(chunk)
                await report(DownloadProgress(size, total))

    def _within(self, size: int) -> None:
        if size > self._limit:
            raise TooLargeError(f"the file behind the link has more than {self._limit >> 20:,} MB")


async def _next(chunks: AsyncIterator[bytes], pace: Pace, size: int) -> bytes:
    """The next bytes; none at the end. Raises TimeoutError where they come too slowly."""
    async with pace.waiting(size):
        async for chunk in chunks:
            if chunk:
                return chunk
    return b""


def _parsed(url: str) -> httpx2.URL:
    try:
        parsed = httpx2.URL(url)
        parsed.raw_host.decode("ascii")
    except (httpx2.InvalidURL, UnicodeError, ValueError):
        raise _blocked("it cannot be read") from None
    if parsed.scheme != "https":
        raise _blocked("only https is fetched")
    port = 443 if parsed.port is None else parsed.port
    if parsed.userinfo or not parsed.raw_host or not 0 < port < 65536:
        raise _blocked("it carries a user name, no host, or no such port")
    return parsed


def _name(url: httpx2.URL, kind: str) -> str:
    name = file_name(url.path.rsplit("/", 1)[-1]) or file_name(url.host) or "download"
    if "." not in name[-6:]:
        name += mimetypes.guess_extension(kind) or ""
    return name


def _blocked(why: str) -> OmniError:
    return RefusedError(
        f"this link is not fetched: {one_line(why)}. Download the file into a root instead",
        code="URL_BLOCKED",
    )


async def _resolve(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
