"""Every HTTP request with an id, a count, and a line in the access log where that is on."""

from __future__ import annotations

import logging
import re
import secrets
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from omni_server.observe.calls import REQUEST_ID
from omni_server.observe.metrics import Metrics
from omni_server.observe.principals import principal_hash

log = logging.getLogger("omni_server.access")

_ID = re.compile(r"[\w.:-]{1,64}", re.ASCII)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Observed:
    """ASGI middleware around all others. `X-Request-Id` is the client's, or made here."""

    def __init__(self, app: ASGIApp, metrics: Metrics, access_log: bool) -> None:
        self._app, self._metrics, self._access_log = app, metrics, access_log
        if access_log:
            log.setLevel(logging.INFO)  # whatever OMNI_LOG says: a setting asked for it

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and look at the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = given if _ID.fullmatch(given) else secrets.token_hex(8)
        headers = [h for h in scope["headers"] if h[0] != REQUEST_ID.encode()]
        scope["headers"] = [*headers, (REQUEST_ID.encode(), request_id.encode())]
        started = time.perf_counter()
        status, size = 500, 0

        async def watch(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            elif message["type"] == "http.response.body":
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            method = scope["method"] if scope["method"] in _METHODS else "other"
            route = _route(scope)
            self._metrics.http(route, method, status)
            if self._access_log:
                _line(scope, method, route, status, size, started, request_id)


def _route(scope: Scope) -> str:
    """The template of the path that was routed, as in /media/{token}; `other` where none was."""
    route = scope.get("route")
    return str(getattr(route, "path", "")) or "other"


def _line(
    scope: Scope, method: str, route: str, status: int, size: int, started: float, request_id: str
) -> None:
    ms = (time.perf_counter() - started) * 1000
    address = str((scope.get("client") or ("-",))[0])
    fields = {
        "request_id": request_id, "method": method, "route": route, "status": status,
        "bytes": size, "ms": round(ms, 1), "address": address, "principal": principal_hash(scope),
    }  # fmt: skip
    log.info("%s %s %d %d bytes %.1f ms %s", method, route, status, size, ms, address,
             extra={"fields": fields})  # fmt: skip
