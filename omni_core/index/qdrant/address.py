"""Where a Qdrant server or cluster is: the addresses of its nodes, checked."""

from __future__ import annotations

from urllib.parse import urlsplit

from omni_core.errors import BadRequestError

LOOPBACK = ("localhost", "127.0.0.1", "::1")
REST_PORT = 6333


def addresses(setting: str) -> tuple[str, ...]:
    """The addresses of the setting `qdrant_url`: one, or those of several nodes with commas.

    `http://` is added where no scheme is given. Raises BadRequestError for what is no address.
    """
    urls = tuple(_address(part.strip()) for part in setting.split(",") if part.strip())
    if not urls:
        raise BadRequestError("index=server needs an address: --qdrant http://localhost:6333")
    return urls


def _address(text: str) -> str:
    url = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        right = False
    if any(sign in text for sign in "@?#"):  # what stands beside these signs may be a secret
        raise BadRequestError(
            "the address of the Qdrant server holds a user, a password or a query, which is not "
            "shown: give the key as OMNI_QDRANT_API_KEY"
        )
    if not right:
        raise BadRequestError(
            f"{text!r} is no address of a Qdrant server; it looks like http://localhost:6333, or "
            "https://HOST:6333"
        )
    return url.rstrip("/")


def is_safe_for_key(url: str) -> bool:
    """Whether an API key can be sent to this address safely: over https, or to this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or parts.hostname in LOOPBACK


def grpc_port(url: str, setting: int) -> int:
    """The gRPC port of a node: that of the settings, or the one above its REST port, as Qdrant's
    own defaults are (6333 and 6334)."""
    return setting or (urlsplit(url).port or REST_PORT) + 1
