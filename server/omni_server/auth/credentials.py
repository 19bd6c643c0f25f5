"""Turns the Authorization header of a request into a principal, by every way that is set up."""

from __future__ import annotations

import hmac
import logging
import os
from pathlib import Path
from urllib.parse import urlsplit

from omni_core.errors import BadRequestError, UnavailableError
from omni_core.settings import Settings
from omni_server.auth.access_token import AccessTokens, Expected, NotAMember, TokenRefused
from omni_server.auth.issuer import Fetcher, SigningKeys, require_url
from omni_server.auth.principal import LOCAL, SCOPES, Principal
from omni_server.auth.tokens_file import StaticTokens

log = logging.getLogger(__name__)

SINGLE = Principal("token", frozenset(SCOPES))
"""Whoever has the one token of the settings: everything in the main library."""


class Denied(Exception):
    """A request without a principal: the HTTP status, and words for whoever sent it."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status, self.error = status, error


class Credentials:
    """The single token, the tokens file, and the authorization server, each where it is set."""

    def __init__(self, settings: Settings, *, fetcher: Fetcher | None = None) -> None:
        """Raises BadRequestError for settings that do not fit together, or a bad tokens file."""
        check(settings)
        self._token = settings.token
        path = tokens_path(settings)
        self._static = StaticTokens(path) if path else None
        self._oauth: AccessTokens | None = None
        if settings.oauth_issuer:
            keys = SigningKeys(settings.oauth_issuer, settings.oauth_jwks, fetcher=fetcher)
            self._oauth = AccessTokens(Expected.by(settings), keys)
        self.needed = is_guarded(settings)
        """Whether a request must say who it is from."""

    async def principal(self, header: str | None) -> Principal:
        """Who sent a request with this Authorization header. Raises Denied."""
        if not self.needed:
            return LOCAL
        scheme, _, token = (header or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise Denied(401, "", "a bearer token is needed")
        if bearer_matches(header, self._token):
            return SINGLE
        found = await self._static.principal(token) if self._static else None
        if found is not None:
            return found
        if self._oauth is None:
            raise Denied(401, "invalid_token", "this token is not known here")
        try:
            return await self._oauth.principal(token)
        except TokenRefused as e:
            log.info("a token was refused: %s", e)
            raise Denied(401, "invalid_token", str(e)) from None
        except NotAMember as e:
            log.info("a token was refused: %s", e)
            raise Denied(403, "", str(e)) from None
        except UnavailableError:  # logged where it was found; the client can only try again
            raise Denied(503, "", "the authorization server does not answer; try again") from None


def is_guarded(settings: Settings) -> bool:
    """Whether requests over HTTP must say who they are from."""
    return bool(settings.token or settings.tokens_file or settings.oauth_issuer)


def check(settings: Settings) -> None:
    """Raise BadRequestError for settings of OAuth and tenants that do not fit together."""
    if not settings.oauth_issuer:
        lone = [n for n in _OAUTH_ONLY if getattr(settings, n)]
        if lone:
            raise BadRequestError(f"{lone[0]} is set, but oauth_issuer is not: set both, or none")
        return
    require_url("oauth_issuer", settings.oauth_issuer)
    if settings.oauth_jwks:
        require_url("oauth_jwks", settings.oauth_jwks)
    if not settings.oauth_audience:
        raise BadRequestError(
            "oauth_issuer is set, but oauth_audience is not: set it to this server's address as "
            "clients know it, as in https://omni.example.com/mcp"
        )
    require_url("oauth_audience", settings.oauth_audience)


_OAUTH_ONLY = (
    "oauth_audience", "oauth_jwks", "oauth_token_audience", "oauth_scope_prefix", "tenant_claim",
    "collections_claim",
)  # fmt: skip


def host_of(settings: Settings) -> tuple[str, ...]:
    """The Host header of requests to this server's own address, where the settings tell it."""
    return (urlsplit(settings.oauth_audience).netloc,) if settings.oauth_audience else ()


def tokens_path(settings: Settings) -> Path | None:
    """The tokens file as an absolute path; None where there is none."""
    text = settings.tokens_file
    return Path(os.path.expanduser(text)).absolute() if text else None


def bearer_matches(header: str | None, token: str) -> bool:
    """Whether an Authorization header contains `token`; False for an empty token."""
    scheme, _, given = (header or "").partition(" ")
    same = hmac.compare_digest(given.strip().encode(), token.encode())
    return bool(token) and scheme.lower() == "bearer" and same
