"""Errors of plain HTTP routes: one line of text, and the status that clients act on."""

from __future__ import annotations

from starlette.responses import PlainTextResponse, Response

from omni_core.errors import OmniError
from omni_server.text import one_line, without_paths

RETRY_S = 5
STATUS = {
    "BAD_CHECKSUM": 460,  # tus
    "BUSY": 423,
    "CATALOG_POOLED": 503,
    "CATALOG_READ_ONLY": 503,
    "CATALOG_UNREACHABLE": 503,
    "DISK_FULL": 507,
    "INDEX_UNREACHABLE": 503,
    "MODEL_MISMATCH": 503,
    "NOT_FOUND": 404,
    "NO_UPLOADS": 403,
    "NO_WORKER": 503,
    "PATH_NOT_ALLOWED": 403,
    "READ_ONLY": 403,
    "STORE_FAILED": 500,
    "TOKEN_REFUSED": 503,
    "TOO_LARGE": 413,
    "TOO_MANY_UPLOADS": 429,
    "UPLOADS_FULL": 507,
    "WORKERS_UNREACHABLE": 503,
    "WRONG_OFFSET": 409,
}


def refusal(e: OmniError) -> Response:
    """`CODE: what to do`; status 400 unless the table above has another."""
    status = STATUS.get(e.code, 400)
    headers = {"Retry-After": str(RETRY_S)} if status in (423, 429, 503) else None
    return PlainTextResponse(f"{e.code}: {without_paths(one_line(str(e)))}\n", status, headers)
