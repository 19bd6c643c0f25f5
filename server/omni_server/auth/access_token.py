"""Checks access tokens of an authorization server: signed JWTs, as RFC 9068 describes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from omni_core.collection_rights import CollectionRights
from omni_core.errors import BadRequestError
from omni_core.settings import Settings
from omni_server.auth.issuer import SigningKeys
from omni_server.auth.principal import Principal, scopes_of
from omni_server.text import one_line

FAMILIES = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    **dict.fromkeys(("ES256", "ES384", "ES512"), "EC"),
    "EdDSA": "OKP",
}
"""The accepted algorithms and the type of their keys: signatures by a private key only."""
LEEWAY_S = 60
"""How far the clocks of both servers may differ."""
MAX_LENGTH = 16_384
MIN_RSA_BITS = 2048


class TokenRefused(Exception):
    """A token that proves nothing here; the message may be told to whoever sent it."""


class NotAMember(Exception):
    """A good token of someone who has no place here, whatever scopes are added."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say."""

    issuer: str
    audiences: frozenset[str]
    scope_prefix: str = ""
    tenant_claim: str = ""
    collections_claim: str = ""

    @classmethod
    def by(cls, settings: Settings) -> Expected:
        """What the settings ask for. A slash at the end of the server's URL does not matter."""
        url = settings.oauth_audience.rstrip("/")
        other = {settings.oauth_token_audience} - {""}
        return cls(
            settings.oauth_issuer,
            frozenset({url, f"{url}/"} | other),
            settings.oauth_scope_prefix,
            settings.tenant_claim,
            settings.collections_claim,
        )


class AccessTokens:
    """Turns access tokens of one issuer into principals."""

    def __init__(self, expected: Expected, keys: SigningKeys) -> None:
        self._expected = expected
        self._keys = keys

    async def principal(self, token: str) -> Principal:
        """Whose token it is.

        Raises TokenRefused, NotAMember, or UnavailableError when the keys cannot be read.
        """
        claims = await self._claims(token)
        scopes = scopes_of(_scopes(claims), self._expected.scope_prefix)
        tenant = _tenant(claims, self._expected.tenant_claim)
        collections = _collections(claims, self._expected.collections_claim)
        return Principal(_name(claims), scopes, tenant, by_oauth=True, collections=collections)

    async def _claims(self, token: str) -> Mapping[str, Any]:
        """The claims of a token that this issuer signed, now, for this server."""
        if len(token) > MAX_LENGTH or token.count(".") != 2:
            raise TokenRefused("the token is no signed JWT")
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, RecursionError):  # a header that is nested a thousand deep
            raise TokenRefused("the token is no signed JWT") from None
        algorithm, kid = header.get("alg"), header.get("kid")
        if not isinstance(algorithm, str) or algorithm not in FAMILIES or "crit" in header:
            raise TokenRefused("the token is signed by an algorithm that is not accepted")
        jwk = await self._keys.find(kid if isinstance(kid, str) else None, FAMILIES[algorithm])
        if jwk is None or jwk.get("alg", algorithm) != algorithm:
            raise TokenRefused("the token is signed by a key that its issuer does not publish")
        try:
            key = jwt.PyJWK(dict(jwk), algorithm=algorithm).key
            if jwk["kty"] == "RSA" and key.key_size < MIN_RSA_BITS:
                raise TokenRefused("the token is signed by a key that is too short")
            claims: Mapping[str, Any] = jwt.decode(
                token, key, algorithms=[algorithm], issuer=self._expected.issuer, leeway=LEEWAY_S,
                options={"require": ["exp", "iss", "aud"], "verify_aud": False},
            )  # fmt: skip
        except jwt.ExpiredSignatureError:
            raise TokenRefused("the token has expired") from None
        except jwt.ImmatureSignatureError:
            raise TokenRefused("the token is not valid yet") from None
        except jwt.InvalidIssuerError:
            raise TokenRefused("the token is of another issuer") from None
        except jwt.PyJWTError as e:
            raise TokenRefused(f"the token is not valid ({type(e).__name__})") from None
        audience = claims["aud"]
        named = [audience] if isinstance(audience, str) else _texts(audience)
        if not self._expected.audiences.intersection(named):
            raise TokenRefused("the token is for another server: its audience is not this one")
        return claims


def _scopes(claims: Mapping[str, Any]) -> list[str]:
    """The scopes: `scope` (RFC 9068), `scp` (Entra, Okta), or permissions (Auth0 with RBAC)."""
    found: list[str] = []
    for key in ("scope", "scp", "permissions"):
        value = claims.get(key, "")
        found += value.split() if isinstance(value, str) else _texts(value)
    return found


def _tenant(claims: Mapping[str, Any], claim: str) -> str:
    """The one tenant that the token names; "" where tenants are not told apart by a claim.

    A list of one and an object with one key (Keycloak's organizations) count as that one.
    """
    if not claim:
        return ""
    value = claims.get(claim)
    name: Any = value
    if isinstance(value, list | dict) and len(value) == 1:
        name = next(iter(value))
    if not isinstance(name, str) or not name.strip() or one_line(name, 200) != name:
        raise NotAMember(f"the token does not name one tenant in its claim {claim!r}")
    return name


def _collections(claims: Mapping[str, Any], claim: str) -> tuple[str, ...]:
    """The collections that the token names, a list or a single one; () where its owner sees all."""
    if not claim:
        return ()
    value = claims.get(claim)
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(
        isinstance(name, str) and name.strip() and one_line(name, 200) == name for name in names
    ):
        raise NotAMember(f"the token does not name collections in its claim {claim!r}")
    try:
        return CollectionRights.of(names).written
    except BadRequestError as e:
        raise NotAMember(f"the token's claim {claim!r} gives no rights: {e}") from None


def _name(claims: Mapping[str, Any]) -> str:
    """The subject, or the client that acts for itself."""
    for key in ("sub", "client_id", "azp"):
        if isinstance(value := claims.get(key), str) and value:
            return one_line(value, 100)
    raise TokenRefused("the token names neither a subject nor a client")


def _texts(value: Any) -> list[str]:
    """The texts of a list; none of anything else."""
    return [v for v in value if isinstance(v, str)] if isinstance(value, list) else []
