"""Downloads of https URLs, for servers that allow them; from public addresses only.

A host name is resolved once and the connection goes to that address, with the name kept for TLS
and the Host header; each redirect is checked again. Proxies and netrc of the environment are not
used. The result is a file in the store; URLs inside it are not followed.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ipaddress
import mimetypes
import shutil
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import anyio
import httpx2

from omni_core.errors import NotFoundError, OmniError, RefusedError, TooLargeError
from omni_core.settings import Settings
from omni_core.tasks import Report, SharedTasks, TaskOwner
from omni_server.text import file_name, one_line

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Host and port to addresses."""

REDIRECTS = 5
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


def _fresh(folder: Path) -> None:
    """Create the folder, replacing an old one; only the user of this process may read it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)


class Downloads:
    """One download per URL at a time; a URL that was downloaded is not fetched again."""

    def __init__(
        self,
        settings: Settings,
        *,
        resolve: Resolve | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        """`resolve` and `transport` replace the system's own, for other networks."""
        self._folder = settings.store_path / "downloads"
        self._limit = settings.max_file_mb << 20
        self._resolve = resolve or _resolve
        self._transport = transport
        self._owner = TaskOwner("the downloads")
        self._tasks: SharedTasks[str, DownloadProgress, Path] = SharedTasks(self._owner, keep=True)

    async def file(self, url: str, wait_s: float | None, grace_s: float = 0.0) -> Path | None:
        """The downloaded file; None when the download has not ended after `wait_s` seconds.

        Cancelling the last call that waits ends the download, `grace_s` later. Raises
        RefusedError (URL_BLOCKED), NotFoundError, TooLargeError; StoppedError when someone else
        cancelled it.
        """
        outcome = await self._tasks.join(
            url,
            lambda report: self._download(url, report),
            first=DownloadProgress(),
            name="the download",
            wait_s=wait_s,
            grace_s=grace_s,
        )
        return outcome.result

    async def held(self, url: str) -> list[Path]:
        """The file of `url`, where it was downloaded before."""
        folder = self._folder / hashlib.sha256(url.encode()).hexdigest()[:26]
        with contextlib.suppress(FileNotFoundError):
            return await asyncio.to_thread(lambda: sorted(folder.iterdir()))
        return []

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

    async def _download(self, url: str, report: Report[DownloadProgress]) -> Path:
        folder = self._folder / hashlib.sha256(url.encode()).hexdigest()[:26]
        if held := await self.held(url):
            return held[0]
        part = folder.with_suffix(".part")
        try:
            await asyncio.to_thread(_fresh, part)
            name = await self._follow(url, part, report)
            await asyncio.to_thread(part.rename, folder)
        except httpx2.HTTPError as e:
            raise NotFoundError(
                f"the link gave no file ({type(e).__name__}): check it, or download it into a root"
            ) from None
        finally:
            # Not in a thread: a second cancellation would end the wait and leave the folder.
            shutil.rmtree(part, ignore_errors=True)
        return folder / name

    async def _follow(self, url: str, part: Path, report: Report[DownloadProgress]) -> str:
        """Go through redirects, write the body into `part`; returns the file's name."""
        async with httpx2.AsyncClient(
            transport=self._transport, timeout=_TIMEOUT, trust_env=False, follow_redirects=False
        ) as client:
            at = _parsed(url)
            for _ in range(REDIRECTS + 1):
                address = await self._address(at)
                async with client.stream(
                    "GET",
                    at.copy_with(host=address),
                    headers={
                        "Host": at.netloc.decode("ascii"),
                        "Accept-Encoding": "identity",
                        "User-Agent": "omni-mcp",
                    },
                    extensions={"sni_hostname": at.raw_host.decode("ascii")},
                ) as response:
                    if response.has_redirect_location:
                        at = _parsed(str(at.join(response.headers["location"])))
                        continue
                    return await self._save(at, response, part, report)
        raise _blocked(f"more than {REDIRECTS} redirects")

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
    ) -> str:
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
            async for chunk in response.aiter_raw():
                size += len(chunk)
                self._within(size)
                await out.write(chunk)
                await report(DownloadProgress(size, total))
        return name

    def _within(self, size: int) -> None:
        if size > self._limit:
            raise TooLargeError(f"the file behind the link has more than {self._limit >> 20:,} MB")


def _parsed(url: str) -> httpx2.URL:
    try:
        parsed = httpx2.URL(url)
        parsed.raw_host.decode("ascii")
    except (httpx2.InvalidURL, UnicodeError, ValueError):
        raise _blocked("it cannot be read") from None
    if parsed.scheme != "https":
        raise _blocked("only https is fetched")
    if parsed.userinfo or not parsed.raw_host or not 0 < (parsed.port or 443) < 65536:
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
