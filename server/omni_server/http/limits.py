"""Limits on requests: so many a second by one token and from one address, and few wrong tokens."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from omni_core import limits
from omni_core.settings import Settings
from omni_server.http.messages import drain
from omni_server.observe.principals import short_hash
from omni_server.text import one_line

BURST_S = 10
"""A sender that was quiet for so long may send its requests of that time at once."""
KEPT = 10_000
"""Senders that are remembered; the one not seen for longest is forgotten first."""

Limited = Callable[[str], None]
"""Called with `rate` or `wrong_tokens` when a request is refused."""


class Buckets:
    """A token bucket for each key: `burst` at once, `per_s` a second after that."""

    def __init__(self, per_s: float, burst: float, clock: Callable[[], float]) -> None:
        self._per_s, self._burst, self._clock = per_s, burst, clock
        self._empty_until: OrderedDict[str, float] = OrderedDict()
        """When a bucket will be full again, less the time that filling takes."""

    def wait(self, key: str) -> float:
        """Seconds until `take` may be called; 0 for now."""
        now = self._clock()
        full_at = max(self._empty_until.get(key, now), now)
        return max(0.0, full_at + 1 / self._per_s - now - self._burst / self._per_s)

    def take(self, key: str) -> None:
        """Take one."""
        now = self._clock()
        full_at = max(self._empty_until.pop(key, now), now)
        self._empty_until[key] = full_at + 1 / self._per_s
        if len(self._empty_until) > KEPT:
            self._empty_until.popitem(last=False)


class Limits:
    """ASGI middleware around the gate: 429 with Retry-After past a limit.

    After too many wrong tokens an address is only heard with a token that was right before, or
    with none at all: guessing on is useless, and who shares the address is not locked out.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        limited: Limited,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._limited = limited
        per_s = settings.rate_limit
        self._rate = Buckets(per_s, per_s * BURST_S, clock) if per_s else None
        self._wrong = Buckets(settings.wrong_tokens / 60, settings.wrong_tokens, clock)
        self._right: OrderedDict[str, None] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on and look at the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refused = _too_much(scope)
        if scope["path"] == "/mcp" and _declared(headers) > limits.MESSAGE_BYTES:
            refused = _too_large
        if refused is not None:
            await drain(receive)
            await refused(scope, receive, send)
            return
        address = str((scope.get("client") or ("",))[0])
        given = headers.get("authorization")
        token = short_hash(given) if given else ""
        keys = [f"address {address}", *([f"token {token}"] if token else [])]
        if self._rate is not None:
            if (wait := max(map(self._rate.wait, keys))) > 0:
                await self._refuse("rate", wait)(scope, receive, send)
                return
            for key in keys:
                self._rate.take(key)
        known = token in self._right
        if given and not known and (wait := self._wrong.wait(address)) > 0:
            await self._refuse("wrong_tokens", wait)(scope, receive, send)
            return

        async def watch(message: Message) -> None:
            if given and message["type"] == "http.response.start":
                if message["status"] == 401:
                    self._wrong.take(address)
                    self._right.pop(token, None)
                elif not known and "user" in scope:
                    self._remember(token)
            await send(message)

        await self._app(scope, receive, watch)

    def _remember(self, token: str) -> None:
        self._right[token] = None
        if len(self._right) > KEPT:
            self._right.popitem(last=False)

    def _refuse(self, limit: str, wait: float) -> PlainTextResponse:
        self._limited(limit)
        seconds = max(1, math.ceil(wait))
        why = (
            "too many requests"
            if limit == "rate"
            else "too many wrong tokens came from this address"
        )
        return PlainTextResponse(
            f"TOO_MANY_REQUESTS: {why}; try again in {seconds} s\n", 429,
            {"Retry-After": str(seconds)},
        )  # fmt: skip


def _declared(headers: Headers) -> int:
    """The length that a request says its body has; 0 where it says none."""
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def _too_much(scope: Scope) -> PlainTextResponse | None:
    """The refusal of a request whose address or headers are too long."""
    for part, what in (
        (scope.get("raw_path") or b"", "path"),
        (scope.get("query_string") or b"", "query"),
    ):
        if len(part) > limits.URL_BYTES:
            return PlainTextResponse(
                f"BAD_ARGUMENT: the {what} has {len(part):,} bytes; at most "
                f"{limits.URL_BYTES:,} fit\n", 414,
            )  # fmt: skip
    headers = scope["headers"]
    if len(headers) > limits.HEADERS:
        return PlainTextResponse(
            f"BAD_ARGUMENT: {len(headers):,} headers; at most {limits.HEADERS:,} fit\n", 431
        )
    for name, value in headers:
        if len(name) + len(value) > limits.HEADER_BYTES:
            return PlainTextResponse(
                f"BAD_ARGUMENT: the header {one_line(name.decode('latin-1'), 40)} is longer than "
                f"{limits.HEADER_BYTES:,} bytes\n", 431,
            )  # fmt: skip
    return None


_too_large = PlainTextResponse(
    f"TOO_LARGE: a message may have {limits.MESSAGE_BYTES >> 20} MB; send files with "
    "`omni-mcp upload` or POST /upload, and name the id that it answers\n",
    413,
)
