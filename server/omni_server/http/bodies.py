"""The body of a request comes at a pace, or is taken for broken off."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from omni_server.pace import START_S, Pace


class Bodies:
    """ASGI middleware: to what reads a body that falls behind `least_kb_s` its sender is gone.

    Time counts while the application waits for more, not while it works on what came; after the
    body a request may stay open for as long as it likes, as streams of events do.
    """

    def __init__(self, app: ASGIApp, least_kb_s: int, start_s: float = START_S) -> None:
        self._app, self._least_kb_s, self._start_s = app, least_kb_s, start_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and time what is received."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        pace = Pace(self._least_kb_s, self._start_s)
        size, whole = 0, False

        async def timed() -> Message:
            nonlocal size, whole
            if whole:
                return await receive()
            try:
                async with pace.waiting(size):
                    message = await receive()
            except TimeoutError:
                whole = True
                return {"type": "http.disconnect"}
            size += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            return message

        await self._app(scope, timed, send)
