"""OAuth end to end: the SDK's own client, an authorization server, this server, over HTTP."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)
from pydantic import AnyUrl

from omni_core.errors import BadRequestError
from omni_core.settings import Settings
from omni_server.auth.credentials import Credentials
from omni_server.http.gate import check
from tests.omni_server.auth.conftest import Both

TOKEN = "correct-horse-battery"  # noqa: S105
HEADERS = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2026-07-28"}
ENVELOPE = {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {}}  # fmt: skip


class Memory:
    """Keeps the client's tokens."""

    tokens: OAuthToken | None = None
    client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


def browser(url: str) -> OAuthClientProvider:
    """The SDK's OAuth client, with a browser that agrees to everything."""
    went: list[str] = []

    async def go(to: str) -> None:
        async with httpx2.AsyncClient() as http:
            went.append((await http.get(to)).headers["location"])

    async def back() -> AuthorizationCodeResult:
        given = parse_qs(urlsplit(went.pop()).query)
        return AuthorizationCodeResult(code=given["code"][0], state=given["state"][0])

    metadata = OAuthClientMetadata(
        redirect_uris=[AnyUrl("http://127.0.0.1:1/callback")], client_name="a client"
    )
    return OAuthClientProvider(url, metadata, Memory(), redirect_handler=go, callback_handler=back)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_finds_the_authorization_server_and_gets_in(
    both: Both, engine: Any, mode: Any
) -> None:
    async with (
        both() as (url, issuer),
        httpx2.AsyncClient(auth=browser(url)) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as mcp,
    ):
        found = await mcp.call_tool("search", {"query": "launch"})
    assert not found.is_error
    assert issuer.asked_scopes == ["read"]
    assert engine.asked


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_asks_for_more_scopes_when_a_tool_needs_them(
    both: Both, engine: Any, mode: Any
) -> None:
    async with both() as (url, issuer):
        issuer.grants = ("read", "delete")
        async with (
            httpx2.AsyncClient(auth=browser(url)) as http,
            Client(streamable_http_client(url, http_client=http), mode=mode) as mcp,
        ):
            names = [tool.name for tool in (await mcp.list_tools()).tools]
            result = await mcp.call_tool("delete_source", {"source": "src_" + "a" * 16})
    assert "delete_source" in names
    assert not result.is_error
    assert [set(asked.split()) for asked in issuer.asked_scopes] == [{"read"}, {"read", "delete"}]


