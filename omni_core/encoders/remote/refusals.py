"""What the failure of a request to a model server means, in one line: of the server itself, of what
stands before it (a balancer, a proxy), or of the way there."""

from __future__ import annotations

import json
import ssl
from urllib.parse import urlsplit

import httpx2

from omni_core.errors import (
    WORKERS_UNREACHABLE,
    OmniError,
    TooLargeError,
    UnavailableError,
    unpack,
)
from omni_core.tls import refusal_in

REFUSED, NO_WORKER = "TOKEN_REFUSED", "NO_WORKER"
FOR_GOOD = (REFUSED, NO_WORKER)
"""Codes of answers that will be the same the next time."""
BUSY = "BUSY"
"""Code of a request that was not taken, since there is enough to do. One that nobody was there to
take is WORKERS_UNREACHABLE."""
MB = 1_000_000
_GATEWAY = (502, 503, 504)
_NO_ANSWER = (httpx2.ConnectError, httpx2.ConnectTimeout)


def of_status(name: str, status: int, answer: bytes, moved_to: str, sent: int) -> OmniError:
    """The error for the answer of the server `name`, which is none of success.

    `moved_to`: the header Location; `sent`: the bytes of the request.
    """
    data = _object(answer)
    if status in (401, 403):
        return UnavailableError(
            f"the model server {name} refused the token: set encoder_token to its own",
            code=REFUSED,
        )
    if status in (404, 405):
        return UnavailableError(
            f"{name} is no model server of this kind: an `omni-mcp worker --listen`, or "
            "vLLM with encoder_url=vllm+http://...",
            code=NO_WORKER,
        )
    if 300 <= status < 400:
        return UnavailableError(
            f"the model server {name} sends requests elsewhere{_place(moved_to)} (status {status}),"
            " which are not sent again: write that address in encoder_url",
            code=NO_WORKER,
        )
    own = data is not None and "kind" in data  # an omni-mcp worker: its own error class
    if status == 413 and not own:
        size = f" of {sent / 1e6:.1f} MB" if sent > MB // 2 else ""
        return TooLargeError(
            f"what stands before the model server {name} refuses a request{size} (status 413): let "
            "it pass 256 MB (nginx: client_max_body_size)"
        )
    message = f"the model server {name} {_said(status, data)}"
    if data is not None and own:
        return unpack({**data, "error": message})
    code = BUSY if status == 429 else WORKERS_UNREACHABLE if status in _GATEWAY else None
    return UnavailableError(message, code=code)


def is_late(error: Exception) -> bool:
    """Whether a connection was there, and nothing came by its deadline."""
    late = isinstance(error, TimeoutError | httpx2.TimeoutException)
    return late and not isinstance(error, httpx2.ConnectTimeout)


def of_failure(name: str, error: Exception) -> UnavailableError:
    """The error for a request that got no whole answer."""
    code = WORKERS_UNREACHABLE if isinstance(error, _NO_ANSWER) else None
    return UnavailableError(f"the model server {name} {_why(error)}", code=code)


def _object(answer: bytes) -> dict[str, object] | None:
    try:
        data = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _said(status: int, data: dict[str, object] | None) -> str:
    error = None if data is None else data.get("error", data.get("message"))
    text = str(error.get("message", "") if isinstance(error, dict) else error or "")
    lines = text.strip().splitlines()
    if lines:
        return f"says: {lines[0][:200]}"
    if status == 504:
        return (
            "was waited for no longer by what stands before it (status 504): let that wait for "
            "10 minutes (nginx: proxy_read_timeout 600s), or is it not running?"
        )
    if status in _GATEWAY:
        return f"is not reached by what stands before it (status {status}): is it running?"
    if status == 429:
        return f"answers that there are too many requests (status {status})"
    return f"failed (status {status}): its log says why"


def _place(moved_to: str) -> str:
    try:
        parts = urlsplit(moved_to)
        where = f"{parts.scheme}://{parts.hostname}" if parts.scheme and parts.hostname else ""
        port = f":{parts.port}" if where and parts.port else ""
    except ValueError:
        return ""
    return f", to {where}{port}" if where.isprintable() and 0 < len(where) < 100 else ""


def _why(error: Exception) -> str:
    tls = refusal_in(error)
    if isinstance(tls, ssl.SSLCertVerificationError):
        return (
            f"has a certificate that is not trusted ({tls.verify_message}): set OMNI_ENCODER_CA to "
            "the certificate of who signed it, or have it renewed for the name in encoder_url"
        )
    if tls is not None:
        return f"does not speak TLS as expected ({tls.reason}): is it http:// there?"
    if isinstance(error, httpx2.RemoteProtocolError | httpx2.ReadError):
        return "broke its answer off: it was ended, or what stands before it cut it"
    return f"cannot be reached ({type(error).__name__}): start it, or correct encoder_url"
