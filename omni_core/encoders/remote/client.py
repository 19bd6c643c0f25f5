"""The HTTP client for model servers: deadlines, retries, bearer token, bounded answers, one-line
errors."""

from __future__ import annotations

import json
import logging
import socket
import ssl
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx2

from omni_core.errors import BadRequestError, UnavailableError, unpack
from omni_core.tls import certificates, refusal_in, trusting

log = logging.getLogger(__name__)

CONNECT_S = 5.0
ALIVE_S = 10.0
MAX_ATTEMPTS = 4
"""Retries after 0.5, 1 and 2 seconds, which cover the restart of a worker."""
MAX_ANSWER = 128 << 20
"""Bytes of an answer; the readers' buffers of a film of twelve hours are about 15 MB of it."""
_RETRIED_STATUS = (429, 502, 503, 504)
REFUSED, NO_WORKER = "TOKEN_REFUSED", "NO_WORKER"
"""Codes of answers that will be the same the next time."""
_KEEPALIVE = (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3))
"""A machine that is gone is noticed in half a minute, also in the middle of a long answer."""


class ModelServerClient:
    """A connection to a model server at one address. Thread-safe."""

    def __init__(self, url: str, token: str, *, ca: str = "", attempts: int = 0) -> None:
        """`url` as set by the operator; redirects are not followed and proxies not used.
        `ca`: `Settings.encoder_ca`. `attempts`: how often a request is sent until it is answered;
        0: `MAX_ATTEMPTS`.

        Raises BadRequestError for an address that is not http or https, and for a CA file that
        cannot be read.
        """
        if not _is_address(url):
            hidden = any(sign in url for sign in "@?#")  # beside these may stand a secret
            raise BadRequestError(
                f"encoder_url {'(not shown)' if hidden else repr(url)} is not an address like "
                "http://host:7000 or vllm+http://host:8000"
            )
        self.name = urlsplit(url).netloc.rpartition("@")[2]
        self._base = url.rstrip("/")
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self._attempts = attempts or MAX_ATTEMPTS
        own = ca and url.startswith("https:")
        verify = trusting(certificates(ca, "encoder_ca")) if own else True
        self._client = httpx2.Client(
            headers=headers, trust_env=False, follow_redirects=False,
            transport=httpx2.HTTPTransport(
                verify=verify, trust_env=False, socket_options=_socket_options()
            ),
        )  # fmt: skip

    def get_json(self, path: str, *, seconds: float) -> Any:
        """The JSON at `path`."""
        return self._json(self._send("GET", path, seconds, {}))

    def post_bytes(
        self, path: str, body: bytes, *, seconds: float, headers: Mapping[str, str] | None = None
    ) -> bytes:
        """Post `body`; the bytes of the response."""
        headers = {"content-type": "application/octet-stream", **(headers or {})}
        return self._send("POST", path, seconds, {"content": body, "headers": headers})

    def post_json(self, path: str, data: Any, *, seconds: float) -> Any:
        """Post `data` as JSON; the JSON of the response."""
        return self._json(self._send("POST", path, seconds, {"json": data}))

    def lives(self) -> bool:
        """Whether the server answers anything at all within `ALIVE_S`; True where it is not asked,
        since the connections are closed."""
        try:
            self._once("GET", "/info", time.monotonic() + ALIVE_S, {})
        except (httpx2.HTTPError, TimeoutError):
            return self._client.is_closed
        except RuntimeError:  # closed before: the calls that are under way end by themselves
            if not self._client.is_closed:
                raise
        except UnavailableError:  # it answers too much
            pass
        return True

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _send(self, method: str, path: str, seconds: float, content: dict[str, Any]) -> bytes:
        deadline = time.monotonic() + seconds
        for attempt in range(self._attempts):
            last = attempt == self._attempts - 1
            try:
                status, answer = self._once(method, path, deadline, content)
            except (httpx2.TimeoutException, TimeoutError):
                if last or time.monotonic() > deadline:
                    raise UnavailableError(
                        f"the model server {self.name} gave no answer within {seconds:.0f} s: "
                        "is it busy, or too small for this model?"
                    ) from None
            except httpx2.HTTPError as e:
                if last:
                    raise UnavailableError(f"the model server {self.name} {_why(e)}") from None
            else:
                if status < 300:
                    return answer
                if status not in _RETRIED_STATUS or last:
                    raise self._error_of(status, answer)
            log.info("retrying the request to the model server %s", self.name)
            time.sleep(min(0.5 * 2**attempt, max(0.0, deadline - time.monotonic())))
        raise AssertionError("the last try returns or raises")

    def _once(
        self, method: str, path: str, deadline: float, content: dict[str, Any]
    ) -> tuple[int, bytes]:
        """Status and body of one try. Raises TimeoutError at the deadline, however slowly the
        answer drips."""
        limits = httpx2.Timeout(max(deadline - time.monotonic(), 0.1), connect=CONNECT_S)
        parts: list[bytes] = []
        size = 0
        with self._client.stream(method, self._base + path, timeout=limits, **content) as answer:
            for part in answer.iter_bytes():
                size += len(part)
                if size > MAX_ANSWER:
                    raise UnavailableError(
                        f"the model server {self.name} answered more than {MAX_ANSWER >> 20} MB, "
                        "which no model does: correct encoder_url"
                    )
                if time.monotonic() > deadline:
                    raise TimeoutError
                parts.append(part)
        return answer.status_code, b"".join(parts)

    def _json(self, answer: bytes) -> Any:
        try:
            return json.loads(answer)
        except (ValueError, RecursionError):
            raise UnavailableError(
                f"the model server {self.name} answered something that is no JSON: correct "
                "encoder_url"
            ) from None

    def _error_of(self, status: int, answer: bytes) -> Exception:
        if status in (401, 403):
            return UnavailableError(
                f"the model server {self.name} refused the token: set encoder_token to its own",
                code=REFUSED,
            )
        if status in (404, 405):
            return UnavailableError(
                f"{self.name} is no model server of this kind: an `omni-mcp worker --listen`, or "
                "vLLM with encoder_url=vllm+http://...",
                code=NO_WORKER,
            )
        try:
            data = json.loads(answer)
            error = data.get("error", data.get("message", "")) if isinstance(data, dict) else ""
            text = str(error.get("message", "") if isinstance(error, dict) else error)
        except (ValueError, RecursionError):
            data, text = None, ""
        line = (text.strip().splitlines() or [f"status {status}"])[0][:200]
        message = f"the model server {self.name} says: {line}"
        if isinstance(data, dict) and "kind" in data:  # an omni-mcp worker: its own error class
            return unpack({**data, "error": message})
        return UnavailableError(message)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none
        return False


def _socket_options() -> list[tuple[int, int, int]]:
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    known = [(getattr(socket, name, None), value) for name, value in _KEEPALIVE]
    return options + [(socket.IPPROTO_TCP, name, v) for name, v in known if name is not None]


def _why(error: httpx2.HTTPError) -> str:
    tls = refusal_in(error)
    if isinstance(tls, ssl.SSLCertVerificationError):
        return (
            f"has a certificate that is not trusted ({tls.verify_message}): set OMNI_ENCODER_CA to "
            "the certificate of who signed it, or have it renewed for the name in encoder_url"
        )
    if tls is not None:
        return f"does not speak TLS as expected ({tls.reason}): is it http:// there?"
    kind = type(error).__name__
    return f"cannot be reached ({kind}): start it, or correct encoder_url"
