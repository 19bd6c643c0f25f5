"""Access tokens: what is accepted, and every way in which one is not for this server."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from omni_core.settings import Settings
from omni_server.auth.access_token import AccessTokens, Expected, NotAMember, TokenRefused
from omni_server.auth.issuer import Fetcher, SigningKeys
from tests.omni_server.auth.authorization_server import RSA, AuthorizationServer

ISSUER = "http://127.0.0.1:9000"
HERE = "https://omni.example.com/mcp"
SHORT = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - to be refused
ANOTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def issuer() -> AuthorizationServer:
    return AuthorizationServer(ISSUER)


def tokens_of(issuer: AuthorizationServer, **options: Any) -> AccessTokens:
    settings = Settings(oauth_issuer=ISSUER, oauth_audience=HERE, **options)
    fetcher = Fetcher(httpx2.ASGITransport(app=issuer.app))
    return AccessTokens(Expected.by(settings), SigningKeys(ISSUER, fetcher=fetcher))


@pytest.mark.parametrize(
    "algorithm",
    ["RS256", "RS384", "RS512", "PS256", "PS512", "ES256", "ES384", "ES512", "EdDSA"],
)
async def test_a_token_of_every_accepted_algorithm_names_its_caller(
    issuer: AuthorizationServer, algorithm: str
) -> None:
    issuer.rotate(algorithm)
    caller = await tokens_of(issuer).principal(issuer.token(HERE, "read ingest other"))
    assert (caller.name, caller.tenant) == ("alice", "")
    assert sorted(caller.scopes) == ["ingest", "read"]
    assert caller.by_oauth


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"exp": 1}, "expired"),
        ({"exp": None}, "not valid"),
        ({"exp": "soon"}, "not valid"),
        ({"nbf": 4_000_000_000}, "not valid yet"),
        ({"iss": "http://127.0.0.1:9000/"}, "another issuer"),
        ({"iss": "http://evil.example"}, "another issuer"),
        ({"iss": None}, "not valid"),
        ({"aud": None}, "not valid"),
        ({"aud": "https://other.example.com/mcp"}, "another server"),
        ({"aud": "https://omni.example.com"}, "another server"),
        ({"aud": "https://omni.example.com/mcp2"}, "another server"),
        ({"aud": ["https://a.example", "https://b.example"]}, "another server"),
        ({"aud": {HERE: 1}}, "another server"),
        ({"aud": 5}, "another server"),
        ({"aud": []}, "another server"),
        ({"sub": None, "client_id": None}, "neither"),
    ],
)
async def test_a_token_with_a_wrong_claim_is_refused(
    issuer: AuthorizationServer, changed: dict[str, Any], words: str
) -> None:
    with pytest.raises(TokenRefused, match=words):
        await tokens_of(issuer).principal(issuer.token(HERE, **changed))


@pytest.mark.parametrize("audience", [HERE, f"{HERE}/", [HERE], ["https://a.example", HERE]])
async def test_the_audience_is_this_server_alone_or_among_others(
    issuer: AuthorizationServer, audience: Any
) -> None:
    assert (await tokens_of(issuer).principal(issuer.token(audience))).may("read")


async def test_an_audience_that_is_no_address_can_be_set(issuer: AuthorizationServer) -> None:
    tokens = tokens_of(issuer, oauth_token_audience="5ee3-guid")  # noqa: S106
    assert (await tokens.principal(issuer.token("5ee3-guid"))).may("read")


async def test_clocks_may_differ_by_a_minute_and_no_more(issuer: AuthorizationServer) -> None:
    now = int(time.time())
    tokens = tokens_of(issuer)
    assert await tokens.principal(issuer.token(HERE, exp=now - 30))
    with pytest.raises(TokenRefused, match="expired"):
        await tokens.principal(issuer.token(HERE, exp=now - 90))


def _part(data: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")


def _forged(issuer: AuthorizationServer) -> dict[str, str]:
    good = issuer.token(HERE)
    header, claims, signature = good.split(".")
    said = jwt.decode(good, options={"verify_signature": False})
    public = RSA.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    kid = {"kid": issuer.kid}
    symmetric = jwt.encode(said, "k" * 64, algorithm="HS256", headers=kid)
    more = {**said, "scope": "read ingest delete"}
    crit = {**kid, "crit": ["exp"]}
    return {
        "empty": "", "one part": "abc", "no JSON": "a.b.c", "four parts": f"{good}.x",
        "five parts": f"{good}.x.y", "too long": good + "x" * 20_000,
        "no signature": f"{header}.{claims}.",
        "another's signature": jwt.encode(said, ANOTHER, algorithm="RS256", headers=kid),
        "changed claims": f"{header}.{_part(more)}.{signature}",
        "none": f"{_part({'alg': 'none', **kid})}.{claims}.",
        "None": f"{_part({'alg': 'None', **kid})}.{claims}.{signature}",
        "alg of a list": f"{_part({'alg': ['RS256'], **kid})}.{claims}.{signature}",
        "an HMAC": symmetric,
        "an HMAC with the public key": _hmac_by(public, kid, claims),
        "another algorithm of the key": jwt.encode(said, RSA, algorithm="PS256", headers=kid),
        "critical extensions": jwt.encode(said, RSA, algorithm="RS256", headers=crit),
        "unknown key": jwt.encode(said, RSA, algorithm="RS256", headers={"kid": "other"}),
        "key in the token": jwt.encode(
            said, ANOTHER, algorithm="RS256",
            headers={"kid": "mine", "jwk": {"kty": "RSA"}, "jku": "http://127.0.0.1:9000/jwks"},
        ),
    }  # fmt: skip


def _hmac_by(key: bytes, kid: dict[str, str], claims: str) -> str:
    signed = f"{_part({'alg': 'HS256', **kid})}.{claims}"
    mark = hmac.new(key, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mark).decode().rstrip('=')}"


@pytest.mark.parametrize("name", sorted(_forged(AuthorizationServer(ISSUER))))
async def test_a_forged_token_is_refused(issuer: AuthorizationServer, name: str) -> None:
    tokens = tokens_of(issuer)
    assert await tokens.principal(issuer.token(HERE))
    with pytest.raises(TokenRefused):
        await tokens.principal(_forged(issuer)[name])


@pytest.mark.parametrize("header", ["[" * 9000, '{"alg":' * 1500, "{", "", "5", '"a"', "null"])
async def test_a_token_whose_header_is_no_object_is_refused(
    issuer: AuthorizationServer, header: str
) -> None:
    named = base64.urlsafe_b64encode(header.encode()).decode().rstrip("=")
    with pytest.raises(TokenRefused, match=r"no signed JWT|not accepted"):
        await tokens_of(issuer).principal(f"{named}.e30.e30")


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
async def test_a_short_key_is_refused(issuer: AuthorizationServer) -> None:
    issuer.key = SHORT
    with pytest.raises(TokenRefused, match="too short"):
        await tokens_of(issuer).principal(issuer.token(HERE))


async def test_a_key_for_encryption_signs_nothing(issuer: AuthorizationServer) -> None:
    keys = issuer.jwks()
    keys["keys"][0]["use"] = "enc"
    issuer.jwks = lambda: keys  # type: ignore[method-assign]
    with pytest.raises(TokenRefused, match="publish"):
        await tokens_of(issuer).principal(issuer.token(HERE))


async def test_a_token_without_key_id_is_of_the_only_key(issuer: AuthorizationServer) -> None:
    said = jwt.decode(issuer.token(HERE), options={"verify_signature": False})
    bare = jwt.encode(said, RSA, algorithm="RS256")
    tokens = tokens_of(issuer)
    assert await tokens.principal(bare)
    one = issuer.jwks()["keys"][0]
    issuer.jwks = lambda: {"keys": [one, {**one, "kid": "b"}]}  # type: ignore[method-assign]
    with pytest.raises(TokenRefused, match="publish"):
        await tokens_of(issuer).principal(bare)


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        ({"scope": "read delete"}, {"read", "delete"}),
        ({"scope": None}, set()),
        ({"scope": "READ readonly xread"}, set()),
        ({"scope": "omni:read omni:ingest"}, {"read", "ingest"}),
        ({"scope": None, "scp": "read"}, {"read"}),
        ({"scope": None, "scp": ["read", "ingest"]}, {"read", "ingest"}),
        ({"scope": None, "permissions": ["omni:delete"]}, {"delete"}),
        ({"scope": 5}, set()),
        ({"scope": {"read": 1}}, set()),
    ],
)
async def test_scopes_are_read_where_issuers_put_them(
    issuer: AuthorizationServer, claims: dict[str, Any], scopes: set[str]
) -> None:
    tokens = tokens_of(issuer, oauth_scope_prefix="omni:")
    assert (await tokens.principal(issuer.token(HERE, **claims))).scopes == scopes


@pytest.mark.parametrize(
    ("value", "tenant"),
    [("acme", "acme"), (["acme"], "acme"), ({"acme": {"id": "1"}}, "acme"), ("Ä b", "Ä b")],
)
async def test_the_tenant_is_what_the_claim_names(
    issuer: AuthorizationServer, value: Any, tenant: str
) -> None:
    tokens = tokens_of(issuer, tenant_claim="org")
    assert (await tokens.principal(issuer.token(HERE, org=value))).tenant == tenant


@pytest.mark.parametrize(
    "value",
    [None, "", "  ", [], ["a", "b"], ["a", 5], {}, {"a": 1, "b": 2}, 5, True, [["a"]], "a\nb",
     " a", "x" * 300],
)  # fmt: skip
async def test_a_token_without_one_tenant_is_nobodys(
    issuer: AuthorizationServer, value: Any
) -> None:
    tokens = tokens_of(issuer, tenant_claim="org")
    with pytest.raises(NotAMember, match="org"):
        await tokens.principal(issuer.token(HERE, org=value))


async def test_the_claim_of_a_tenant_means_nothing_where_none_is_set(
    issuer: AuthorizationServer,
) -> None:
    token = issuer.token(HERE, tenant="acme", org="acme")
    assert (await tokens_of(issuer).principal(token)).tenant == ""


@pytest.mark.parametrize(
    ("value", "collections"),
    [("hr", ("hr",)), (["HR", "public:read"], ("hr", "public:read")),
     (["public:read", "public"], ("public",)), (["HR ", "public:read"], None), (["Ä  b"], None)],
)  # fmt: skip
async def test_the_collections_are_what_the_claim_lists(
    issuer: AuthorizationServer, value: Any, collections: tuple[str, ...] | None
) -> None:
    tokens = tokens_of(issuer, collections_claim="seen")
    if collections is None:
        with pytest.raises(NotAMember, match="seen"):
            await tokens.principal(issuer.token(HERE, seen=value))
        return
    assert (await tokens.principal(issuer.token(HERE, seen=value))).collections == collections


@pytest.mark.parametrize(
    "value",
    [None, "", "  ", ":read", [], ["hr", 5], ["hr", ""], {"hr": 1}, 5, True, [["hr"]], "a\nb",
     ["x" * 300], [str(n) for n in range(51)]],
)  # fmt: skip
async def test_a_token_whose_collections_cannot_be_read_is_nobodys(
    issuer: AuthorizationServer, value: Any
) -> None:
    tokens = tokens_of(issuer, collections_claim="seen")
    with pytest.raises(NotAMember, match="seen"):
        await tokens.principal(issuer.token(HERE, seen=value))


async def test_a_token_of_too_many_collections_says_so(issuer: AuthorizationServer) -> None:
    tokens = tokens_of(issuer, collections_claim="seen")
    with pytest.raises(NotAMember, match="1 to 50 collections, these are 51"):
        await tokens.principal(issuer.token(HERE, seen=[str(n) for n in range(51)]))


async def test_the_claim_of_collections_means_nothing_where_none_is_set(
    issuer: AuthorizationServer,
) -> None:
    token = issuer.token(HERE, collections=["hr"])
    assert (await tokens_of(issuer).principal(token)).collections == ()