def message(method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": ENVELOPE}}


async def post(
    url: str, token: str | None, method: str = "tools/list", **params: Any
) -> httpx2.Response:
    headers = {**HEADERS, "mcp-method": method}
    if "name" in params:
        headers["mcp-name"] = params["name"]
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    async with httpx2.AsyncClient() as http:
        return await http.post(url, json=message(method, **params), headers=headers)


async def test_the_challenge_leads_to_metadata_that_names_the_authorization_server(
    both: Both,
) -> None:
    async with both() as (url, issuer), httpx2.AsyncClient() as http:
        refused = await post(url, None)
        challenge = refused.headers["www-authenticate"]
        at = challenge.split('resource_metadata="')[1].split('"')[0]
        documents = [
            (await http.get(place)).json()
            for place in (at, f"{url.removesuffix('/mcp')}/.well-known/oauth-protected-resource")
        ]
        nothing = await http.get(f"{at}/else")
        unknown = await http.get(f"{url.removesuffix('/mcp')}/.well-known/openid-configuration")
    assert refused.status_code == 401
    assert challenge.startswith("Bearer ")
    assert 'scope="read"' in challenge
    assert "error=" not in challenge
    assert at.endswith("/.well-known/oauth-protected-resource/mcp")
    assert documents[0] == documents[1]
    assert documents[0]["resource"] == url
    assert documents[0]["authorization_servers"] == [issuer.issuer]
    assert documents[0]["scopes_supported"] == ["read", "ingest", "delete"]
    assert documents[0]["bearer_methods_supported"] == ["header"]
    assert (nothing.status_code, unknown.status_code) == (404, 404)


async def test_delete_is_no_scope_of_a_server_without_that_tool(both: Both) -> None:
    async with both(allow_delete=False) as (url, _), httpx2.AsyncClient() as http:
        metadata = await http.get(url.replace("/mcp", "/.well-known/oauth-protected-resource"))
    assert metadata.json()["scopes_supported"] == ["read", "ingest"]


async def test_a_bad_token_is_told_what_is_wrong_with_it(both: Both, engine: Any) -> None:
    async with both() as (url, issuer):
        wrong = {
            "expired": issuer.token(url, exp=1),
            "another server": issuer.token("https://other.example"),
            "no signed JWT": "x",
        }
        for words, token in wrong.items():
            answer = await post(url, token)
            assert answer.status_code == 401
            challenge = answer.headers["www-authenticate"]
            assert 'error="invalid_token"' in challenge
            assert "resource_metadata=" in challenge
            assert words in challenge
    assert engine.asked == []


SCOPED = [
    ("tools/call", {"name": "search", "arguments": {"query": "x"}}, "read"),
    ("tools/call", {"name": "list_sources", "arguments": {}}, "read"),
    ("tools/call", {"name": "read_source", "arguments": {"source": "x"}}, "read"),
    ("tools/call", {"name": "ingest_media", "arguments": {"source": "a.mp4"}}, "ingest"),
    ("tools/call", {"name": "delete_source", "arguments": {"source": "src_x"}}, "delete"),
    ("resources/list", {}, "read"),
    ("resources/read", {"uri": "omni://library"}, "read"),
    ("prompts/get", {"name": "timeline", "arguments": {"topic": "x"}}, "read"),
    ("completion/complete", {}, "read"),
    ("subscriptions/listen", {"notifications": {}}, "read"),
    ("tasks/list", {}, "read"),
    ("something/new", {}, "read"),
]


@pytest.mark.parametrize(("method", "params", "scope"), SCOPED)
async def test_a_missing_scope_is_403_and_named(
    both: Both, engine: Any, method: str, params: dict[str, Any], scope: str
) -> None:
    others = [s for s in ("read", "ingest", "delete") if s != scope]
    async with both() as (url, issuer):
        answer = await post(url, issuer.token(url, " ".join(others)), method, **params)
    assert answer.status_code == 403
    challenge = answer.headers["www-authenticate"]
    assert 'error="insufficient_scope"' in challenge
    assert set(challenge.split('scope="')[1].split('"')[0].split()) == {*others, scope}
    assert engine.asked == []


async def test_a_token_without_any_scope_is_403(both: Both) -> None:
    async with both() as (url, issuer):
        for method in ("tools/list", "server/discover"):
            answer = await post(url, issuer.token(url, "openid profile"), method)
            assert answer.status_code == 403
            assert 'scope="read"' in answer.headers["www-authenticate"]


async def test_the_single_token_works_beside_oauth(both: Both, engine: Any) -> None:
    async with both(token=TOKEN) as (url, issuer):
        assert (await post(url, TOKEN)).status_code == 200
        assert (await post(url, issuer.token(url))).status_code == 200
        assert (await post(url, TOKEN + "x")).status_code == 401
        arguments = {"source": "src_" + "a" * 16}
        assert (await post(url, TOKEN, "tools/call", name="delete_source", arguments=arguments)
                ).status_code == 200  # fmt: skip
    assert engine.asked[-1] == "src_" + "a" * 16


async def test_an_issuer_that_does_not_answer_is_503_and_not_a_new_login(both: Both) -> None:
    async with both() as (url, issuer):
        with issuer.that_is_down():
            answer = await post(url, issuer.token(url))
    assert answer.status_code == 503
    assert "retry-after" in answer.headers
    assert "www-authenticate" not in answer.headers


async def test_a_new_key_of_the_issuer_is_used_without_a_restart(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omni_server.auth.issuer.UNKNOWN_KEY_S", 0.0)
    async with both() as (url, issuer):
        assert (await post(url, issuer.token(url))).status_code == 200
        issuer.rotate("ES256")
        assert (await post(url, issuer.token(url))).status_code == 200


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_session_of_one_caller_is_not_there_for_another(both: Both, mode: Any) -> None:
    async with both() as (url, issuer):
        first = {"authorization": f"Bearer {issuer.token(url)}"}
        other = {"authorization": f"Bearer {issuer.token(url, sub='mallory')}"}
        async with httpx2.AsyncClient(headers=first) as http:
            begin = {
                "jsonrpc": "2.0", "id": 1, "method": "initialize",
                "params": {"protocolVersion": "2025-11-25", "capabilities": {},
                           "clientInfo": {"name": "a", "version": "1"}},
            }  # fmt: skip
            accept = {"accept": HEADERS["accept"]}
            opened = await http.post(url, json=begin, headers=accept)
            session = {"mcp-session-id": opened.headers["mcp-session-id"],
                       "mcp-protocol-version": "2025-11-25"}  # fmt: skip
            listing = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
            own = await http.post(url, json=listing, headers=accept | session)
            stolen = await http.post(url, json=listing, headers=accept | session | other)
    assert own.status_code == 200
    assert stolen.status_code == 404


async def test_a_chunked_or_odd_body_reaches_the_protocol_whole(both: Both) -> None:
    async def chunks() -> Any:
        yield b'{"jsonrpc": "2.0", "id": 1, "method": "tools/'
        yield b'list", "params": {"_meta": {"io.modelcontextprotocol/protocolVersion": '
        yield b'"2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}}}'

    async with both() as (url, issuer), httpx2.AsyncClient() as http:
        headers = {**HEADERS, "authorization": f"Bearer {issuer.token(url)}",
                   "mcp-method": "tools/list", "content-type": "application/json"}  # fmt: skip
        good = await http.post(url, content=chunks(), headers=headers)
        odd = [
            (await http.post(url, content=body, headers=headers)).status_code
            for body in (b"", b"nonsense", b"[]", b"\xff\xff", b"[" * 100_000, b"5")
        ]
        large = await http.post(url, content=b" " * (5 << 20), headers=headers)
    assert good.status_code == 200
    assert "search" in good.text
    assert set(odd) == {400}
    assert large.status_code == 413


async def test_tokens_never_reach_the_log(both: Both, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="omni_server")
    caplog.set_level(logging.DEBUG, logger="mcp")
    async with both() as (url, issuer):
        tokens = [issuer.token(url), issuer.token(url, exp=1)]
        for token in tokens:
            await post(url, token)
    assert not any(token[-40:] in caplog.text for token in tokens)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"oauth_issuer": "https://a.example"}, "oauth_audience"),
        ({"oauth_audience": "https://o.example/mcp"}, "oauth_issuer"),
        ({"tenant_claim": "org"}, "oauth_issuer"),
        ({"oauth_issuer": "http://a.example", "oauth_audience": "https://o.example"}, "https"),
        ({"oauth_issuer": "https://a.example", "oauth_audience": "o.example"}, "https"),
        ({"oauth_issuer": "https://a.example", "oauth_audience": "https://o.example",
          "oauth_jwks": "http://a.example/k"}, "oauth_jwks"),
        ({"tokens_file": "/nowhere/tokens.toml"}, "tokens file"),
    ],
)  # fmt: skip
def test_settings_that_do_not_fit_together_do_not_start(
    options: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadRequestError, match=words):
        Credentials(Settings(**options))


def test_oauth_guards_a_server_on_the_network_without_a_single_token() -> None:
    check(Settings(host="0.0.0.0", oauth_issuer="https://a.example",  # noqa: S104
                   oauth_audience="https://omni.example/mcp"))  # fmt: skip


async def test_the_servers_own_address_is_an_accepted_host(settings: Settings) -> None:
    from omni_server.http.app import create_http

    app = create_http(Settings(store=settings.store, oauth_issuer="https://a.example",
                               oauth_audience="https://omni.example:8443/mcp"))  # fmt: skip
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="https://omni.example:8443") as h:
        assert (await h.get("/health")).status_code == 200
        metadata = await h.get("/.well-known/oauth-protected-resource/mcp")
    assert metadata.json()["resource"] == "https://omni.example:8443/mcp"
