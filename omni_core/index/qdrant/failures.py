"""Failures of the client, the network and the server as StoreError: one line, and what to do."""

from __future__ import annotations

import json
import ssl

import grpc
import httpx
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from omni_core.errors import StoreError
from omni_core.tls import refusal_in

FAILURES = (
    UnexpectedResponse, ResponseHandlingException, ResourceExhaustedResponse,
    grpc.aio.AioRpcError, AssertionError, TimeoutError, json.JSONDecodeError, UnicodeDecodeError,
    RecursionError,
)  # fmt: skip
"""What a call of the client may raise. AssertionError: an answer without a result. JSONDecodeError,
UnicodeDecodeError, RecursionError: a page or a file, of another program at that address."""

_STATUS = {
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.DEADLINE_EXCEEDED: 408,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.OUT_OF_RANGE: 413,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.INTERNAL: 500,
    grpc.StatusCode.UNKNOWN: 500,
    grpc.StatusCode.ABORTED: 503,
    grpc.StatusCode.UNAVAILABLE: 503,
}
"""The HTTP status that means the same; 400 for any other."""
_TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
_FULL = ("No space left", "disk space", "out of disk")


def is_transient(error: Exception) -> bool:
    """Whether the same call may succeed a moment later, or on another node."""
    if isinstance(error, (UnexpectedResponse, grpc.aio.AioRpcError)):
        return _status(error) in _TRANSIENT and not _is_full(_said(error))
    if isinstance(error, ResponseHandlingException):
        return isinstance(error.source, httpx.TransportError) and refusal_in(error.source) is None
    return isinstance(error, (ResourceExhaustedResponse, TimeoutError))


def is_answer(error: Exception) -> bool:
    """Whether a server said this, rather than the network."""
    if isinstance(error, grpc.aio.AioRpcError):
        return not _is_unreachable(error) and error.code() is not grpc.StatusCode.DEADLINE_EXCEEDED
    return isinstance(error, UnexpectedResponse)


def to_store_error(error: Exception, where: str) -> StoreError:
    """The failure as a StoreError; `where` is the address. Its message never has the key in it."""
    if isinstance(error, grpc.aio.AioRpcError) and _is_unreachable(error):
        return _unreachable(where, _said(error))
    if isinstance(error, (UnexpectedResponse, grpc.aio.AioRpcError)):
        return _refusal(_status(error), _said(error), where)
    if isinstance(error, ResourceExhaustedResponse):
        return StoreError(f"Qdrant at {where} is over its limits; call again later")
    source = error.source if isinstance(error, ResponseHandlingException) else error
    if isinstance(source, (httpx.TimeoutException, TimeoutError)):
        return StoreError(
            f"Qdrant at {where} gave no answer in time; is it busy or unreachable?",
            code="INDEX_UNREACHABLE",
        )
    if isinstance(source, httpx.TransportError):
        tls = refusal_in(source)
        return _unreachable(where, str(source)) if tls is None else _untrusted(where, tls)
    return StoreError(
        f"what answers at {where} is not Qdrant, or of another version ({type(source).__name__})"
    )


def _refusal(status: int, said: str, where: str) -> StoreError:
    if _is_full(said):
        return StoreError(
            f"the disk of Qdrant at {where} is full: free some space there, then do this again; "
            "what was stored is kept"
        )
    if status == 401:
        return StoreError(
            f"Qdrant at {where} refused the API key: set OMNI_QDRANT_API_KEY to the right one",
            code="KEY_REFUSED",
        )
    if status == 403:
        return StoreError(
            f"the API key may not do this on Qdrant at {where} ({said}): set OMNI_QDRANT_API_KEY "
            "to a key that may write; with this one a server can only search",
            code="READ_ONLY",
        )
    if status == 413:
        return StoreError(
            f"Qdrant at {where} takes no request of that size (HTTP 413); raise its "
            "service.max_request_size_mb"
        )
    if status == 408:
        return StoreError(
            f"Qdrant at {where} did not finish in time ({said}); is it busy? "
            "OMNI_QDRANT_TIMEOUT_S is how long it may take",
            code="INDEX_UNREACHABLE",
        )
    if status in _TRANSIENT:
        return StoreError(
            f"Qdrant at {where} failed (HTTP {status}: {said}); is a node of it down? "
            "`omni-mcp doctor` says; call again later",
            code="INDEX_UNREACHABLE",
        )
    return StoreError(f"Qdrant at {where} answered HTTP {status}: {said}")


def _untrusted(where: str, error: ssl.SSLError) -> StoreError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return StoreError(
            f"the certificate of Qdrant at {where} is not trusted ({error.verify_message}): set "
            "OMNI_QDRANT_CA to the certificate of who signed it, or have it renewed",
            code="INDEX_UNREACHABLE",
        )
    return StoreError(
        f"Qdrant at {where} does not speak TLS as expected ({error.reason}): is it http there?",
        code="INDEX_UNREACHABLE",
    )


def _unreachable(where: str, why: str) -> StoreError:
    return StoreError(
        f"cannot reach Qdrant at {where}: {why}; is it running, and is --qdrant right?",
        code="INDEX_UNREACHABLE",
    )


def _is_unreachable(error: grpc.aio.AioRpcError) -> bool:
    """Whether no connection came about; a server's own answer says no such thing."""
    return error.code() is grpc.StatusCode.UNAVAILABLE and "connect" in _said(error).lower()


def _status(error: UnexpectedResponse | grpc.aio.AioRpcError) -> int:
    if isinstance(error, UnexpectedResponse):
        return error.status_code or 500
    return _STATUS.get(error.code(), 400)


def _said(error: UnexpectedResponse | grpc.aio.AioRpcError) -> str:
    if isinstance(error, UnexpectedResponse):
        try:
            text = str(json.loads(error.content)["status"]["error"])
        except (ValueError, KeyError, TypeError):
            text = error.reason_phrase
    else:
        text = error.details() or error.code().name
    return " ".join(text.split())[:300]


def _is_full(said: str) -> bool:
    return any(words in said for words in _FULL)
