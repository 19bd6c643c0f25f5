"""Who may reach the HTTP server: Host, Origin, identity and scope, checked before any route."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from omni_core import limits
from omni_core.errors import BadRequestError
from omni_core.settings import MIN_TOKEN, Settings
from omni_server.auth.credentials import Credentials, Denied, is_guarded
from omni_server.auth.principal import OneScope, Principal, acting_as, as_user
from omni_server.auth.resource import Resource
from omni_server.authorization import scope_of_message
from omni_server.http.messages import peek
from omni_server.messages import refusal as refusal_of

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
PAGE = "/"
"""The page for people: without a principal too, it holds no data."""
PUBLIC = ("/media/", "/.well-known/")
"""Beginnings of routes without a principal."""
TENANT_ROUTES = ("/mcp", "/upload", "/uploads")
"""Routes that show a caller nothing but its own tenant's library, and its collections; the others
are for who may see the whole main library only."""
Serving = Callable[[str], AbstractAsyncContextManager[object]]
"""Keeps the library of a tenant open."""


class Gate:
    """Refuses before anything else: a wrong Host with 421, a wrong Origin with 403, a missing or
    wrong token with 401, a missing scope with 403."""

    def __init__(
        self,
        app: Starlette,
        hosts: tuple[str, ...],
        credentials: Credentials,
        resource: Resource,
        tools: Mapping[str, OneScope],
        serving: Serving,
        end_subscriptions: Callable[[], None],
        public: frozenset[str] = frozenset({"/health"}),
    ) -> None:
        """`tools` are the scopes of the tools by name; `public` are routes without a principal."""
        self._app = app
        self._public = public
        self.end_subscriptions = end_subscriptions
        """Completes every open `subscriptions/listen` request."""
        self._hosts = {h.lower() for h in hosts}
        self._credentials, self._resource = credentials, resource
        self._tools, self._serving = tools, serving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on."""
        if scope["type"] != "http":  # lifespan; there are no websockets here
            await self._app(scope, receive, send)
            return
        headers, path = Headers(scope=scope), scope["path"]
        refusal = self._misdirected(headers)
        if refusal is not None or not self._credentials.needed or self._is_public(scope):
            await (refusal or self._app)(scope, receive, send)
            return
        try:
            principal = await self._credentials.principal(headers.get("authorization"))
        except Denied as e:
            await self._denied(e)(scope, receive, send)
            return
        refusal = self._route_refused(path, principal)
        if refusal is None and path == "/mcp" and principal.by_oauth and scope["method"] == "POST":
            refusal, receive = await self._message_refused(principal, receive)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        stands = partial(self._stands, headers.get("authorization"), principal)
        user = scope["user"] = as_user(principal, stands)
        async with self._serving(principal.tenant) if principal.tenant else nullcontext():
            with acting_as(user):
                await self._app(scope, receive, send)

    @property
    def routes(self) -> list[BaseRoute]:
        """The routes behind the gate."""
        return self._app.routes

    def running(self) -> AbstractAsyncContextManager[Any]:
        """The lifespan of the application, for hosts that do not run it themselves."""
        return self._app.router.lifespan_context(self._app)

    async def _stands(self, header: str | None, principal: Principal) -> bool:
        """Whether a request with this header is from this caller still; where nobody can tell, as
        the authorization server does not answer, it is."""
        try:
            return await self._credentials.principal(header) == principal
        except Denied as e:
            return e.status == 503

    def _misdirected(self, headers: Headers) -> Response | None:
        if not self._known(headers.get("host", "")):
            return PlainTextResponse("unknown Host; see --allowed-host\n", 421)
        origin = headers.get("origin")
        if origin is not None and not self._known(re.sub(r"^https?://", "", origin.lower())):
            return PlainTextResponse("unknown Origin; see --allowed-host\n", 403)
        return None

    def _known(self, host: str) -> bool:
        """Whether `host`, with or without its port, is an accepted name."""
        name = re.sub(r":\d+$", "", host.lower())
        return host.lower() in self._hosts or name in self._hosts

    def _is_public(self, scope: Scope) -> bool:
        path: str = scope["path"]
        if path == PAGE:
            return scope["method"] in ("GET", "HEAD")
        return path in self._public or path.startswith(PUBLIC)

    def _denied(self, why: Denied) -> Response:
        if why.status == 401:
            value = self._resource.challenge(error=why.error, description=str(why))
            headers = {"WWW-Authenticate": value}
        else:
            headers = {"Retry-After": "5"} if why.status == 503 else {}
        return PlainTextResponse(f"{why}\n", why.status, headers)

    def _route_refused(self, path: str, principal: Principal) -> Response | None:
        if not principal.scopes:
            return self._lacking(principal, "read")
        if principal.tenant and not _is_for_tenants(path):
            return PlainTextResponse("not for callers of a tenant\n", 403)
        if principal.collections and not _is_for_tenants(path):
            return PlainTextResponse("not for callers with rights on collections\n", 403)
        if path == "/mcp":  # a scope for each method and tool
            return None
        scope: OneScope = "ingest" if path.startswith("/upload") else "read"
        return None if principal.may(scope) else self._lacking(principal, scope)

    async def _message_refused(
        self, principal: Principal, receive: Receive
    ) -> tuple[Response | None, Receive]:
        """The refusal of a message whose scope the authorization server could still grant; and
        what the application receives instead of `receive`.

        The same scopes are checked again where the message is handled: here they only become the
        status 403 by which clients know that they should ask for more.
        """
        if principal.may("read") and principal.may("ingest") and principal.may("delete"):
            return None, receive
        body, again = await peek(receive, limits.MESSAGE_BYTES)
        wrong = await asyncio.to_thread(refusal_of, body)
        message = None if wrong is not None else json.loads(body)  # `Messages` says what is wrong
        needed = scope_of_message(message, self._tools)
        if needed is None or principal.may(needed):
            return None, again
        return self._lacking(principal, needed), again

    def _lacking(self, principal: Principal, scope: OneScope) -> Response:
        """403: the challenge names the scopes that the caller has and the one that it needs."""
        words = f"this needs the scope {scope}"
        headers = {}
        if principal.by_oauth:
            scopes = (*sorted(principal.scopes), scope)
            headers["WWW-Authenticate"] = self._resource.challenge(
                error="insufficient_scope", description=words, scopes=scopes
            )
        return JSONResponse(
            {"error": "insufficient_scope", "error_description": words}, 403, headers
        )


def _is_for_tenants(path: str) -> bool:
    return path in TENANT_ROUTES or path.startswith("/uploads/")


def check(settings: Settings) -> None:
    """Raise BadRequestError when these settings would open the library to a network unguarded."""
    if settings.token and len(settings.token) < MIN_TOKEN:
        raise BadRequestError(
            f"OMNI_TOKEN has {len(settings.token)} characters, which can be guessed: set it to a "
            f"random secret of {MIN_TOKEN} or more, or unset it"
        )
    if is_loopback(settings.host):
        return
    if not is_guarded(settings):
        raise BadRequestError(
            f"--host {settings.host} is reachable from the network: set OMNI_TOKEN to a secret of "
            f"{MIN_TOKEN} characters or more (or tokens_file, or oauth_issuer), "
            "or use --host 127.0.0.1"
        )
    if not (settings.allowed_hosts or settings.oauth_audience):
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
