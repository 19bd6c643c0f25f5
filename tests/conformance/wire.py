"""Requests as they go over the wire, for what no client library would send."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

MODERN, LEGACY = "2026-07-28", "2025-11-25"
META = "io.modelcontextprotocol/"
ACCEPT = {"accept": "application/json, text/event-stream"}
HELLO = {
    "protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "wire", "version": "1"},
}  # fmt: skip


@dataclass(frozen=True)
class Reply:
    """An HTTP answer: its status, the JSON-RPC response, and the notifications before it."""

    status: int
    headers: httpx2.Headers
    body: dict[str, Any]
    before: list[dict[str, Any]] = field(default_factory=list)

    @property
    def result(self) -> dict[str, Any]:
        """The result; fails on an error."""
        assert "result" in self.body, self.body
        result: dict[str, Any] = self.body["result"]
        return result

    @property
    def code(self) -> int | None:
        """The code of an error; None for a result."""
        return self.body["error"]["code"] if "error" in self.body else None


def meta(**capabilities: Any) -> dict[str, Any]:
    """What each request of 2026-07-28 says of its client."""
    return {
        f"{META}protocolVersion": MODERN,
        f"{META}clientInfo": {"name": "wire", "version": "1"},
        f"{META}clientCapabilities": capabilities,
    }


ASKABLE = meta(elicitation={}, sampling={}, roots={})


def headers_of(method: str, params: Mapping[str, Any]) -> dict[str, str]:
    """The headers that a request of 2026-07-28 carries."""
    name = params.get("name") or params.get("uri") or params.get("taskId")
    return {
        **ACCEPT, "mcp-protocol-version": MODERN, "mcp-method": method,
        **({"mcp-name": str(name)} if name else {}),
    }  # fmt: skip


async def call(
    http: httpx2.AsyncClient,
    method: str,
    params: Mapping[str, Any] | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    request_id: int = 1,
) -> Reply:
    """One request of 2026-07-28; `params` may bring a `_meta`, `headers` are added or replaced."""
    sent = {"_meta": ASKABLE, **(params or {})}
    return await post(
        http, {"jsonrpc": "2.0", "id": request_id, "method": method, "params": sent},
        {**headers_of(method, sent), **(headers or {})},
    )  # fmt: skip


async def post(
    http: httpx2.AsyncClient, message: Mapping[str, Any], headers: Mapping[str, str]
) -> Reply:
    """POST one message to the endpoint and read its answer to the end."""
    answer = await http.post("/mcp", json=dict(message), headers=dict(headers))
    if "text/event-stream" in answer.headers.get("content-type", ""):
        *before, body = [json.loads(line[5:]) for line in answer.text.splitlines()
                         if line.startswith("data:") and line[5:].strip()]  # fmt: skip
    else:
        before, body = [], json.loads(answer.text) if answer.text.startswith("{") else {}
    return Reply(answer.status_code, answer.headers, body, before)


class Session:
    """A session of 2025-11-25, by hand."""

    def __init__(self, http: httpx2.AsyncClient, opened: Reply) -> None:
        self._http = http
        self.opened = opened
        self.id = opened.headers["mcp-session-id"]
        self.headers = {**ACCEPT, "mcp-session-id": self.id, "mcp-protocol-version": LEGACY}

    @classmethod
    async def open(cls, http: httpx2.AsyncClient, hello: Mapping[str, Any] = HELLO) -> Session:
        """`initialize`, and the notification that ends it."""
        first = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": dict(hello)}
        session = cls(http, await post(http, first, ACCEPT))
        ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        assert (await post(http, ready, session.headers)).status == 202
        return session

    async def call(
        self, method: str, params: Mapping[str, Any] | None = None, *, request_id: int = 2
    ) -> Reply:
        """One request within the session; those under way at once need an id each."""
        message = {
            "jsonrpc": "2.0", "id": request_id, "method": method, "params": dict(params or {}),
        }  # fmt: skip
        return await post(self._http, message, self.headers)

    async def close(self) -> int:
        """DELETE the session; gives the HTTP status."""
        return (await self._http.delete("/mcp", headers=self.headers)).status_code
