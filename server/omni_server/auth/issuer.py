"""The authorization server as this server sees it: its metadata and its signing keys.

Nothing that a token says decides what is fetched: the issuer is a setting, and the keys are where
its metadata (or another setting) says. Answers are small, quick, JSON, and never a redirect.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2

from omni_core.errors import BadRequestError, UnavailableError
from omni_server.fetch import is_public
from omni_server.text import one_line

log = logging.getLogger(__name__)

FETCH_S = 5.0
"""Longest time for one answer of the authorization server."""
MAX_BYTES = 512 << 10
FRESH_S = 600.0
"""Keys older than this are fetched again when the next token comes."""
STALE_S = 3600.0
"""Keys older than this are not used, however long the authorization server does not answer."""
UNKNOWN_KEY_S = 30.0
"""Least time between two fetches because of key ids that are not known: anyone can invent one."""
RETRY_S = 5.0
"""Least time between two fetches after one that failed."""


def require_url(name: str, url: str) -> None:
    """Raise BadRequestError unless it is https, or http to this machine, and no more than a URL."""
    parts = urlsplit(url)
    local = is_local(parts.hostname or "")
    if (
        not parts.hostname
        or parts.scheme not in (("https", "http") if local else ("https",))
        or parts.username is not None
        or parts.fragment
    ):
        raise BadRequestError(
            f"{name} is {one_line(url, 100)!r}; expected an https address, as in "
            "https://login.example.com (http only on this machine)"
        )


def is_local(host: str) -> bool:
    """Whether the name can only mean this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def metadata_urls(issuer: str) -> tuple[str, ...]:
    """Where the metadata may be: RFC 8414 first, then both places of OpenID Connect."""
    parts = urlsplit(issuer)
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    return tuple(
        dict.fromkeys(
            (
                f"{origin}/.well-known/oauth-authorization-server{path}",
                f"{origin}/.well-known/openid-configuration{path}",
                f"{origin}{path}/.well-known/openid-configuration",
            )
        )
    )


class Fetcher:
    """Reads small JSON documents of the authorization server."""

    def __init__(self, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        """`transport` replaces the network."""
        self._transport = transport

    async def get(self, url: str) -> Mapping[str, Any] | None:
        """The object at `url`; None for a 404. Raises UnavailableError for everything else."""
        try:
            async with asyncio.timeout(FETCH_S):
                return await self._get(url)
        except (TimeoutError, httpx2.HTTPError, ValueError, RecursionError) as e:
            raise UnavailableError(f"{url}: {type(e).__name__} {one_line(str(e), 100)}") from e

    def _client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            transport=self._transport, trust_env=False, follow_redirects=False, timeout=FETCH_S
        )

    async def _get(self, url: str) -> Mapping[str, Any] | None:
        made = await asyncio.to_thread(self._client)  # reads the certificates of the system
        async with (
            made as client,
            client.stream("GET", url, headers={"Accept": "application/json"}) as answer,
        ):
            if answer.status_code == 404:
                return None
            if answer.status_code != 200:
                raise ValueError(f"it answered {answer.status_code}")
            body = b""
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > MAX_BYTES:
                    raise ValueError(f"it has more than {MAX_BYTES >> 10} KB")
        data = json.loads(body)
        if not isinstance(data, dict):
            raise ValueError("it is no JSON object")
        return data


async def discover(issuer: str, fetcher: Fetcher) -> Mapping[str, Any]:
    """The metadata of the issuer. Raises UnavailableError: none, or that of someone else."""
    problem = "no metadata there"
    for url in metadata_urls(issuer):
        try:
            found = await fetcher.get(url)
        except UnavailableError as e:
            problem = str(e)
            continue
        if found is None:
            continue
        if found.get("issuer") != issuer:
            said = one_line(str(found.get("issuer")), 100)
            problem = f"{url} says that its issuer is {said!r}: set oauth_issuer to exactly that"
            continue
        return found
    raise UnavailableError(f"the authorization server {issuer} cannot be used: {problem}")


