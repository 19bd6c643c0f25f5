"""Resumable uploads: tus 1.0 (https://tus.io) at /uploads.

tus and not the IETF's "Resumable Uploads for HTTP": that is still a draft whose header for the
version changes with each revision, tus-js-client has it as an option for two old revisions, and
clients that begin without being told (Apple's URLSession) wait for a 104 response, which ASGI
servers cannot send. tus 1.0 has not changed since 2016; tus-js-client and Uppy speak it by
default, there are libraries for Python, Go, Java, Swift and Kotlin, and curl needs two headers.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from email.utils import formatdate

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from omni_core.errors import BadRequestError, OmniError
from omni_server.http.errors import refusal
from omni_server.http.uploads import body_of, broken, row
from omni_server.observe.principals import principal_of
from omni_server.uploads.body import Broken
from omni_server.uploads.receiving import ALGORITHMS, Checksum, Uploads
from omni_server.uploads.records import Upload

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,termination,checksum,expiration"
BYTES = "application/offset+octet-stream"


class Tus:
    """An ASGI application for one address: the collection, or the upload that the path names."""

    def __init__(self, uploads: Callable[[], Uploads]) -> None:
        """`uploads`: those that the running request may see."""
        self._uploads_of_caller = uploads

    @property
    def _uploads(self) -> Uploads:
        return self._uploads_of_caller()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        response = await self._answer(request)
        response.headers["Tus-Resumable"] = VERSION
        response.headers["Cache-Control"] = "no-store"
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return self._offer()
        if request.headers.get("tus-resumable", VERSION) != VERSION:
            return Response(f"only tus {VERSION} is spoken\n", 412, {"Tus-Version": VERSION})
        id_ = request.path_params.get("upload", "")
        try:
            if id_:
                return await self._one(request, id_)
            if request.method == "POST":
                return await self._create(request)
            if request.method == "GET":
                return await self._list(request)
        except OmniError as e:
            return refusal(e)
        except Broken:
            return broken()
        return Response("POST to begin an upload, GET for those that there are\n", 405)

    async def _list(self, request: Request) -> Response:
        held = await self._uploads.of(principal_of(request.scope))
        return JSONResponse({"uploads": [row(self._uploads, u) for u in held]})

    def _offer(self) -> Response:
        return Response(
            status_code=204,
            headers={
                "Tus-Version": VERSION,
                "Tus-Extension": EXTENSIONS,
                "Tus-Max-Size": str(self._uploads.room.one),
                "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
            },
        )

    async def _create(self, request: Request) -> Response:
        described = _metadata(request.headers.get("upload-metadata", ""))
        size = _number(request.headers, "upload-length")
        with_body = request.headers.get("content-type") == BYTES
        upload = await self._uploads.create(
            described.get("filename") or described.get("name", ""),
            size, principal_of(request.scope), described.get("sha256", ""),
        )  # fmt: skip
        if with_body:
            upload = await self._uploads.append(upload, 0, body_of(request), _checksum(request))
        place = f"{request.url.path.rstrip('/')}/{upload.record.id}"
        return Response(status_code=201, headers={"Location": place, **self._where(upload)})

    async def _one(self, request: Request, id_: str) -> Response:
        method = request.headers.get("x-http-method-override", request.method).upper()
        upload = await self._uploads.own(id_, principal_of(request.scope))
        if method == "HEAD":
            name = base64.b64encode(upload.record.name.encode()).decode()
            return Response(
                headers={
                    "Upload-Length": str(upload.record.size),
                    "Upload-Metadata": f"filename {name}",
                    **self._where(upload),
                }
            )
        if method == "GET":
            return JSONResponse(row(self._uploads, upload))
        if method == "DELETE":
            await self._uploads.remove(upload)
            return Response(status_code=204)
        if method != "PATCH":
            return Response("HEAD, GET, PATCH or DELETE\n", 405)
        if request.headers.get("content-type") != BYTES:
            return Response(f"the content type of a PATCH is {BYTES}\n", 415)
        offset = _number(request.headers, "upload-offset")
        checksum = _checksum(request)
        upload = await self._uploads.append(upload, offset, body_of(request), checksum)
        return Response(status_code=204, headers=self._where(upload))

    def _where(self, upload: Upload) -> dict[str, str]:
        expires = self._uploads.expires(upload)
        headers = {"Upload-Offset": str(upload.offset)}
        if expires is not None:
            headers["Upload-Expires"] = formatdate(expires, usegmt=True)
        return headers


def _number(headers: Mapping[str, str], name: str) -> int:
    text = headers.get(name, "")
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise BadRequestError(f"the header {name.title()} is a number of bytes")
    return int(text)


def _metadata(header: str) -> dict[str, str]:
    """The pairs of `Upload-Metadata`: names, and values in base64."""
    found: dict[str, str] = {}
    for pair in header.split(","):
        name, _, value = pair.strip().partition(" ")
        if name:
            found[name] = _decoded(value).decode("utf-8", "replace")
    return found


def _checksum(request: Request) -> Checksum | None:
    header = request.headers.get("upload-checksum")
    if header is None:
        return None
    algorithm, _, digest = header.partition(" ")
    if algorithm not in ALGORITHMS:
        raise BadRequestError(f"Upload-Checksum is one of {', '.join(ALGORITHMS)}, then base64")
    return Checksum(algorithm, _decoded(digest))


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise BadRequestError(
            "a value of Upload-Metadata or Upload-Checksum is no base64"
        ) from None
