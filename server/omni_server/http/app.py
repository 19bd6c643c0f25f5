"""Streamable HTTP: the MCP endpoint at /mcp, clips, uploads, health, behind one access check.

GET  /                the page for people; public, it holds no data
GET  /health          public
GET  /media/{token}   the token is the permission (signed, ten minutes); takes Range
POST /upload?name=…   the body is the file; answers {"source": "upload_…"}
GET  /.well-known/oauth-protected-resource   public; where to get a token, if OAuth is set up
*    /mcp             the protocol
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import mimetypes

from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response

from omni_core.errors import OmniError, RefusedError
from omni_core.settings import Settings
from omni_server.app import build, page_tools, tools_of
from omni_server.auth.credentials import Credentials, host_of, is_guarded
from omni_server.auth.resource import WELL_KNOWN, Resource
from omni_server.authorization import audit, scope_of_tool
from omni_server.http.gate import LOOPBACK, Gate, check
from omni_server.http.uploads import receive
from omni_server.links import Links
from omni_server.page.routes import show
from omni_server.state import Opener, State
from omni_server.text import one_line

log = logging.getLogger(__name__)


def create_http(settings: Settings, *, opener: Opener | None = None) -> Gate:
    """The whole HTTP application; raises BadRequestError for settings that would expose it."""
    check(settings)
    state = State(settings, opener)
    state.guarded = is_guarded(settings)
    state.links = Links(settings.store_path)
    return application(state, build(state))


def application(state: State, server: MCPServer[State]) -> Gate:
    """The routes of `server` and of its state behind the gate; `check` the settings first."""
    settings = state.settings
    state.guarded = is_guarded(settings)
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
            return JSONResponse({"source": await receive(request, state.of_caller())}, 201)
        except OmniError as e:
            status = 413 if e.code == "TOO_LARGE" else 400
            return PlainTextResponse(f"{e.code}: {one_line(str(e))}\n", status)

    resource = Resource(settings)

    async def metadata(request: Request) -> Response:
        found = resource.metadata(request.url.path)
        return JSONResponse(found) if found else PlainTextResponse("none here\n", 404)

    app.add_route("/", show, methods=["GET", "HEAD"])
    app.add_route("/health", health, methods=["GET"])
    app.add_route("/media/{token}", media, methods=["GET", "HEAD"])
    app.add_route("/upload", upload, methods=["POST", "PUT"])
    app.add_route(f"{WELL_KNOWN}{{rest:path}}", metadata, methods=["GET"])
    return Gate(
        app,
        hosts=(*LOOPBACK, *settings.allowed_hosts, *host_of(settings)),
        credentials=Credentials(settings),
        resource=resource,
        tools={
            tool.name: scope_of_tool(tool.annotations)
            for tool in (*tools_of(settings), *page_tools())
        },
        serving=state.tenants.serving,
        end_subscriptions=state.end_subscriptions,
    )


def run_http(settings: Settings) -> None:
    """Serve until interrupted. Refuses a non-loopback address without a token and host names."""
    from omni_server.http.ending import EndingServer  # uvicorn

    app = create_http(settings)
    if is_guarded(settings):
        audit.setLevel(logging.INFO)  # whatever else is logged
    log.info("listening on http://%s:%s/mcp", settings.host, settings.port)
    with contextlib.suppress(KeyboardInterrupt):  # raised again once everything is closed
        EndingServer(app, app.end_subscriptions, settings.host, settings.port).run()


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
