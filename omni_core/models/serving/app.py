"""The model worker over HTTP: encoder, reranker and readers, for servers on other machines.

    GET  /info                    what embeds and what reads; 503 while it loads
    POST /encode                  contents -> vectors of evidence
    POST /questions               contents -> vectors of questions, ahead of evidence
    POST /rerank                  the question, then candidates -> scores
    POST /read                    a step of reading -> segments with vectors, the readers' buffers
    POST /transcribe              a spoken question -> its words
    GET  /health                  "ok", without a token: the process lives
    GET  /ready                   "ok", without a token: the models are loaded; else 503

Bodies are safetensors, as `encoders.remote.wire` describes. Every path but these two needs the
token when one is set; without one the worker only listens on loopback. A worker takes so many calls
and bytes at once, and answers 503 (BUSY) to more: the servers ask again, or another worker.
"""

from __future__ import annotations

import contextlib
import hmac
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from omni_core.encoders.remote import wire
from omni_core.encoders.remote.client import CALL
from omni_core.encoders.remote.description import pack_info
from omni_core.encoders.remote.member import MARK
from omni_core.encoders.remote.offer import pack_offer
from omni_core.errors import (
    BadRequestError,
    OmniError,
    RefusedError,
    TooLargeError,
    UnavailableError,
    pack,
)
from omni_core.models.embedding import checked, checked_scores
from omni_core.models.remote.wire import pack_done, unpack_step
from omni_core.models.serving.load import Load
from omni_core.models.serving.models import WorkerModels
from omni_core.settings import Settings
from omni_core.types import AudioContent

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

MAX_CALLS = 16
"""Calls of ingests at once."""
MAX_QUESTIONS = 16
"""Calls of questions at once, besides."""
log = logging.getLogger(__name__)

IDLE_S = 30
"""How long a connection is kept that nothing is asked on: longer than servers keep theirs."""
Handler = Callable[["Request"], Awaitable["Response"]]
_STATUS = {BadRequestError: 400, RefusedError: 401, TooLargeError: 413, UnavailableError: 503}


def serve(settings: Settings, token: str, bound: socket.socket) -> None:
    """Load the models of `settings` and answer on a socket until stopped; see `process`."""
    import uvicorn

    application = worker_app(settings, token)
    config = uvicorn.Config(
        application, log_level="warning", access_log=False, timeout_keep_alive=IDLE_S
    )
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C, after the calls under way have ended
        uvicorn.Server(config).run(sockets=[bound])


def worker_app(settings: Settings, token: str) -> Starlette:
    """The ASGI application, for another ASGI server."""
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import JSONResponse, PlainTextResponse, Response
    from starlette.routing import Route

    models, load = WorkerModels(settings), Load()
    answers = _Answers(models)

    async def info(request: Request) -> Response:
        known = await run_in_threadpool(models.described)
        offer = None if known.reading is None else pack_offer(known.reading)
        return JSONResponse(pack_info(known.info, reading=offer, mark=known.mark))

    async def health(request: Request) -> Response:
        return PlainTextResponse("ok")

    async def ready(request: Request) -> Response:
        try:
            await run_in_threadpool(models.described)
        except OmniError as e:
            return PlainTextResponse(str(e), status_code=503)
        return PlainTextResponse("ok")

    def answered(
        kind: str, most: int, answer: Callable[[bytes], bytes | dict[str, Any]]
    ) -> Handler:
        async def handle(request: Request) -> Response:
            await run_in_threadpool(_check_models, request, models)
            with load.call(kind, most) as call:
                body = await call.body(request.stream())
                found = await run_in_threadpool(answer, body)
            if isinstance(found, dict):
                return JSONResponse(found)
            return Response(found, media_type="application/octet-stream")

        return handle

    def guarded(handle: Handler) -> Handler:
        async def outer(request: Request) -> Response:
            try:
                _check_token(request, token)
                answer = await handle(request)
            except Exception as e:  # a model's library may raise anything
                error = _told(e)
                status = next((s for kind, s in _STATUS.items() if isinstance(error, kind)), 500)
                answer = JSONResponse(pack(error), status_code=status)
            if call := request.headers.get(CALL):
                answer.headers[CALL] = call
            return answer

        return outer

    def posts(path: str, kind: str, most: int, answer: Any) -> Route:
        return Route(path, guarded(answered(kind, most, answer)), methods=["POST"])

    return Starlette(
        routes=[
            Route("/health", health),
            Route("/ready", ready),
            Route("/info", guarded(info)),
            posts("/encode", "evidence", MAX_CALLS, answers.encode),
            posts("/read", "evidence", MAX_CALLS, answers.read),
            posts("/questions", "questions", MAX_QUESTIONS, answers.encode_questions),
            posts("/rerank", "questions", MAX_QUESTIONS, answers.rerank),
            posts("/transcribe", "questions", MAX_QUESTIONS, answers.transcribe),
        ]
    )


class _Answers:
    """What each path answers to a body."""

    def __init__(self, models: WorkerModels) -> None:
        self._models = models

    def encode(self, body: bytes) -> bytes:
        contents, _ = wire.unpack(body)
        encoder = self._models.encoder()
        vectors = encoder.encode(contents)
        return wire.pack_vectors(checked(vectors, len(contents), encoder.info))

    def encode_questions(self, body: bytes) -> bytes:
        contents, _ = wire.unpack(body)
        encoder = self._models.encoder()
        vectors = encoder.encode_questions(contents)
        return wire.pack_vectors(checked(vectors, len(contents), encoder.info))

    def rerank(self, body: bytes) -> dict[str, Any]:
        contents, _ = wire.unpack(body)
        if not contents:
            raise BadRequestError("a question and its candidates are needed")
        reranker, (question, *candidates) = self._models.reranker(), contents
        scores = reranker.score(question, candidates)
        return {"scores": checked_scores(scores, len(candidates), reranker.name)}

    def read(self, body: bytes) -> bytes:
        return pack_done(self._models.step(unpack_step(body)))

    def transcribe(self, body: bytes) -> dict[str, Any]:
        contents, _ = wire.unpack(body)
        if len(contents) != 1 or not isinstance(contents[0], AudioContent):
            raise BadRequestError("the samples of one recording are needed")
        return {"text": self._models.transcribe(contents[0].samples)}


def _told(error: Exception) -> OmniError:
    """What a caller is told of an error, in one line: of one that nobody expected its first."""
    if isinstance(error, OmniError):
        return error
    from starlette.requests import ClientDisconnect

    if isinstance(error, ClientDisconnect):
        return BadRequestError("the caller has gone")
    log.error("a call failed", exc_info=error)
    if isinstance(error, MemoryError):
        return TooLargeError("the worker has not enough memory for it")
    lines = str(error).strip().splitlines()
    return OmniError(f"{type(error).__name__}: {lines[0][:300] if lines else 'no message'}")


def _check_models(request: Request, models: WorkerModels) -> None:
    """Refuse a caller that counts on other models: this worker was started again with others."""
    wanted = request.headers.get(MARK)
    if wanted is not None and wanted != models.described().mark:
        raise UnavailableError(
            "this worker runs other models than it did: its --encoder and settings were changed"
        )


def _check_token(request: Request, token: str) -> None:
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if token and not hmac.compare_digest(given.encode(), token.encode()):
        raise RefusedError("the worker wants its token: set encoder_token", code="BAD_ARGUMENT")
