"""Uploads: a request's body becomes a file of the store that `ingest_media` takes."""

from __future__ import annotations

import asyncio
import base64
import secrets
import shutil

import anyio
from starlette.requests import ClientDisconnect, Request

from omni_core.errors import BadRequestError, TooLargeError
from omni_server.state import State
from omni_server.text import file_name


async def receive(request: Request, state: State) -> str:
    """Stream the body into the store's uploads; returns `upload_…`. Nothing is left of a failure.

    Raises TooLargeError past the limit of one file, BadRequestError for an empty body.
    """
    limit = state.settings.max_file_mb << 20
    too_large = TooLargeError(f"an upload may have {state.settings.max_file_mb:,} MB")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise too_large
    token = "upload_" + base64.b32encode(secrets.token_bytes(16)).decode().lower().rstrip("=")
    folder = state.access.uploads / token
    part = folder.with_suffix(".part")
    await asyncio.to_thread(part.mkdir, mode=0o700, parents=True)
    size = 0
    try:
        async with await anyio.open_file(
            part / (file_name(request.query_params.get("name", "")) or "upload"), "xb"
        ) as out:
            async for chunk in request.stream():
                size += len(chunk)
                if size > limit:
                    raise too_large
                await out.write(chunk)
        if not size:
            raise BadRequestError("the body is empty: send the file itself, with --data-binary")
        await asyncio.to_thread(part.rename, folder)
    except ClientDisconnect:
        raise BadRequestError("the upload broke off") from None
    finally:
        await asyncio.to_thread(shutil.rmtree, part, ignore_errors=True)
    return token
