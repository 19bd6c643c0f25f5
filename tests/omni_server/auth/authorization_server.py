"""An OAuth authorization server: metadata, keys that rotate, registration, code and PKCE, tokens.

Whoever asks for a code is `user`, who grants what `grants` allows.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
"""Made once: it takes half a second."""


def new_key(algorithm: str) -> Any:
    """A private key for the algorithm."""
    if algorithm.startswith("ES"):
        curve = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
        return ec.generate_private_key(curve[algorithm])
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return RSA


@dataclass
class AuthorizationServer:
    """`issuer` is its address; `app` serves it."""

    issuer: str
    user: str = "alice"
    grants: tuple[str, ...] = ("read",)
    extra: dict[str, Any] = field(default_factory=dict)
    """Further claims of its tokens."""
    asked: list[str] = field(default_factory=list)
    """The paths of requests."""
    asked_scopes: list[str] = field(default_factory=list)
    """What clients asked for at /authorize."""
    down: bool = False

    def __post_init__(self) -> None:
        self._codes: dict[str, dict[str, str]] = {}
        self.rotate("RS256")

    def rotate(self, algorithm: str) -> None:
        """Sign with a new key from now on; only that one is published."""
        self.algorithm, self.key, self.kid = algorithm, new_key(algorithm), secrets.token_hex(4)

    def jwks(self) -> dict[str, Any]:
        """The published keys."""
        made = jwt.get_algorithm_by_name(self.algorithm)
        key = made.to_jwk(self.key.public_key(), as_dict=True)
        return {"keys": [{**key, "kid": self.kid, "use": "sig", "alg": self.algorithm}]}

    def token(self, audience: Any, scope: str = "read", **claims: Any) -> str:
        """An access token; a claim of None is left out."""
        now = int(time.time())
        said = {
            "iss": self.issuer, "aud": audience, "sub": self.user, "scope": scope,
            "client_id": "a-client", "iat": now, "exp": now + 600, **self.extra, **claims,
        }  # fmt: skip
        said = {k: v for k, v in said.items() if v is not None}
        headers = {"kid": self.kid, "typ": "at+jwt"}
        return jwt.encode(said, self.key, algorithm=self.algorithm, headers=headers)

    @property
    def app(self) -> Starlette:
        """The server."""
        return Starlette(
            routes=[
                Route("/.well-known/oauth-authorization-server", self._metadata),
                Route("/jwks", self._jwks),
                Route("/register", self._register, methods=["POST"]),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    async def _metadata(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        if self.down:
            return Response(status_code=503)
        at = self.issuer
        return JSONResponse({
            "issuer": at, "authorization_endpoint": f"{at}/authorize",
            "token_endpoint": f"{at}/token", "registration_endpoint": f"{at}/register",
            "jwks_uri": f"{at}/jwks", "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code"],
            "code_challenge_methods_supported": ["S256"],
        })  # fmt: skip

    async def _jwks(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        return Response(status_code=503) if self.down else JSONResponse(self.jwks())

    async def _register(self, request: Request) -> Response:
        asked = await request.json()
        kept = {**asked, "client_id": secrets.token_hex(4), "token_endpoint_auth_method": "none"}
        return JSONResponse(kept, 201)

    async def _authorize(self, request: Request) -> Response:
        given = dict(request.query_params)
        self.asked_scopes.append(given.get("scope", ""))
        code = secrets.token_hex(8)
        self._codes[code] = given
        answer = urlencode({"code": code, "state": given["state"]})
        return RedirectResponse(f"{given['redirect_uri']}?{answer}")

    async def _token(self, request: Request) -> Response:
        form = await request.form()
        given = self._codes.pop(str(form["code"]))
        verifier = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        assert base64.urlsafe_b64encode(verifier).decode().rstrip("=") == given["code_challenge"]
        assert form["resource"] == given["resource"]
        wanted = given.get("scope", "").split()
        scope = " ".join(s for s in wanted if s in self.grants)
        return JSONResponse({
            "access_token": self.token(given["resource"], scope), "token_type": "Bearer",
            "expires_in": 600, "scope": scope,
        })  # fmt: skip

    @contextmanager
    def that_is_down(self) -> Iterator[None]:
        """It answers 503 inside the block."""
        self.down = True
        try:
            yield
        finally:
            self.down = False
