"""Streamable HTTP: the MCP endpoint at /mcp, clips, uploads, health, behind one access check.

GET  /health          public
GET  /media/{token}   the token is the permission (signed, ten minutes); takes Range
POST /upload?name=…   the body is the file; answers {"source": "upload_…"}
*    /mcp             the protocol
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ipaddress
import logging
import mimetypes
import re
import secrets
import shutil
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import anyio
from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from omni_core.errors import BadRequestError, OmniError, RefusedError, TooLargeError
from omni_core.settings import Settings
from omni_server.app import build
from omni_server.auth import Links, bearer_matches
from omni_server.state import Opener, State
from omni_server.text import file_name, one_line

log = logging.getLogger(__name__)

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
        refusal = self._refusal(scope["path"], Headers(scope=scope))
        await (refusal or self._app)(scope, receive, send)

    def running(self) -> AbstractAsyncContextManager[Any]:
        """The lifespan of the application, for hosts that do not run it themselves."""
        return self._app.router.lifespan_context(self._app)

    def _refusal(self, path: str, headers: Headers) -> Response | None:
        if not self._known(headers.get("host", "")):
            return PlainTextResponse("unknown Host; see --allowed-host\n", 421)
        origin = headers.get("origin")
        if origin is not None and not self._known(re.sub(r"^https?://", "", origin.lower())):
            return PlainTextResponse("unknown Origin; see --allowed-host\n", 403)
        if path == "/health" or path.startswith("/media/"):
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


def create_http(settings: Settings, *, opener: Opener | None = None) -> Gate:
    """The whole HTTP application; raises BadRequestError for settings that would expose it."""
    check(settings)
    state = State(settings, opener)
    state.links = Links(settings.store_path)
    return application(state, build(state))


def application(state: State, server: MCPServer[State]) -> Gate:
    """The routes of `server` and of its state behind the gate; `check` the settings first."""
    settings = state.settings
    app: Starlette = server.streamable_http_app(
        host=settings.host,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )  # the gate below checks Host and Origin, for every route

    async def health(request: Request) -> Response:
        return JSONResponse({"ok": True})

    async def media(request: Request) -> Response:
        return await asyncio.to_thread(_media, state.links, request.path_params["token"])

    async def upload(request: Request) -> Response:
        try:
            return JSONResponse({"source": await _receive(request, state)}, 201)
        except OmniError as e:
            status = 413 if e.code == "TOO_LARGE" else 400
            return PlainTextResponse(f"{e.code}: {one_line(str(e))}\n", status)

    app.add_route("/health", health, methods=["GET"])
    app.add_route("/media/{token}", media, methods=["GET", "HEAD"])
    app.add_route("/upload", upload, methods=["POST", "PUT"])
    hosts = (*LOOPBACK, *settings.allowed_hosts)
    return Gate(app, hosts, settings.token, state.end_subscriptions)


def run_http(settings: Settings) -> None:
    """Serve until interrupted. Refuses a non-loopback address without a token and host names."""
    from omni_server.ending import EndingServer  # uvicorn

    app = create_http(settings)
    log.info("listening on http://%s:%s/mcp", settings.host, settings.port)
    with contextlib.suppress(KeyboardInterrupt):  # raised again once everything is closed
        EndingServer(app, app.end_subscriptions, settings.host, settings.port).run()


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


def _media(links: Links | None, token: str) -> Response:
    if links is None:
        return PlainTextResponse("no clips here\n", 404)
    try:
        path = links.file(token)
    except RefusedError as e:
        return PlainTextResponse(f"{e}\n", 403)
    except OmniError as e:
        return PlainTextResponse(f"{e}\n", 404)
    return FileResponse(
        path,
        media_type=mimetypes.guess_type(path.name)[0] or "application/octet-stream",
        headers={"Cache-Control": "private, max-age=600", "X-Content-Type-Options": "nosniff"},
    )


async def _receive(request: Request, state: State) -> str:
    """Stream the body into the store's uploads; returns `upload_…`. Nothing is left of a failure.

    Raises TooLargeError past the limit of one file, BadRequestError for an empty body.
    """
    limit = state.settings.max_file_mb << 20
    too_large = TooLargeError(f"an upload may have {state.settings.max_file_mb:,} MB")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise too_large
    token = "upload_" + base64.b32encode(secrets.token_bytes(16)).decode().lower().rstrip("=")
    folder = state.access.uploads / token
    part = folder.with_suffix(".part")
    await asyncio.to_thread(part.mkdir, mode=0o700, parents=True)
    size = 0
    try:
        async with await anyio.open_file(
            part / (file_name(request.query_params.get("name", "")) or "upload"), "xb"
        ) as out:
            async for chunk in request.stream():
                size += len(chunk)
                if size > limit:
                    raise too_large
                await out.write(chunk)
        if not size:
            raise BadRequestError("the body is empty: send the file itself, with --data-binary")
        await asyncio.to_thread(part.rename, folder)
    except ClientDisconnect:
        raise BadRequestError("the upload broke off") from None
    finally:
        await asyncio.to_thread(shutil.rmtree, part, ignore_errors=True)
    return token
