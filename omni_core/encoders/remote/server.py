"""The model worker over HTTP: the same encoder, for a server on another machine.

    GET  /info                    the encoder's description; 503 while it loads
    POST /encode                  contents -> vectors of evidence
    POST /questions               contents -> vectors of questions, ahead of evidence
    POST /rerank                  the question, then candidates -> scores
    GET  /health                  "ok", without a token

Bodies are safetensors, as `wire` describes. Every path but /health needs the token when one is
set; without one the worker only listens on loopback.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from omni_core.encoders.remote import wire
from omni_core.errors import (
    BadRequestError,
    OmniError,
    RefusedError,
    TooLargeError,
    UnavailableError,
    pack,
)
from omni_core.protocols import Encoder, Reranker
from omni_core.settings import MIN_TOKEN, Settings
from omni_core.types import Content, Vector

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

log = logging.getLogger(__name__)

MAX_BODY = 256 << 20
"""Bytes of one request: a batch of videos at 350x196 is about 50 MB."""
Handler = Callable[["Request"], Awaitable["Response"]]
_STATUS = {BadRequestError: 400, RefusedError: 401, TooLargeError: 413, UnavailableError: 503}


def serve(settings: Settings, host: str, port: int, token: str) -> None:
    """Load the models of `settings` and answer on host:port until stopped.

    Raises RefusedError before anything is loaded when the address can be reached from other
    machines and there is no token.
    """
    may_listen(host, token)
    import uvicorn

    uvicorn.run(
        worker_app(settings, token), host=host, port=port, log_level="warning", access_log=False
    )


def may_listen(host: str, token: str) -> None:
    """Raise RefusedError for a token that can be guessed, and for none beyond loopback."""
    if token and len(token) < MIN_TOKEN:
        raise RefusedError(
            f"the worker's token has {len(token)} characters, which can be guessed: set "
            f"encoder_token (OMNI_ENCODER_TOKEN) to a random secret of {MIN_TOKEN} or more",
            code="BAD_ARGUMENT",
        )
    if not token and not _loopback(host):
        raise RefusedError(
            f"a worker on {host} can be reached by other machines: set a token "
            "(encoder_token, or OMNI_ENCODER_TOKEN) or listen on 127.0.0.1",
            code="BAD_ARGUMENT",
        )


class _WorkerModels:
    """The encoder, loading from the start; the reranker, loaded on first use."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loaded = threading.Event()
        self._encoder: Encoder | None = None
        self._error: OmniError | None = None
        self._reranker: Reranker | None = None
        self._reranker_lock = threading.Lock()
        threading.Thread(target=self._load, name="loader", daemon=True).start()

    def _load(self) -> None:
        from omni_core import encoders

        try:
            self._encoder = encoders.load(self._settings)
        except OmniError as e:
            self._error = e
        except Exception as e:
            log.exception("the encoder did not load")
            self._error = UnavailableError(f"the encoder did not load: {type(e).__name__}")
        self._loaded.set()

    def encoder(self) -> Encoder:
        """Raises UnavailableError (BUSY) while loading, or with the reason of the failure."""
        if not self._loaded.is_set():
            raise UnavailableError("the model is loading; ask again in some seconds", code="BUSY")
        if self._encoder is None:
            raise self._error or UnavailableError("the encoder did not load")
        return self._encoder

    def reranker(self) -> Reranker:
        """Loaded by the first call; raises UnavailableError when there is none."""
        from omni_core import encoders

        with self._reranker_lock:
            if self._reranker is None:
                self._reranker = encoders.load_reranker(self._settings)
            return self._reranker


def worker_app(settings: Settings, token: str) -> Starlette:
    """The ASGI application, for another ASGI server."""
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import JSONResponse, PlainTextResponse, Response
    from starlette.routing import Route

    models = _WorkerModels(settings)

    def encode(contents: Sequence[Content]) -> list[Vector | None]:
        return models.encoder().encode(contents)

    def encode_questions(contents: Sequence[Content]) -> list[Vector | None]:
        return models.encoder().encode_questions(contents)

    async def info(request: Request) -> Response:
        return JSONResponse(wire.pack_info(models.encoder().info))

    def vectors(run: Callable[[Sequence[Content]], list[Vector | None]]) -> Handler:
        async def handle(request: Request) -> Response:
            contents, _ = wire.unpack(await _body(request))
            body = wire.pack_vectors(await run_in_threadpool(run, contents))
            return Response(body, media_type="application/octet-stream")

        return handle

    async def rerank(request: Request) -> Response:
        contents, _ = wire.unpack(await _body(request))
        if not contents:
            raise BadRequestError("a question and its candidates are needed")
        return JSONResponse({"scores": await run_in_threadpool(_scores, models, contents)})

    async def health(request: Request) -> Response:
        return PlainTextResponse("ok")

    def guarded(handle: Handler) -> Handler:
        async def outer(request: Request) -> Response:
            try:
                _check_token(request, token)
                return await handle(request)
            except OmniError as e:
                status = next((s for kind, s in _STATUS.items() if isinstance(e, kind)), 500)
                return JSONResponse(pack(e), status_code=status)

        return outer

    return Starlette(
        routes=[
            Route("/health", health),
            Route("/info", guarded(info)),
            Route("/encode", guarded(vectors(encode)), methods=["POST"]),
            Route("/questions", guarded(vectors(encode_questions)), methods=["POST"]),
            Route("/rerank", guarded(rerank), methods=["POST"]),
        ]
    )


def _scores(models: _WorkerModels, contents: list[Content]) -> list[float | None]:
    return models.reranker().score(contents[0], contents[1:])


async def _body(request: Request) -> bytes:
    """The body; TooLargeError as soon as it exceeds `MAX_BODY`, whatever its header states."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY:
            raise TooLargeError(f"a request may have {MAX_BODY >> 20} MB: send fewer contents")
        parts.append(part)
    return b"".join(parts)


def _check_token(request: Request, token: str) -> None:
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if token and not hmac.compare_digest(given.encode(), token.encode()):
        raise RefusedError("the worker wants its token: set encoder_token", code="BAD_ARGUMENT")


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
