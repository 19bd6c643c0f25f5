"""The tokens file: what it may hold, what each token may do, and changes while the server runs."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from omni_core.errors import BadRequestError, NotFoundError
from omni_core.settings import Settings
from omni_server.auth import tokens_file
from omni_server.auth.token_edit import add, new_token, revoke
from omni_server.auth.tokens_file import StaticTokens, digest, parse
from omni_server.http.app import create_http

BASE = "http://127.0.0.1:8000"
Web = Callable[..., AbstractAsyncContextManager[httpx2.AsyncClient]]
READ, INGEST, ALL = (f"omni_{word}" * 4 for word in ("read", "ingest", "all"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tokens.toml"
    add(path, READ, name="reader", scopes=["read"])
    add(path, INGEST, name="uploader", scopes=["ingest"])
    add(path, ALL, name="root", scopes=["read", "ingest", "delete"])
    return path


@pytest.fixture
def web(settings: Settings, engine: Any, file: Path) -> Web:
    """An HTTP client of a running application, which sends the given token."""

    @asynccontextmanager
    async def serve(token: str) -> AsyncIterator[httpx2.AsyncClient]:
        async def opener(_: Settings) -> Any:
            return engine

        options = Settings(store=settings.store, roots=settings.roots, tokens_file=str(file),
                           allow_delete=True, check_citations=True)  # fmt: skip
        app = create_http(options, opener=opener)
        client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app), base_url=BASE,
            headers={"authorization": f"Bearer {token}"},
        )  # fmt: skip
        async with app.running(), client:
            yield client

    return serve


def mcp(http: httpx2.AsyncClient, mode: Any) -> Client:
    return Client(streamable_http_client(f"{BASE}/mcp", http_client=http), mode=mode)


READERS = {"search", "get_segment", "similar_to", "list_sources", "read_source", "check_citation"}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize(
    ("token", "names"),
    [(READ, READERS), (INGEST, {"ingest_media"}),
     (ALL, READERS | {"ingest_media", "delete_source"})],
)  # fmt: skip
async def test_the_list_has_the_tools_that_a_token_may_use(
    web: Web, mode: Any, token: str, names: set[str]
) -> None:
    async with web(token) as http, mcp(http, mode) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == names


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_tool_without_its_scope_is_refused_in_one_line(
    web: Web, engine: Any, root: Path, mode: Any
) -> None:
    (root / "a.md").write_text("words")
    calls: dict[str, list[tuple[str, dict[str, Any]]]] = {
        READ: [("ingest_media", {"source": "a.md"}), ("ingest_media", {"wrong": 1}),
               ("delete_source", {"source": "src_" + "a" * 16})],
        INGEST: [("search", {"query": "x"}), ("get_segment", {"ref": "seg_x"}),
                 ("list_sources", {}), ("read_source", {"source": "x"}),
                 ("similar_to", {"ref": "seg_x"}),
                 ("check_citation", {"ref": "seg_x", "quote": "x"})],
    }  # fmt: skip
    for token, refused in calls.items():
        async with web(token) as http, mcp(http, mode) as client:
            for name, arguments in refused:
                result = await client.call_tool(name, arguments)
                (block,) = result.content
                assert result.is_error
                assert block.text.startswith(f"FORBIDDEN: {name} needs the scope")  # type: ignore[union-attr]
                assert "\n" not in block.text  # type: ignore[union-attr]
    assert engine.asked == []


async def test_who_may_read_the_whole_library_compares_it_with_a_file_of_the_roots(
    web: Web, engine: Any, root: Path
) -> None:
    (root / "a.md").write_text("words")
    async with web(READ) as http, mcp(http, "auto") as client:
        result = await client.call_tool("similar_to", {"ref": "a.md"})
    assert not result.is_error
    assert [request.path for request in engine.asked] == [str(root / "a.md")]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_without_read_no_resource_prompt_or_completion_answers(
    web: Web, engine: Any, mode: Any
) -> None:
    from mcp.types import ResourceTemplateReference

    async with web(INGEST) as http, mcp(http, mode) as client:
        template = ResourceTemplateReference(type="ref/resource", uri="omni://source/{source_id}")
        for attempt in (
            lambda: client.read_resource("omni://library"),
            lambda: client.read_resource("omni://source/src_" + "a" * 16),
            lambda: client.get_prompt("timeline", {"topic": "x"}),
            lambda: client.complete(template, {"name": "source_id", "value": "s"}),
            client.list_resources,
        ):
            with pytest.raises(MCPError, match="FORBIDDEN"):
                await attempt()
    assert engine.asked == []


async def test_an_upload_needs_the_scope_ingest(web: Web, settings: Settings) -> None:
    async with web(READ) as http:
        refused = await http.post("/upload?name=a.md", content=b"x")
    async with web(INGEST) as http:
        taken = await http.post("/upload?name=a.md", content=b"x")
    assert (refused.status_code, taken.status_code) == (403, 201)
    assert "www-authenticate" not in refused.headers


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_what_changes_a_library_is_in_the_log_with_a_name(
    web: Web, root: Path, caplog: pytest.LogCaptureFixture, mode: Any
) -> None:
    await anyio.Path(root / "a.md").write_text("words")
    caplog.set_level(logging.INFO, logger="omni_server.audit")
    async with web(ALL) as http, mcp(http, mode) as client:
        await client.call_tool("ingest_media", {"source": "a.md"})
        await client.call_tool("ingest_media", {"source": "none\n.md"})
        await client.call_tool("delete_source", {"source": "src_" + "a" * 16})
        await client.call_tool("search", {"query": "secret"})
    async with web(READ) as http, mcp(http, mode) as client:
        await client.call_tool("delete_source", {"source": "src_" + "b" * 16})
    lines = [r.getMessage() for r in caplog.records if r.name == "omni_server.audit"]
    assert lines == [
        "root: ingest_media 'a.md': ok",
        "root: ingest_media 'none .md': NOT_FOUND",
        f"root: delete_source 'src_{'a' * 16}': ok",
        f"reader: delete_source 'src_{'b' * 16}': FORBIDDEN",
    ]


async def test_a_revoked_token_is_refused_while_the_server_runs(
    web: Web, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens_file, "LOOK_S", 0.0)
    later = new_token()
    async with web(READ) as http:
        assert (await http.get("/nothing")).status_code == 404
        await anyio.to_thread.run_sync(revoke, file, "reader")
        assert (await http.get("/nothing")).status_code == 401
        await anyio.to_thread.run_sync(lambda: add(file, later, name="new", scopes=["read"]))
        http.headers["authorization"] = f"Bearer {later}"
        assert (await http.get("/nothing")).status_code == 404


async def test_a_broken_file_keeps_the_tokens_and_a_missing_one_refuses_them(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tokens_file, "LOOK_S", 0.0)
    path = anyio.Path(file)
    tokens = await anyio.to_thread.run_sync(StaticTokens, file)
    whole = await path.read_text()
    await path.write_text(whole + "\n[[tok")
    assert await tokens.principal(READ)
    assert "still count" in caplog.text
    await path.unlink()
    assert await tokens.principal(READ) is None
    await path.write_text(whole)
    assert await tokens.principal(READ)


async def test_a_file_that_is_replaced_while_it_is_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.toml"

    def made() -> StaticTokens:
        add(path, "former", name="a", scopes=["read"])
        read = tokens_file.read

        def replaced_meanwhile(given: Path) -> dict[str, tokens_file.StaticToken]:
            found = read(given)
            path.unlink()
            add(path, "present", name="b", scopes=["read"])
            return found

        monkeypatch.setattr(tokens_file, "read", replaced_meanwhile)
        tokens = StaticTokens(path)
        monkeypatch.setattr(tokens_file, "read", read)
        return tokens

    monkeypatch.setattr(tokens_file, "LOOK_S", 0.0)
    tokens = await anyio.to_thread.run_sync(made)
    assert await tokens.principal("present")
    assert await tokens.principal("former") is None


async def test_an_expired_token_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.toml"

    def made() -> StaticTokens:
        add(path, "old", name="old", scopes=["read"], expires=date(2020, 1, 1))
        add(path, "new", name="new", scopes=["read"], expires=date(2999, 1, 1))
        return StaticTokens(path)

    tokens = await anyio.to_thread.run_sync(made)
    assert await tokens.principal("old") is None
    assert await tokens.principal("new")


GOOD = f'name = "a"\nsha256 = "{digest("x")}"\nscopes = ["read"]\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[token", "TOML"),
        ("tokens = 1", "only"),
        ("token = 1", "only"),
        ("token = [1]", "only"),
        ("[[token]]\n" + GOOD.replace('"a"', '""'), "name"),
        ("[[token]]\n" + GOOD.replace('"a"', "5"), "name"),
        ("[[token]]\n" + GOOD.replace('"a"', r'"a\nb"'), "name"),
        ("[[token]]\n" + GOOD.replace(digest("x"), "x"), "sha256"),
        ("[[token]]\n" + GOOD.replace('["read"]', "[]"), "scopes"),
        ("[[token]]\n" + GOOD.replace('["read"]', '"read"'), "scopes"),
        ("[[token]]\n" + GOOD.replace('["read"]', '["read", "admin"]'), "scopes"),
        ("[[token]]\n" + GOOD.replace('["read"]', '[["read"]]'), "scopes"),
        ("[[token]]\n" + GOOD + "scope = 1", "'scope'"),
        ("[[token]]\n" + GOOD + "tenant = 5", "tenant"),
        ("[[token]]\n" + GOOD + r'tenant = "a\nb"', "tenant"),
        ("[[token]]\n" + GOOD + "collections = []", "collections"),
        ("[[token]]\n" + GOOD + 'collections = "hr"', "collections"),
        ("[[token]]\n" + GOOD + 'collections = ["hr", 5]', "collections"),
        ("[[token]]\n" + GOOD + 'collections = ["hr", ""]', "collections"),
        ("[[token]]\n" + GOOD + 'collections = [":read"]', "collection"),
        ("[[token]]\n" + GOOD + 'expires = "2027-01-01"', "expires"),
        ("[[token]]\n" + GOOD + "expires = 2027-01-01T00:00:00Z", "expires"),
        (f"[[token]]\n{GOOD}[[token]]\n{GOOD}", "entry 2"),
    ],
)
def test_a_tokens_file_with_a_mistake_is_refused_and_says_where(text: str, words: str) -> None:
    with pytest.raises(BadRequestError, match=words):
        parse(text, "t.toml")


def test_editing_keeps_comments_and_shows_no_token(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "t.toml"
    token = new_token()
    add(path, token, name="alice", scopes=["read"], tenant="acme", expires=date(2030, 1, 2))
    assert path.stat().st_mode & 0o077 == 0
    path.write_text("# people of acme\n" + path.read_text())
    add(path, "other", name="bob", scopes=["read", "ingest"])
    text = path.read_text()
    assert "# people of acme" in text
    assert token not in text
    entries = parse(text, "")
    assert entries[digest(token)].principal.tenant == "acme"
    assert entries[digest(token)].expires == date(2030, 1, 2)
    revoke(path, "alice")
    assert [e.principal.name for e in parse(path.read_text(), "").values()] == ["bob"]
    assert "# people of acme" in path.read_text()


def test_a_name_is_given_once_and_only_known_ones_are_revoked(file: Path) -> None:
    before = file.read_text()
    with pytest.raises(BadRequestError, match="is named 'root' already"):
        add(file, "x", name="root", scopes=["read"])
    with pytest.raises(NotFoundError, match="reader, uploader, root"):
        revoke(file, "nobody")
    assert file.read_text() == before
    assert sorted(p.name for p in file.parent.iterdir() if "tokens" in p.name) == ["tokens.toml"]


def test_two_edits_at_a_time_lose_nothing(file: Path) -> None:
    lock = file.with_name("tokens.toml.lock")
    lock.touch()
    with pytest.raises(BadRequestError, match=r"tokens\.toml\.lock"):
        revoke(file, "root")
    lock.unlink()
    revoke(file, "root")
