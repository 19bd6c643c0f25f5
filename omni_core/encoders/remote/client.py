"""The HTTP client for model servers: deadlines, retries, bearer token, one-line errors."""

from __future__ import annotations

import logging
import time
from typing import Any
from urllib.parse import urlsplit

import httpx2

from omni_core.errors import BadRequestError, UnavailableError, unpack

log = logging.getLogger(__name__)

CONNECT_S = 5.0
MAX_ATTEMPTS = 4
"""Retries after 0.5, 1 and 2 seconds, which cover the restart of a worker."""
_RETRIED_STATUS = (429, 502, 503, 504)


class ModelServerClient:
    """A connection to a model server at one address. Thread-safe."""

    def __init__(self, url: str, token: str) -> None:
        """`url` as set by the operator; redirects are not followed and proxies not used.

        Raises BadRequestError for an address that is not http or https.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadRequestError(
                f"encoder_url {url!r} is not an address like http://host:7000 or "
                "vllm+http://host:8000"
            )
        self.name = parts.netloc.rpartition("@")[2]
        self._base = url.rstrip("/")
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self._client = httpx2.Client(headers=headers, trust_env=False, follow_redirects=False)

    def get_json(self, path: str, *, seconds: float) -> Any:
        """The JSON at `path`."""
        return self._json(self._send("GET", path, seconds, {}))

    def post_bytes(self, path: str, body: bytes, *, seconds: float) -> bytes:
        """Post `body`; the bytes of the response."""
        headers = {"content-type": "application/octet-stream"}
        return self._send("POST", path, seconds, {"content": body, "headers": headers}).content

    def post_json(self, path: str, data: Any, *, seconds: float) -> Any:
        """Post `data` as JSON; the JSON of the response."""
        return self._json(self._send("POST", path, seconds, {"json": data}))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _send(
        self, method: str, path: str, seconds: float, content: dict[str, Any]
    ) -> httpx2.Response:
        deadline = time.monotonic() + seconds
        for attempt in range(MAX_ATTEMPTS):
            left = deadline - time.monotonic()
            last = attempt == MAX_ATTEMPTS - 1
            try:
                limits = httpx2.Timeout(max(left, 0.1), connect=CONNECT_S)
                answer = self._client.request(method, self._base + path, timeout=limits, **content)
            except httpx2.TimeoutException:
                if last or time.monotonic() > deadline:
                    raise UnavailableError(
                        f"the model server {self.name} gave no answer within {seconds:.0f} s: "
                        "is it busy, or too small for this model?"
                    ) from None
            except httpx2.HTTPError as e:
                if last:
                    raise UnavailableError(
                        f"the model server {self.name} cannot be reached ({type(e).__name__}): "
                        "start it, or correct encoder_url"
                    ) from None
            else:
                if answer.status_code < 300:
                    return answer
                if answer.status_code not in _RETRIED_STATUS or last:
                    raise self._error_of(answer)
            log.info("retrying the request to the model server %s", self.name)
            time.sleep(min(0.5 * 2**attempt, max(0.0, deadline - time.monotonic())))
        raise AssertionError("the last try returns or raises")

    def _json(self, answer: httpx2.Response) -> Any:
        try:
            return answer.json()
        except ValueError:
            raise UnavailableError(
                f"the model server {self.name} answered something that is no JSON: correct "
                "encoder_url"
            ) from None

    def _error_of(self, answer: httpx2.Response) -> Exception:
        if answer.status_code in (401, 403):
            return UnavailableError(
                f"the model server {self.name} refused the token: set encoder_token to its own"
            )
        if answer.status_code in (404, 405):
            return UnavailableError(
                f"{self.name} is no model server of this kind: an `omni-mcp worker --listen`, or "
                "vLLM with encoder_url=vllm+http://..."
            )
        try:
            data = answer.json()
            error = data.get("error", data.get("message", "")) if isinstance(data, dict) else ""
            text = str(error.get("message", "") if isinstance(error, dict) else error)
        except ValueError:
            data, text = None, ""
        line = (text.strip().splitlines() or [f"status {answer.status_code}"])[0][:200]
        message = f"the model server {self.name} says: {line}"
        if isinstance(data, dict) and "kind" in data:  # an omni-mcp worker: its own error class
            return unpack({**data, "error": message})
        return UnavailableError(message)
