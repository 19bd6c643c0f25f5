"""Uploads over HTTP: a file in one request, and an upload as JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from omni_core.errors import OmniError
from omni_server.http.errors import refusal
from omni_server.observe.principals import principal_of
from omni_server.uploads.body import Broken
from omni_server.uploads.receiving import Uploads
from omni_server.uploads.records import Upload


async def take(uploads: Uploads, request: Request) -> Response:
    """The body is the file, `?name=…&sha256=…`; answers 201 and `{"source": "upload_…"}`.
    Nothing is left of a failure."""
    declared = request.headers.get("content-length", "")
    size = int(declared) if declared.isdecimal() else -1
    asked = request.query_params
    try:
        upload = await uploads.take(
            asked.get("name", ""), size, principal_of(request.scope),
            asked.get("sha256", ""), body_of(request),
        )  # fmt: skip
    except OmniError as e:
        return refusal(e)
    except Broken:
        return broken()
    return JSONResponse({"source": upload.record.id}, 201)


async def body_of(request: Request) -> AsyncIterator[bytes]:
    """The body as it comes; raises Broken when the sender goes away."""
    try:
        async for chunk in request.stream():
            yield chunk
    except ClientDisconnect:
        raise Broken from None


def broken() -> Response:
    """For a sender that may still hear it: one that was silent for too long."""
    return Response("BROKEN_OFF: the upload broke off; ask where to go on\n", 408)


def row(uploads: Uploads, upload: Upload) -> dict[str, Any]:
    """An upload as JSON."""
    expires = uploads.expires(upload)
    return {
        "source": upload.record.id,
        "name": upload.record.name,
        "size": upload.record.size,
        "offset": upload.offset,
        "complete": upload.complete,
        "sha256": upload.record.sha256,
        "created": _iso(upload.record.created),
        "expires": None if expires is None else _iso(expires),
    }


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