async def jwks_url(issuer: str, fetcher: Fetcher) -> str:
    """Where the issuer's metadata says that its keys are. Raises UnavailableError."""
    url = (await discover(issuer, fetcher)).get("jwks_uri")
    if not isinstance(url, str):
        raise UnavailableError(f"{issuer} names no jwks_uri: set oauth_jwks to the keys' address")
    try:
        require_url("jwks_uri", url)
    except BadRequestError as e:
        raise UnavailableError(f"{issuer}: {e}") from None
    there, here = urlsplit(url), urlsplit(issuer)
    if there.hostname != here.hostname and not await _is_public(there.hostname or ""):
        raise UnavailableError(
            f"{issuer} has its keys on {there.hostname}, which is another host and not on the "
            "public internet: set oauth_jwks if that is right"
        )
    return url


async def _is_public(host: str) -> bool:
    try:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(FETCH_S):
            found = await loop.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError):
        return False
    return bool(found) and all(is_public(str(entry[4][0])) for entry in found)


@dataclass(frozen=True, slots=True)
class _KeySet:
    keys: tuple[Mapping[str, Any], ...]
    at: float

    def find(self, kid: str | None, family: str) -> Mapping[str, Any] | None:
        """The key of this id and family; without an id the only one of that family."""
        fitting = [k for k in self.keys if k.get("kty") == family and k.get("use", "sig") == "sig"]
        if kid is None:
            return fitting[0] if len(fitting) == 1 else None
        return next((k for k in fitting if k.get("kid") == kid), None)


class SigningKeys:
    """The issuer's public keys; fetched when needed, seldom, and by one caller at a time."""

    def __init__(
        self,
        issuer: str,
        jwks: str = "",
        *,
        fetcher: Fetcher | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`jwks` is the address of the keys, where the issuer's metadata should not decide."""
        self._issuer, self._jwks = issuer, jwks
        self._fetcher = fetcher or Fetcher()
        self._clock = clock
        self._held = _KeySet((), -STALE_S)
        self._tried_at = self._failed_at = float("-inf")
        self._failure = ""
        self._fetching = asyncio.Lock()

    async def find(self, kid: str | None, family: str) -> Mapping[str, Any] | None:
        """The JWK of this id and key type (`RSA`, `EC`, `OKP`); None when the issuer has none.

        Raises UnavailableError when there are no keys to look in.
        """
        found = self._usable(kid, family)
        if found is not None and (self._age() < FRESH_S or self._fetching.locked()):
            return found
        async with self._fetching:
            found = self._usable(kid, family)  # another caller may have fetched them meanwhile
            if self._due(known=found is not None):
                await self._fetch()
        found = self._usable(kid, family)
        if found is None and self._age() >= STALE_S:
            raise UnavailableError(
                f"the signing keys of {self._issuer} cannot be read: {self._failure}"
            )
        return found

    def _usable(self, kid: str | None, family: str) -> Mapping[str, Any] | None:
        return None if self._age() >= STALE_S else self._held.find(kid, family)

    def _age(self) -> float:
        return self._clock() - self._held.at

    def _due(self, *, known: bool) -> bool:
        """Whether to fetch now: a key was not found or all are old, and the last try is past."""
        now = self._clock()
        if now - self._failed_at < RETRY_S:
            return False
        if known or self._age() >= STALE_S:
            return self._age() >= FRESH_S
        return now - self._tried_at >= UNKNOWN_KEY_S

    async def _fetch(self) -> None:
        self._tried_at = self._clock()
        try:
            url = self._jwks or await jwks_url(self._issuer, self._fetcher)
            keys = (await self._fetcher.get(url) or {}).get("keys")
            if not isinstance(keys, list):
                raise UnavailableError(f"{url} holds no keys")
        except UnavailableError as e:
            self._failed_at, self._failure = self._clock(), str(e)
            log.warning("the keys of the authorization server cannot be read: %s", e)
            return
        self._held = _KeySet(tuple(k for k in keys if isinstance(k, dict)), self._clock())
