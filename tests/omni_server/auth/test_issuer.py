"""The keys of an issuer: where they are, how often they are fetched, and what is not followed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from omni_core.errors import BadRequestError, UnavailableError
from omni_server.auth import issuer as issuers
from omni_server.auth.issuer import Fetcher, SigningKeys, jwks_url, metadata_urls, require_url
from tests.omni_server.auth.authorization_server import AuthorizationServer

ISSUER = "http://127.0.0.1:9000"


@pytest.fixture
def server() -> AuthorizationServer:
    return AuthorizationServer(ISSUER)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(server: AuthorizationServer, clock: Clock) -> SigningKeys:
    fetcher = Fetcher(httpx2.ASGITransport(app=server.app))
    return SigningKeys(ISSUER, fetcher=fetcher, clock=clock)


async def test_keys_are_fetched_once_for_many_tokens_at_a_time(
    server: AuthorizationServer, keys: SigningKeys
) -> None:
    found = await asyncio.gather(*(keys.find(server.kid, "RSA") for _ in range(50)))
    assert all(key is not None and key["kid"] == server.kid for key in found)
    assert server.asked == ["/.well-known/oauth-authorization-server", "/jwks"]


async def test_a_new_key_is_found_and_the_old_one_forgotten(
    server: AuthorizationServer, keys: SigningKeys, clock: Clock
) -> None:
    old = server.kid
    assert await keys.find(old, "RSA")
    server.rotate("ES256")
    clock.now += issuers.UNKNOWN_KEY_S
    assert await keys.find(server.kid, "EC")
    assert await keys.find(old, "RSA") is None


async def test_invented_key_ids_cause_one_fetch_in_half_a_minute(
    server: AuthorizationServer, keys: SigningKeys, clock: Clock
) -> None:
    for n in range(40):
        assert await keys.find(f"invented {n}", "RSA") is None
    assert server.asked.count("/jwks") == 1
    clock.now += issuers.UNKNOWN_KEY_S
    for n in range(40):
        assert await keys.find(f"invented {n}", "RSA") is None
    assert server.asked.count("/jwks") == 2


async def test_a_key_that_was_withdrawn_is_refused_after_ten_minutes(
    server: AuthorizationServer, keys: SigningKeys, clock: Clock
) -> None:
    old = server.kid
    assert await keys.find(old, "RSA")
    server.rotate("RS256")
    clock.now += issuers.FRESH_S
    assert await keys.find(old, "RSA") is None


async def test_keys_outlast_an_hour_without_their_issuer_and_no_more(
    server: AuthorizationServer, keys: SigningKeys, clock: Clock
) -> None:
    assert await keys.find(server.kid, "RSA")
    with server.that_is_down():
        clock.now += issuers.STALE_S - 1
        assert await keys.find(server.kid, "RSA")
        clock.now += 1 + issuers.RETRY_S
        with pytest.raises(UnavailableError, match="503"):
            await keys.find(server.kid, "RSA")
    clock.now += issuers.RETRY_S
    assert await keys.find(server.kid, "RSA")


async def test_an_issuer_that_does_not_answer_is_not_asked_by_every_request(
    server: AuthorizationServer, keys: SigningKeys
) -> None:
    with server.that_is_down():
        for _ in range(20):
            with pytest.raises(UnavailableError):
                await keys.find(server.kid, "RSA")
    assert len(server.asked) == 1


def _answers(handler: Callable[[httpx2.Request], httpx2.Response]) -> Fetcher:
    return Fetcher(httpx2.MockTransport(handler))


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(302, headers={"location": "http://169.254.169.254/latest"}),
        httpx2.Response(200, content=b"x" * (issuers.MAX_BYTES + 1)),
        httpx2.Response(200, content=b"<html>"),
        httpx2.Response(200, content=b"[1]"),
        httpx2.Response(200, content=b"[" * 100_000),
        httpx2.Response(200, content=b"\xff"),
        httpx2.Response(500),
        httpx2.Response(401),
    ],
)
async def test_only_a_small_json_object_is_read_and_no_redirect_followed(
    answer: httpx2.Response,
) -> None:
    asked = []

    def reply(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.host)
        return answer

    with pytest.raises(UnavailableError):
        await _answers(reply).get(f"{ISSUER}/jwks")
    assert asked == ["127.0.0.1"]


async def test_a_slow_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuers, "FETCH_S", 0.05)

    async def never(_: httpx2.Request) -> httpx2.Response:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(UnavailableError, match="TimeoutError"):
        await Fetcher(httpx2.MockTransport(never)).get(ISSUER)


def test_metadata_is_looked_for_where_both_standards_put_it() -> None:
    assert metadata_urls("https://a.example") == (
        "https://a.example/.well-known/oauth-authorization-server",
        "https://a.example/.well-known/openid-configuration",
    )
    assert metadata_urls("https://a.example/realms/x/") == (
        "https://a.example/.well-known/oauth-authorization-server/realms/x",
        "https://a.example/.well-known/openid-configuration/realms/x",
        "https://a.example/realms/x/.well-known/openid-configuration",
    )


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_metadata_is_found_at_each_place(place: int) -> None:
    issuer = "https://a.example/realms/x"
    held = {metadata_urls(issuer)[place]: {"issuer": issuer, "jwks_uri": "https://a.example/keys"}}

    def reply(request: httpx2.Request) -> httpx2.Response:
        found: Any = held.get(str(request.url))
        return httpx2.Response(200, json=found) if found else httpx2.Response(404)

    assert await jwks_url(issuer, _answers(reply)) == "https://a.example/keys"


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"issuer": "https://b.example", "jwks_uri": "https://a.example/k"}, "oauth_issuer"),
        ({"issuer": "https://a.example/", "jwks_uri": "https://a.example/k"}, "exactly that"),
        ({"jwks_uri": "https://a.example/k"}, "None"),
        ({"issuer": "https://a.example"}, "no jwks_uri"),
        ({"issuer": "https://a.example", "jwks_uri": 5}, "no jwks_uri"),
        ({"issuer": "https://a.example", "jwks_uri": "http://a.example/k"}, "https"),
        ({"issuer": "https://a.example", "jwks_uri": "file:///etc/passwd"}, "https"),
        ({"issuer": "https://a.example", "jwks_uri": "https://u:p@a.example/k"}, "https"),
        ({"issuer": "https://a.example", "jwks_uri": "https://127.0.0.1/k"}, "public"),
        ({"issuer": "https://a.example", "jwks_uri": "https://169.254.169.254/k"}, "public"),
        ({"issuer": "https://a.example", "jwks_uri": "https://10.0.0.7/k"}, "public"),
    ],
)
async def test_metadata_of_someone_else_or_keys_elsewhere_are_refused(
    metadata: dict[str, Any], words: str
) -> None:
    with pytest.raises(UnavailableError, match=words):
        await jwks_url("https://a.example", _answers(lambda _: httpx2.Response(200, json=metadata)))


@pytest.mark.parametrize(
    "url",
    ["", "login.example.com", "http://login.example.com", "http://10.0.0.5", "ftp://a.example",
     "https://user:pw@a.example", "https://a.example/#x", "https://", "file:///etc/passwd"],
)  # fmt: skip
def test_an_address_that_is_not_https_is_refused(url: str) -> None:
    with pytest.raises(BadRequestError, match="oauth_issuer"):
        require_url("oauth_issuer", url)


@pytest.mark.parametrize(
    "url", ["https://a.example/x", "http://127.0.0.1:8080", "http://localhost:1/r", "http://[::1]"]
)
def test_https_and_this_machine_are_accepted(url: str) -> None:
    require_url("oauth_issuer", url)
