"""Who may reach the HTTP server: Host, Origin and the bearer token, checked before any route."""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from omni_core.errors import BadRequestError
from omni_core.settings import Settings

PUBLIC = ("/", "/health")
"""Paths that hold no data of the library."""
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class Gate:
    """Refuses before anything else: a wrong Host with 421, a wrong Origin with 403, a missing or
    wrong token with 401."""

    def __init__(
        self,
        app: Starlette,
        hosts: tuple[str, ...],
        token: str,
        end_subscriptions: Callable[[], None],
    ) -> None:
        self._app = app
        self.end_subscriptions = end_subscriptions
        """Completes every open `subscriptions/listen` request."""
        self._hosts = {h.lower() for h in hosts}
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on."""
        if scope["type"] != "http":  # lifespan; there are no websockets here
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope["method"], scope["path"], Headers(scope=scope))
        await (refusal or self._app)(scope, receive, send)

    def running(self) -> AbstractAsyncContextManager[Any]:
        """The lifespan of the application, for hosts that do not run it themselves."""
        return self._app.router.lifespan_context(self._app)

    def _refusal(self, method: str, path: str, headers: Headers) -> Response | None:
        if not self._known(headers.get("host", "")):
            return PlainTextResponse("unknown Host; see --allowed-host\n", 421)
        origin = headers.get("origin")
        if origin is not None and not self._known(re.sub(r"^https?://", "", origin.lower())):
            return PlainTextResponse("unknown Origin; see --allowed-host\n", 403)
        if (path in PUBLIC and method in ("GET", "HEAD")) or path.startswith("/media/"):
            return None
        if self._token and not bearer_matches(headers.get("authorization"), self._token):
            return PlainTextResponse(
                "a bearer token is needed\n", 401, {"WWW-Authenticate": 'Bearer realm="omni"'}
            )
        return None

    def _known(self, host: str) -> bool:
        """Whether `host`, with or without its port, is an accepted name."""
        name = re.sub(r":\d+$", "", host.lower())
        return host.lower() in self._hosts or name in self._hosts


def check(settings: Settings) -> None:
    """Raise BadRequestError when these settings would open the library to a network unguarded."""
    if is_loopback(settings.host):
        return
    if len(settings.token) < 16:
        raise BadRequestError(
            f"--host {settings.host} is reachable from the network: set OMNI_TOKEN to a secret of "
            "16 characters or more, or use --host 127.0.0.1"
        )
    if not settings.allowed_hosts:
        raise BadRequestError(
            f"--host {settings.host} is reachable from the network: name the host names clients "
            "use with --allowed-host NAME, or use --host 127.0.0.1"
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def bearer_matches(header: str | None, token: str) -> bool:
    """Whether an Authorization header contains `token`; False for an empty token."""
    scheme, _, given = (header or "").partition(" ")
    same = hmac.compare_digest(given.strip().encode(), token.encode())
    return bool(token) and scheme.lower() == "bearer" and same
