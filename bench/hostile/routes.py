"""Requests to the plain HTTP routes with too much in paths, query strings, headers and bodies."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field

from omni_core import limits

MANY = ("a", "%00", "%2e%2e%2f", "%F0%9F%92%A9", "%ff", "a,", "bytes=0-1,")
LENGTHS = (0, 1, 1000, limits.URL_BYTES, limits.URL_BYTES + 1, 30_000)


@dataclass(frozen=True, slots=True)
class Route:
    """One request."""

    what: str
    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def of_routes() -> Iterator[Route]:
    """A request for each part of each route and each length."""
    for length in LENGTHS:
        for many in MANY:
            text = (many * length)[:length]
            yield from _paths(text, f"{length} of {many!r}")
            yield from _headers(text, f"{length} of {many!r}")
    headers = {f"X-A-{n}": "b" for n in range(limits.HEADERS + 50)}
    yield Route("150 headers", "GET", "/health", headers)


def _paths(text: str, named: str) -> Iterator[Route]:
    for path in ("/media/{}", "/uploads/{}", "/{}", "/.well-known/oauth-protected-resource/{}"):
        yield Route(f"{path}: {named}", "GET", path.format(text))
    yield Route(f"upload name: {named}", "POST", f"/upload?name={text}", {}, b"x")
    yield Route(f"upload hash: {named}", "POST", f"/upload?name=a.md&sha256={text}", {}, b"x")
    yield Route(f"query string: {named}", "GET", f"/health?{text}")


def _headers(text: str, named: str) -> Iterator[Route]:
    for header in ("Authorization", "Origin", "X-Request-Id", "Cookie", "Range", "If-None-Match",
                   "Accept", "Content-Type", "MCP-Protocol-Version", "Mcp-Session-Id",
                   "traceparent"):  # fmt: skip
        yield Route(f"{header}: {named}", "POST", "/mcp", {header: text}, b"{}")
    described = base64.b64encode(text.encode()).decode()
    for metadata in (f"filename {described}", f"sha256 {described}", text):
        yield Route(
            f"Upload-Metadata: {named}", "POST", "/uploads",
            {"Tus-Resumable": "1.0.0", "Upload-Length": "1", "Upload-Metadata": metadata},
        )  # fmt: skip
    for header in ("Upload-Length", "Upload-Offset", "Upload-Checksum", "X-HTTP-Method-Override"):
        yield Route(
            f"{header}: {named}", "PATCH", "/uploads/upload_" + "a" * 26,
            {"Tus-Resumable": "1.0.0", header: text},
        )  # fmt: skip
