"""Who has rights on some collections finds no trace of the others.

Two servers have the same settings, files and tokens. In one library others have put content of
their own into other collections, some of it the very bytes that the caller has; in the other
library there has never been any. Whatever the caller asks, both give the same answer, byte by byte
but for what differs between any two servers. The attempts are those of tenants: each tool,
resource, prompt and route has some.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest
import pytest_asyncio

from omni_core.settings import Settings
from omni_server.auth.token_edit import add
from omni_server.http.app import create_http
from tests.omni_server.auth.conftest import address, bound, listening
from tests.omni_server.tenancy.test_isolation import ATTEMPTS, Attempt, call, heard, told
from tests.omni_server.tenancy.world import Target, World, token_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

CALLER, OTHER, READER, ADMIN = "hr", "legal", "reader", "admin"
RIGHTS: dict[str, tuple[str, ...]] = {
    CALLER: ("hr", "public:read"), OTHER: ("legal",), READER: ("public:read",), ADMIN: (),
}  # fmt: skip
WORD = "zanzibarite"
SHARED = "# Harbour rules\n\nEvery vessel reports to the lighthouse keeper before dusk.\n"
FILES = {
    "harbour.md": SHARED,
    "harbour-of-legal.md": SHARED,
    "own.md": "# Leave\n\nWhoever is ill reports to the office before noon.\n",
    "public.md": "# Opening hours\n\nThe office opens at nine.\n",
    f"plan-{WORD}.md": f"# Plan {WORD}\n\nThe {WORD} contract is worth 4711 doubloons.\n",
    "later.md": "# Later\n\nA vessel came too late.\n",
}


@dataclass
class Pair:
    """The library with foreign content, and the one without."""

    full: World
    plain: World
    target: Target
    """What others have."""


def _settings(folder: Path, name: str, where: dict[str, Any]) -> Settings:
    tokens = folder / f"{name}.toml"
    for who, rights in RIGHTS.items():
        add(tokens, token_of(who), name=who, collections=rights,
            scopes=["read", "ingest", "delete"])  # fmt: skip
    return Settings(
        store=str(folder / name), roots=(str(folder / "files"),), encoder="hashing",
        speech="off", screen_text="off", allow_delete=True, check_citations=True,
        tokens_file=str(tokens), qdrant_collection=name, catalog_schema=name, **where,
    )  # fmt: skip


@asynccontextmanager
async def _world(folder: Path, name: str, where: dict[str, Any]) -> AsyncIterator[World]:
    settings = await anyio.to_thread.run_sync(_settings, folder, name, where)
    with bound() as listener:
        app = await anyio.to_thread.run_sync(create_http, settings)
        async with listening(app, listener):
            yield World(app, address(listener), folder, {})


async def _ingest(made: World, who: str, file: str, **more: Any) -> dict[str, Any]:
    async with made.client(who) as mcp:
        done = await mcp.call_tool("ingest_media", {"source": file, "wait_s": 45, **more})
    assert done.structured_content["state"] == "ready", done
    found: dict[str, Any] = done.structured_content
    return found


async def _foreign(made: World, folder: Path) -> Target:
    """What others put in: before the caller does, and with the same bytes."""
    file = f"plan-{WORD}.md"
    await _ingest(made, OTHER, file)
    await _ingest(made, OTHER, "harbour-of-legal.md", title=f"Secret {WORD}")
    await _ingest(made, ADMIN, file, collection="board")
    await _ingest(made, ADMIN, "harbour.md", title=f"Board {WORD}", collection="board")
    async with made.client(OTHER) as mcp, made.http(OTHER) as http:
        found = (await mcp.call_tool("search", {"query": WORD})).structured_content
        rows = (await mcp.call_tool("list_sources", {"match": "plan"})).structured_content
        page = (await mcp.call_tool("list_sources", {"limit": 1})).structured_content
        sent = await http.post("/upload?name=a.md", content=WORD.encode())
    return Target(
        source=rows["sources"][0]["id"], segment=found["hits"][0]["id"],
        title=rows["sources"][0]["title"], word=WORD, path=str(folder / "nowhere" / file),
        collection="legal", upload=sent.json()["source"], cursor=page["next_cursor"],
    )  # fmt: skip


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=["memory", "edge", "servers"])
async def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Pair]:
    where = {"index": request.param}
    if request.param == "servers":
        where = request.getfixturevalue("servers")
    folder = tmp_path_factory.mktemp("rights").resolve()
    (folder / "files").mkdir()
    for name, text in FILES.items():
        (folder / "files" / name).write_text(text)
    async with (
        _world(folder, "full", where) as full,
        _world(folder, "plain", where) as plain,
    ):
        target = await _foreign(full, folder)
        for made in (full, plain):
            await _ingest(made, ADMIN, "public.md", collection="public")
            await _ingest(made, CALLER, "own.md")
            await _ingest(made, CALLER, "harbour.md")
        yield Pair(full, plain, target)


def normal(text: str) -> str:
    """The text without what differs between any two servers."""
    text = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(\+00:00| UTC|Z)?", "TIME", text)
    text = re.sub(r"(?<=next_cursor\": \")[^\"]+|(?<=cursor=)[^\\\s\"]+", "CURSOR", text)
    text = re.sub(r"media-[0-9a-f]{8}", "FENCE", text)
    text = re.sub(r"/media/[\w-]+", "/media/LINK", text)
    text = re.sub(r"http://127.0.0.1:\d+", "HOST", text)
    return re.sub(r"/rights\d+/(full|plain)/", "/STORE/", text)


async def same(pair: Pair, who: str, attempt: Attempt, target: Target | None = None) -> str:
    """What the attempt tells in both libraries, which must be the same."""
    answers = []
    for made in (pair.full, pair.plain):
        async with made.client(who) as mcp:
            answers.append(normal(await told(mcp, attempt, target or pair.target)))
    assert answers[0] == answers[1]
    return answers[0]


@pytest.mark.parametrize(("name", "attempt"), ATTEMPTS, ids=[name for name, _ in ATTEMPTS])
async def test_what_others_have_answers_as_if_it_had_never_been(
    pair: Pair, name: str, attempt: Attempt
) -> None:
    if name.startswith("ingest_media 1"):
        attempt = call("ingest_media", source="own.md")  # the file itself may be read by anybody
    told_ = await same(pair, CALLER, attempt)
    if "path" not in name:
        assert "doubloons\\n" not in told_


OWN: dict[str, Attempt] = {
    "list": call("list_sources"),
    "list of one state": call("list_sources", state="ready"),
    "a page": call("list_sources", limit=lambda _: 1),
    "status": call("library_status"),
    "search": call("search", query="lighthouse keeper"),
    "search of all": call("search", query="the office", limit=lambda _: 20),
    "search of one": call("search", query="the office", collection="public"),
    "search of nothing": call("search", query="x", collection="nothing"),
    "how often": call("search", query="vessel", count=lambda _: True),
    "similar": call("similar_to", ref="harbour.md", same_source=lambda _: True),
    "similar elsewhere": call("similar_to", ref="harbour.md"),
    "read": call("read_source", source="Harbour rules"),
    "open": call("get_segment", ref="[Harbour rules]"),
    "check": call("check_citation", ref="[Harbour rules]", quote="before dusk"),
    "again": call("ingest_media", source="harbour.md"),
    "the same bytes elsewhere": call("ingest_media", source="harbour-of-legal.md"),
    "into a foreign one": call("ingest_media", source="own.md", collection="legal"),
    "into one that is none": call("ingest_media", source="own.md", collection="nothing"),
    "into one to be read": call("ingest_media", source="own.md", collection="public"),
    "stop": call("ingest_media", source=f"plan-{WORD}.md", stop=lambda _: True),
    "delete of what is read": call("delete_source", source="src_aaaaaaaaaaaaaaaa"),
    "library": lambda mcp, _: mcp.read_resource("omni://library"),
    "resources": lambda mcp, _: mcp.list_resources(),
    "templates": lambda mcp, _: mcp.list_resource_templates(),
    "tools": lambda mcp, _: mcp.list_tools(),
    "prompts": lambda mcp, _: mcp.list_prompts(),
}


@pytest.mark.parametrize("name", OWN)
async def test_lists_counts_errors_and_own_files_are_the_same(pair: Pair, name: str) -> None:
    text = await same(pair, CALLER, OWN[name])
    for secret in (WORD, "board", "Secret", "harbour-of-legal" if "bytes" not in name else WORD):
        assert secret not in text or (name == "stop" and secret == WORD)


@pytest.mark.parametrize("name", ["into a foreign one", "into one that is none"])
async def test_an_ingest_into_a_collection_without_a_right_is_refused_in_one_line(
    pair: Pair, name: str
) -> None:
    text = await same(pair, CALLER, OWN[name])
    assert "FORBIDDEN: " in text
    assert "it may change" in text


async def test_the_owner_finds_what_the_caller_does_not(pair: Pair) -> None:
    async with pair.full.client(OTHER) as mcp:
        found = await mcp.call_tool("search", {"query": WORD})
    assert pair.target.segment in str(found)


async def test_the_same_bytes_are_each_callers_own(pair: Pair) -> None:
    file = "later.md"
    theirs = await _ingest(pair.full, OTHER, file, title="Of legal")
    mine = await _ingest(pair.full, CALLER, file)
    alone = await _ingest(pair.plain, CALLER, file)
    assert mine == alone
    assert mine["source_id"] != theirs["source_id"]
    async with pair.full.client(CALLER) as mcp:
        assert not (await mcp.call_tool("delete_source", {"source": mine["source_id"]})).is_error
        refused = await mcp.call_tool("delete_source", {"source": theirs["source_id"]})
        assert "UNKNOWN_SOURCE" in str(refused)
    async with pair.full.client(OTHER) as mcp:
        assert not (await mcp.call_tool("read_source", {"source": theirs["source_id"]})).is_error
    async with pair.plain.client(CALLER) as mcp:
        await mcp.call_tool("delete_source", {"source": alone["source_id"]})


async def test_a_shared_source_leaves_the_callers_collections_and_stays_in_the_others(
    pair: Pair,
) -> None:
    await anyio.Path(pair.full.folder / "files" / "both.md").write_text(
        "# Both\n\nA narwhal sings.\n"
    )
    for collection in ("hr", "board"):
        both = await _ingest(pair.full, ADMIN, "both.md", collection=collection)
    source = both["source_id"]
    async with pair.full.client(CALLER) as mcp, pair.full.client(ADMIN) as admin:
        seen = await mcp.call_tool("list_sources", {"match": "both"})
        assert seen.structured_content["total"] == 1
        assert "board" not in str(seen)
        gone = await mcp.call_tool("delete_source", {"source": source})
        assert not gone.is_error
        assert "board" not in str(gone)
        assert (await mcp.call_tool("read_source", {"source": source})).is_error
        found = await mcp.call_tool("search", {"query": "narwhal sings"})
        assert "[Both" not in str(found)
        assert not (await admin.call_tool("read_source", {"source": source})).is_error
        left = await admin.call_tool("search", {"query": "narwhal sings", "collection": "board"})
        assert "[Both" in str(left)
        await admin.call_tool("delete_source", {"source": source})


async def test_deleting_what_others_have_too_reads_as_deleting_what_the_caller_has_alone(
    pair: Pair,
) -> None:
    said = []
    for name, collections in (("shared", ("hr", "board")), ("alone", ("hr",))):
        file = anyio.Path(pair.full.folder / "files" / f"{name}.md")
        await file.write_text(f"# Gone\n\nIt is {name}.\n")
        for collection in collections:
            done = await _ingest(pair.full, ADMIN, file.name, collection=collection)
        async with pair.full.client(CALLER) as mcp:
            gone = await mcp.call_tool("delete_source", {"source": done["source_id"]})
        assert not gone.is_error, gone
        said.append(normal(str(gone)).replace(done["source_id"], "ID").replace(name, "NAME"))
        async with pair.full.client(ADMIN) as admin:
            await admin.call_tool("delete_source", {"source": done["source_id"]})
    assert said[0] == said[1]
    assert "from the collections that you may change" in said[0]
    assert "bin --restore" not in said[0]
    assert "board" not in said[0]


async def test_who_may_only_read_changes_nothing(pair: Pair) -> None:
    async with pair.full.client(READER) as mcp:
        rows = (await mcp.call_tool("list_sources", {})).structured_content
        assert rows["total"] == 1
        source = rows["sources"][0]["id"]
        tried: tuple[tuple[str, dict[str, Any]], ...] = (
            ("ingest_media", {"source": "own.md"}),
            ("ingest_media", {"source": "own.md", "collection": "public"}),
            ("delete_source", {"source": source}),
            ("name_speaker", {"source": source, "speaker": "A", "name": "Ann"}),
        )
        for name, arguments in tried:
            assert "FORBIDDEN" in str(await mcp.call_tool(name, arguments)), name


@pytest.mark.parametrize(
    "path", ["own.md", f"plan-{WORD}.md", f"plan-{WORD[:-1]}.md", "/etc/passwd"]
)
async def test_who_may_only_read_learns_nothing_of_the_files_on_disk(pair: Pair, path: str) -> None:
    whole = str(pair.full.folder / "files" / path)
    ways = (
        call("similar_to", ref=path), call("similar_to", ref=whole),
        call("similar_to", ref=f"./{path}"), call("get_segment", ref=path),
    )  # fmt: skip
    for attempt in ways:
        text = (await same(pair, READER, attempt)).replace(path, "PATH")
        assert "FORBIDDEN" in text or "UNKNOWN_REF" in text
        assert ".md" not in text
    assert "hits" in await same(pair, CALLER, call("similar_to", ref="own.md"))  # it may ingest


async def test_routes_that_show_the_whole_library_are_refused(pair: Pair) -> None:
    async with pair.full.http(CALLER) as http, pair.full.http(ADMIN) as admin:
        assert (await http.get("/metrics")).status_code == 403
        assert (await admin.get("/metrics")).status_code == 200
        assert pair.target.upload not in (await http.get("/uploads")).text
        assert (await http.head(f"/uploads/{pair.target.upload}")).status_code == 404


async def test_subscribers_hear_of_what_they_see_alone(pair: Pair) -> None:
    uris = ["omni://library", f"omni://source/{pair.target.source}"]
    await anyio.Path(pair.full.folder / "files" / "news.md").write_text("# News\n\nSomething.\n")
    async with (
        heard(pair.full, CALLER, uris) as others,
        heard(pair.full, OTHER, uris) as own,
        heard(pair.full, ADMIN, uris) as admin,
        pair.full.client(OTHER) as mcp,
    ):
        done = await mcp.call_tool("ingest_media", {"source": "news.md", "wait_s": 45})
        await mcp.call_tool("delete_source", {"source": done.structured_content["source_id"]})
        with anyio.fail_after(60):
            await own.second.wait()
            await admin.second.wait()
        assert others.count == 0


async def test_a_cursor_of_others_shows_the_callers_own(pair: Pair) -> None:
    attempt = call("list_sources", limit=lambda _: 1, cursor=lambda t: t.cursor)
    assert WORD not in await same(pair, CALLER, attempt)
