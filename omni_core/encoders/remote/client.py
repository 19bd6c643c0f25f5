"""The HTTP client for model servers: deadlines, retries, bearer token, bounded answers, one-line
errors."""

from __future__ import annotations

import json
import logging
import secrets
import socket
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx2

from omni_core.encoders.remote.refusals import is_late, of_failure, of_status
from omni_core.errors import BadRequestError, UnavailableError
from omni_core.tls import certificates, trusting

log = logging.getLogger(__name__)

CONNECT_S = 5.0
ALIVE_S = 10.0
MAX_ATTEMPTS = 4
"""Retries after 0.5, 1 and 2 seconds, which cover the restart of a worker."""
MAX_ANSWER = 128 << 20
"""Bytes of an answer; the readers' buffers of a film of twelve hours are about 15 MB of it."""
MAX_DESCRIPTION = 4 << 20
"""Bytes of what a server says of itself, and of an error."""
CALL = "x-omni-call"
"""Header with a number that only this call has. A worker sends it back: a cache or a proxy that
gives one the answer to another call is noticed, and nothing of it stored."""
_RETRIED_STATUS = (429, 502, 503, 504)
IDLE_S = 5.0
"""How long a connection is kept that nothing is asked on; workers keep theirs longer, so that no
call meets one that is just being closed."""
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
        headers = {"accept-encoding": "identity"}
        if token:
            headers["authorization"] = f"Bearer {token}"
        self._attempts = attempts or MAX_ATTEMPTS
        own = ca and urlsplit(url).scheme == "https"
        verify = trusting(certificates(ca, "encoder_ca")) if own else True
        self._client = httpx2.Client(
            headers=headers, trust_env=False, follow_redirects=False,
            transport=httpx2.HTTPTransport(
                verify=verify,
                trust_env=False,
                socket_options=_socket_options(),
                limits=httpx2.Limits(keepalive_expiry=IDLE_S),
            ),
        )  # fmt: skip

    def get_json(self, path: str, *, seconds: float) -> Any:
        """The JSON at `path`."""
        return self._json(self._send("GET", path, seconds, {}, MAX_DESCRIPTION))

    def post_bytes(
        self, path: str, body: bytes, *, seconds: float, headers: Mapping[str, str] | None = None
    ) -> bytes:
        """Post `body`; the bytes of the response."""
        own = {"content-type": "application/octet-stream", CALL: secrets.token_hex(8)}
        headers = {**own, **(headers or {})}
        return self._send("POST", path, seconds, {"content": body, "headers": headers})

    def post_json(self, path: str, data: Any, *, seconds: float) -> Any:
        """Post `data` as JSON; the JSON of the response."""
        return self._json(self._send("POST", path, seconds, {"json": data}))

    def lives(self) -> bool:
        """Whether the server answers anything at all within `ALIVE_S`; True where it is not asked,
        since the connections are closed."""
        try:
            self._once("GET", "/info", time.monotonic() + ALIVE_S, {}, MAX_DESCRIPTION)
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

    def _send(
        self,
        method: str,
        path: str,
        seconds: float,
        content: dict[str, Any],
        most: int = MAX_ANSWER,
    ) -> bytes:
        deadline = time.monotonic() + seconds
        for attempt in range(self._attempts):
            last = attempt == self._attempts - 1
            try:
                status, answer, moved_to = self._once(method, path, deadline, content, most)
            except (httpx2.HTTPError, TimeoutError) as e:
                if is_late(e) and (last or time.monotonic() > deadline):
                    raise UnavailableError(
                        f"the model server {self.name} gave no answer within {seconds:.0f} s: "
                        "is it busy, or too small for this model?"
                    ) from None
                if last:
                    raise of_failure(self.name, e) from None
            except RuntimeError:
                if not self._client.is_closed:
                    raise
                raise UnavailableError(
                    f"the connection to the model server {self.name} is closed"
                ) from None
            else:
                if status < 300:
                    return answer
                if status not in _RETRIED_STATUS or last:
                    sent = len(content.get("content", b""))
                    raise of_status(self.name, status, answer, moved_to, sent)
            log.info("retrying the request to the model server %s", self.name)
            time.sleep(min(0.5 * 2**attempt, max(0.0, deadline - time.monotonic())))
        raise AssertionError("the last try returns or raises")

    def _once(
        self, method: str, path: str, deadline: float, content: dict[str, Any], most: int
    ) -> tuple[int, bytes, str]:
        """Status, body and Location of one try. Raises TimeoutError at the deadline, however slowly
        the answer drips, and UnavailableError for one that cannot be used."""
        limits = httpx2.Timeout(max(deadline - time.monotonic(), 0.1), connect=CONNECT_S)
        parts: list[bytes] = []
        size = 0
        with self._client.stream(method, self._base + path, timeout=limits, **content) as answer:
            failed = answer.status_code >= 300
            most = MAX_DESCRIPTION if failed else most
            self._check(answer.headers, content.get("headers", {}), failed)
            for part in answer.iter_raw():
                size += len(part)
                if size > most:
                    raise UnavailableError(
                        f"the model server {self.name} answered more than {most >> 20} MB, "
                        "which no model does: correct encoder_url"
                    )
                if time.monotonic() > deadline:
                    raise TimeoutError
                parts.append(part)
        return answer.status_code, b"".join(parts), answer.headers.get("location", "")

    def _check(self, headers: Mapping[str, str], asked: Mapping[str, str], failed: bool) -> None:
        """Refuse what is packed, since little may become much, and the answer to another call."""
        if headers.get("content-encoding", "identity").lower() != "identity" and not failed:
            raise UnavailableError(
                f"the model server {self.name} answers compressed, which was not asked for: turn "
                "that off in what stands before it"
            )
        call = asked.get(CALL)
        if call and headers.get(CALL, call) != call:
            raise UnavailableError(
                f"the model server {self.name} gave the answer to another call: what stands before "
                "it keeps answers or mixes them up"
            )

    def _json(self, answer: bytes) -> Any:
        try:
            return json.loads(answer)
        except (ValueError, RecursionError):
            raise UnavailableError(
                f"the model server {self.name} answered something that is no JSON: correct "
                "encoder_url"
            ) from None


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
