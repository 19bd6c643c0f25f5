"""What stands between a server and its workers, and changes what it passes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

Change = Callable[["Answer"], Response]


@dataclass(slots=True)
class Answer:
    """What the worker answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    def response(self, body: bytes | None = None) -> Response:
        """It, or with another body."""
        headers = {k: v for k, v in self.headers.items() if k != "content-length"}
        return Response(self.body if body is None else body, self.status, headers)


@dataclass(slots=True)
class Between:
    """An ASGI application that asks another one, and changes its answers to calls."""

    application: Any
    change: Change | None = None
    """None: they pass as they are."""
    described: Change | None = None
    """The same for what the worker says of itself."""
    calls: list[str] = field(default_factory=list)
    """The paths of the calls so far."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        path = scope["path"]
        if path not in ("/info", "/ready"):
            self.calls.append(path)
        change = self.described if path == "/info" else self.change
        if change is None or path == "/ready":
            await self.application(scope, receive, send)
            return
        answer = Answer(0, {}, b"")

        async def keep(message: Any) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = {k.decode(): v.decode() for k, v in message["headers"]}
            else:
                answer.body += message.get("body", b"")

        await self.application(scope, receive, keep)
        await change(answer)(scope, receive, send)
