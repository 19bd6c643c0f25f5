"""Streamable HTTP: the MCP endpoint at /mcp, files in and out, health; behind one access check.

GET  /                the page for people; public, it holds no data
GET  /health, /ready  public
GET  /media/{token}   the token is the permission (signed, ten minutes); takes Range
GET  /metrics         Prometheus
POST /upload?name=…   the body is the file; answers {"source": "upload_…"}
GET  /.well-known/oauth-protected-resource   public; where to get a token, if OAuth is set up
*    /uploads         resumable uploads (tus 1.0)
*    /mcp             the protocol
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from omni_core.settings import Settings
from omni_core.tasks import TaskOwner
from omni_server.app import build, page_tools, tools_of
from omni_server.auth.credentials import Credentials, host_of, is_guarded
from omni_server.auth.resource import WELL_KNOWN, Resource
from omni_server.authorization import audit, scope_of_tool
from omni_server.http import media, uploads
from omni_server.http.bodies import Bodies
from omni_server.http.gate import LOOPBACK, Gate, check
from omni_server.http.limits import Limits
from omni_server.http.messages import Messages
from omni_server.http.observed import Observed
from omni_server.http.port import bound
from omni_server.http.tus import Tus
from omni_server.links import Links
from omni_server.observe.metrics import CONTENT_TYPE, Metrics
from omni_server.observe.ready import Readiness
from omni_server.page.routes import show
from omni_server.state import Opener, State
from omni_server.uploads.receiving import SWEEP_S

log = logging.getLogger(__name__)

MAX_SESSIONS = 2000
"""Sessions of clients that were heard of in the last half hour, of about 16 kB each."""


class HttpServer:
    """The whole HTTP application: what comes in is observed, limited, checked, then routed."""

    def __init__(self, app: ASGIApp, gate: Gate, running: Callable[[], Any]) -> None:
        self._app, self._running = app, running
        self.end_subscriptions = gate.end_subscriptions
        """Completes every open `subscriptions/listen` request."""
        self.routes = gate.routes
        """The routes behind the gate."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or run the lifespan."""
        await self._app(scope, receive, send)

    def running(self) -> AbstractAsyncContextManager[Any]:
        """The lifespan of the application, for hosts that do not run it themselves."""
        context: AbstractAsyncContextManager[Any] = self._running()
        return context


def create_http(settings: Settings, *, opener: Opener | None = None) -> HttpServer:
    """The whole HTTP application; raises BadRequestError for settings that would expose it."""
    check(settings)
    state = State(settings, opener)
    state.guarded = is_guarded(settings)
    state.links = Links(settings.store_path, _shared(settings))
    return application(state, build(state))


def _shared(settings: Settings) -> tuple[Path, ...]:
    """The folders whose files may be linked to: those of the tenants too."""
    if not settings.share_files:
        return ()
    tenants = [Path(settings.tenant_roots).expanduser()] if settings.tenant_roots else []
    return (*settings.root_paths, *tenants)


def application(state: State, server: MCPServer[State]) -> HttpServer:
    """The routes of `server` and of its state behind the gate; `check` the settings first."""
    settings = state.settings
    state.guarded = is_guarded(settings)
    app: Starlette = server.streamable_http_app(
        host=settings.host,
        max_sessions=MAX_SESSIONS,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )  # the gate below checks Host and Origin, for every route
    app.add_middleware(Messages)
    metrics, readiness = Metrics(), Readiness(state)
    state.call_ended, state.stage_ended = metrics.tool, metrics.stage
    metrics.snapshot.uploads = state.uploads

    async def health(request: Request) -> Response:
        return JSONResponse({"ok": True})

    async def ready(request: Request) -> Response:
        _, why = await readiness.status()
        return JSONResponse({"ready": not why, "why": why}, 503 if why else 200)

    async def scraped(request: Request) -> Response:
        metrics.snapshot.status, _ = await readiness.status()
        return Response(await asyncio.to_thread(metrics.text), media_type=CONTENT_TYPE)

    async def file(request: Request) -> Response:
        return await media.serve(state.links, request)

    async def upload(request: Request) -> Response:
        return await uploads.take(state.of_caller().uploads, request)

    resource = Resource(settings)

    async def metadata(request: Request) -> Response:
        found = resource.metadata(request.url.path)
        return JSONResponse(found) if found else PlainTextResponse("none here\n", 404)

    app.add_route("/", show, methods=["GET", "HEAD"])
    app.add_route("/health", health, methods=["GET"])
    app.add_route("/ready", ready, methods=["GET"])
    app.add_route("/metrics", scraped, methods=["GET"])
    app.add_route("/media/{token}", file, methods=["GET", "HEAD"])
    app.add_route("/upload", upload, methods=["POST", "PUT"])
    tus = Tus(lambda: state.of_caller().uploads)
    app.router.routes += [
        Route(path, tus) for path in ("/uploads", "/uploads/", "/uploads/{upload}")
    ]
    app.add_route(f"{WELL_KNOWN}{{rest:path}}", metadata, methods=["GET"])
    app.router.lifespan_context = _sweeping(app.router.lifespan_context, state)
    public = {"/health", "/ready"} | ({"/metrics"} if settings.metrics_public else set())
    gate = Gate(
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
        public=frozenset(public),
    )
    limited = Limits(gate, settings, metrics.limited)
    bodies = Bodies(limited, settings.least_kb_s)
    observed = Observed(bodies, metrics, settings.access_log)
    return HttpServer(observed, gate, gate.running)


async def _sweep(state: State) -> None:
    """Delete expired uploads, those of the tenants whose libraries are open too."""
    while True:
        for one in (state, *state.tenants.open):
            await one.uploads.sweep()
        await asyncio.sleep(SWEEP_S)


def _sweeping(lifespan: Callable[[Any], Any], state: State) -> Callable[[Any], Any]:
    """The lifespan, during which unfinished uploads expire."""

    @contextlib.asynccontextmanager
    async def run(app: Starlette) -> AsyncIterator[Any]:
        async with lifespan(app) as inner:
            tasks = TaskOwner("the uploads")
            tasks.start(_sweep(state), name="unfinished uploads expire")
            try:
                yield inner
            finally:
                await tasks.close()

    return run


def run_http(settings: Settings, starting: Callable[[], None] = lambda: None) -> None:
    """Serve until interrupted; `starting` is called once nothing of the settings is refused.

    Raises BadRequestError for a non-loopback address without a token and host names, for faulty
    credentials, and for a port that cannot be had.
    """
    from omni_server.http.connections import Connections  # uvicorn
    from omni_server.http.ending import EndingServer

    app = create_http(settings)
    sockets = bound(settings.host, settings.port)
    starting()
    gc.freeze()  # what is imported stays: to look through all of it stops the loop for 0.1 s
    if is_guarded(settings):
        audit.setLevel(logging.INFO)  # whatever else is logged
    log.info("listening on port %s of %s", settings.port, settings.host)
    with contextlib.suppress(KeyboardInterrupt):  # raised again once everything is closed
        connections = Connections(settings.max_connections, settings.connections_per_address)
        server = EndingServer(app, app.end_subscriptions, settings.host, settings.port, connections)
        server.run(sockets)
