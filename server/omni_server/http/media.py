"""Files behind signed links: Range, HEAD, ETag, and nothing that a browser would run."""

from __future__ import annotations

import mimetypes
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from omni_core import file_calls
from omni_core.errors import OmniError, RefusedError, UnavailableError
from omni_server.links import Links

SHOWN = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/bmp"})
"""Images that browsers show without running anything; SVG is not among them."""
HEADERS = {
    "Cache-Control": "private, max-age=600",
    "Content-Security-Policy": "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; "
    "style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_ALSO = {
    ".m4a": "audio/mp4", ".mka": "audio/x-matroska", ".flac": "audio/flac", ".opus": "audio/ogg",
    ".mkv": "video/x-matroska", ".webm": "video/webm", ".webp": "image/webp",
    ".avif": "image/avif", ".heic": "image/heic", ".md": "text/markdown",
}  # fmt: skip
"""Types that Python's own table lacks in some versions."""


async def serve(links: Links | None, request: Request) -> Response:
    """The file of the link in the path; 403 for a false or expired link, 404 for a lost file.

    The path of the link is the permission: no token is looked at. Sound, moving pictures and
    plain images may be shown in place; anything else is offered for download, in a sandbox.
    """
    if links is None:
        return PlainTextResponse("there are no files here\n", 404)
    try:
        token = request.path_params["token"]
        file, path, stat, kind = await file_calls.run(partial(_found, links, token))
    except RefusedError as e:
        return PlainTextResponse(f"{e}\n", 403)
    except UnavailableError as e:
        return PlainTextResponse(f"{e}\n", 503)
    except (OmniError, OSError) as e:
        gone = e if isinstance(e, OmniError) else "the file is gone: call get_segment again"
        return PlainTextResponse(f"{gone}\n", 404)
    response = _HeldFile(
        file, path, media_type=kind, headers=HEADERS, filename=path.name, stat_result=stat,
        content_disposition_type="inline" if is_passive(kind) else "attachment",
    )  # fmt: skip
    etag = response.headers["etag"]
    if etag in (t.strip() for t in request.headers.get("if-none-match", "").split(",")):
        file.close()
        return Response(status_code=304, headers={**HEADERS, "ETag": etag})
    return response


class _HeldFile(FileResponse):
    """An open file, which is closed once it is sent: what stands at its path by then may be another
    one."""

    def __init__(self, file: BinaryIO, path: Path, **kwargs: Any) -> None:
        held = f"/proc/self/fd/{file.fileno()}"  # Linux opens what is open there
        super().__init__(held if sys.platform == "linux" else path, **kwargs)
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.close()


def _found(links: Links, token: str) -> tuple[BinaryIO, Path, os.stat_result, str]:
    file, path = links.opened(token)
    return file, path, os.fstat(file.fileno()), media_type(path)


def media_type(path: Path) -> str:
    """The MIME type by the file's name."""
    suffix = path.suffix.lower()
    return _ALSO.get(suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"


def is_passive(kind: str) -> bool:
    """Whether a browser can show it in our origin without running anything of it."""
    return kind.startswith(("video/", "audio/")) or kind in SHOWN
