"""Whatever a caller tries, another tenant's library answers as one that does not exist.

Each attempt is made with something that another tenant has, and with something invented of the same
form: the answers are the same. Its owner makes the attempt, too, and gets something else; so
no attempt passes because it asks for nothing. A tool, resource, prompt, argument or route without
an attempt fails.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
import pytest_asyncio
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import PromptReference, ResourceTemplateReference
from starlette.routing import Route

from omni_core.settings import Settings
from omni_server.app import build
from omni_server.state import State
from tests.omni_server.tenancy.world import (
    LIBRARIES,
    MAIN,
    Target,
    World,
    invented,
    roots,
    word_of,
    world,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")
Attempt = Callable[[Client, Target], Awaitable[Any]]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def libraries(
    tmp_path_factory: pytest.TempPathFactory, where: dict[str, Any]
) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("world").resolve()
    async with world(folder, **where) as made:
        yield made


def call(name: str, /, **arguments: str | Callable[[Target], Any]) -> Attempt:
    """A call of a tool; an argument may be a function of the target."""

    async def attempt(mcp: Client, target: Target) -> Any:
        return await mcp.call_tool(
            name, {k: v(target) if callable(v) else v for k, v in arguments.items()}
        )

    return attempt


def read(uri: str) -> Attempt:
    return lambda mcp, target: mcp.read_resource(
        uri.format(source_id=target.source, segment_id=target.segment, format="mp4")
    )


def complete(
    ref: PromptReference | ResourceTemplateReference, name: str, value: Callable[[Target], str]
) -> Attempt:
    return lambda mcp, target: mcp.complete(ref, {"name": name, "value": value(target)})


TOOLS: dict[str, tuple[Attempt, ...]] = {
    "search": (
        call("search", query=lambda t: t.word),
        call("search", query="contract doubloons", source=lambda t: t.source),
        call("search", query="contract doubloons", source=lambda t: t.title),
        call("search", query="contract doubloons", collection=lambda t: t.collection),
        call("search", query="contract doubloons", exclude=lambda t: t.segment),
        call("search", query="contract doubloons", exclude=lambda t: f"[{t.title}]"),
    ),
    "get_segment": (
        call("get_segment", ref=lambda t: t.segment),
        call("get_segment", ref=lambda t: t.source),
        call("get_segment", ref=lambda t: f"{t.source}@0"),
        call("get_segment", ref=lambda t: f"[{t.title}]"),
        call("get_segment", ref=lambda t: t.segment, step=lambda _: 1),
        call("get_segment", ref=lambda t: t.path),
    ),
    "similar_to": (
        call("similar_to", ref=lambda t: t.segment),
        call("similar_to", ref=lambda t: f"[{t.title}]"),
        call("similar_to", ref=lambda t: t.path),
        call("similar_to", ref=lambda t: t.upload),
        call("similar_to", ref="harbour.md", not_like=lambda t: [t.segment]),
        call("similar_to", ref="harbour.md", collection=lambda t: t.collection),
    ),
    "list_sources": (
        call("list_sources", match=lambda t: t.word),
        call("list_sources", match=lambda t: t.source),
        call("list_sources", collection=lambda t: t.collection),
    ),
    "read_source": (
        call("read_source", source=lambda t: t.source),
        call("read_source", source=lambda t: t.title),
        call("read_source", source=lambda t: t.word),
        call("read_source", source=lambda t: t.path),
    ),
    "check_citation": (
        call("check_citation", ref=lambda t: t.source, quote=lambda t: f"The {t.word} contract"),
        call("check_citation", ref=lambda t: t.segment, quote="4711 doubloons"),
        call("check_citation", ref=lambda t: f"[{t.title}]", quote="4711 doubloons"),
    ),
    "ingest_media": (
        call("ingest_media", source=lambda t: t.path),
        call("ingest_media", source=lambda t: t.path.rsplit("/", 1)[1]),
        call("ingest_media", source=lambda t: t.upload),
        call("ingest_media", source="harbour.md", transcript=lambda t: t.path),
    ),
    "view_moment": (
        call("view_moment", ref=lambda t: t.segment),
        call("view_moment", ref=lambda t: f"[{t.title}]", quote="4711 doubloons"),
        call("view_moment", ref=lambda t: t.source, part="thumbnail"),
    ),
    "name_speaker": (
        call("name_speaker", source=lambda t: t.source, speaker="A", name="Ann"),
        call("name_speaker", source=lambda t: t.title, speaker="A"),
    ),
    "library_status": (),  # takes nothing: see the test of what is listed
    "delete_source": (call("delete_source", source=lambda t: t.source),),
}  # fmt: skip

RESOURCES: dict[str, Attempt | None] = {
    "omni://library": None,  # takes nothing: see the test of what is listed
    "omni://source/{source_id}": read("omni://source/{source_id}"),
    "omni://segment/{segment_id}/text": read("omni://segment/{segment_id}/text"),
    "omni://segment/{segment_id}/frame.jpg": read("omni://segment/{segment_id}/frame.jpg"),
    "omni://segment/{segment_id}/clip.{format}": read("omni://segment/{segment_id}/clip.{format}"),
    "omni://segment/{segment_id}/audio.wav": read("omni://segment/{segment_id}/audio.wav"),
}

_SOURCE = ResourceTemplateReference(type="ref/resource", uri="omni://source/{source_id}")
_TEXT = ResourceTemplateReference(type="ref/resource", uri="omni://segment/{segment_id}/text")
_COMPARE = PromptReference(type="ref/prompt", name="compare")

COMPLETIONS: dict[str, tuple[Attempt, ...]] = {
    "source_id": (
        complete(_SOURCE, "source_id", lambda t: t.source),
        complete(_SOURCE, "source_id", lambda t: t.word),
    ),
    "segment_id": (complete(_TEXT, "segment_id", lambda t: t.word),),
    "source_a": (complete(_COMPARE, "source_a", lambda t: t.word),),
    "source_b": (complete(_COMPARE, "source_b", lambda t: t.title),),
}
NO_COMPLETION = {"question", "topic", "format"}
"""Arguments of prompts and templates without completion."""

PROMPTS = {
    "cite_evidence": {"question": "what is {word}?"},
    "timeline": {"topic": "{word}"},
    "compare": {"source_a": "{source}", "source_b": "{title}"},
}

ROUTES = {
    "/": "the page for people, which holds no data",
    "/mcp": "all of the attempts above",
    "/health": "says ok to anybody",
    "/media/{token}": "test_a_link_cannot_be_made_up",
    "/upload": "test_an_upload_is_its_tenants_own",
    "/uploads": "test_an_upload_is_its_tenants_own",
    "/uploads/": "the same",
    "/uploads/{upload}": "the same",
    "/ready": "says of the main library whether it is open, to anybody",
    "/metrics": "test_callers_of_a_tenant_reach_only_routes_that_know_tenants",
    "/.well-known/oauth-protected-resource{rest:path}": "the same for anybody",
}
"""Every route of the server, and why it shows nothing of another tenant."""

PAIRS = [(a, b) for a in LIBRARIES for b in LIBRARIES if a != b]


async def told(mcp: Client, attempt: Attempt, target: Target) -> str:
    """What an attempt tells."""
    try:
        answer = await attempt(mcp, target)
        return json.dumps(answer.model_dump(mode="json"), ensure_ascii=False)
    except MCPError as e:
        return f"{e.error.code} {e.error.message} {e.error.data}"


async def outcome(mcp: Client, attempt: Attempt, target: Target) -> str:
    """What an attempt tells, without what was put into it."""
    return target.hidden(await told(mcp, attempt, target))


ATTEMPTS = [
    *((f"{name} {n}", a) for name, all_ in TOOLS.items() for n, a in enumerate(all_)),
    *((uri, a) for uri, a in RESOURCES.items() if a is not None),
    *((f"complete {name} {n}", a) for name, all_ in COMPLETIONS.items()
      for n, a in enumerate(all_)),
]  # fmt: skip
A_QUESTION = "search 0"
"""The attempt whose answer depends on its words, even where none is in the library."""
ALSO_NOTHING_FOR_ITS_OWNER = (
    "frame.jpg", "clip.", "audio.wav", "segment_id", "search 4", "search 5",
)  # fmt: skip
"""Attempts by which the owner of a document without pages gets no more than anybody."""


@pytest.mark.parametrize(
    ("caller", "owner", "mode"),
    [("acme", "Globex AG", "auto"), ("acme", "Globex AG", "legacy"), ("acme", MAIN, "auto"),
     (MAIN, "acme", "auto")],
)  # fmt: skip
@pytest.mark.parametrize(("name", "attempt"), ATTEMPTS, ids=[name for name, _ in ATTEMPTS])
async def test_what_another_tenant_has_answers_like_what_nobody_has(
    libraries: World, name: str, attempt: Attempt, caller: str, owner: str, mode: Any
) -> None:
    target = libraries.targets[owner]
    async with libraries.client(caller, mode) as mcp:
        got = await told(mcp, attempt, target)
        expected = await outcome(mcp, attempt, invented(target))
    if name == A_QUESTION:  # other words, other answers
        assert target.word not in got
    else:
        assert target.hidden(got) == expected


@pytest.mark.parametrize("owner", ["Globex AG", MAIN])
@pytest.mark.parametrize(
    ("name", "attempt"),
    [(n, a) for n, a in ATTEMPTS
     if "delete" not in n and not any(x in n for x in ALSO_NOTHING_FOR_ITS_OWNER)],
)  # fmt: skip
async def test_the_owner_gets_something_else(
    libraries: World, name: str, attempt: Attempt, owner: str
) -> None:
    target = libraries.targets[owner]
    async with libraries.client(owner) as mcp:
        got = await outcome(mcp, attempt, target)
        assert got != await outcome(mcp, attempt, invented(target))


@pytest.mark.parametrize("caller", LIBRARIES)
async def test_lists_totals_and_names_are_of_the_callers_library(
    libraries: World, caller: str
) -> None:
    async with libraries.client(caller) as mcp:
        listed = (await mcp.call_tool("list_sources", {})).structured_content
        found = (await mcp.call_tool("search", {"query": "contract board"})).structured_content
        unknown = await mcp.call_tool("search", {"query": "x", "collection": "nothing"})
        library = await mcp.read_resource("omni://library")
        everything = [
            str(await mcp.call_tool(name, arguments))
            for name, arguments in (
                ("list_sources", {}),
                ("library_status", {}),
                ("search", {"query": "contract doubloons board plan lighthouse", "limit": 20}),
                ("similar_to", {"ref": "harbour.md", "limit": 20}),
            )
        ]
    everything += [str(unknown), str(library)]
    assert listed["total"] <= 3  # and what other tests ingested
    assert found["searched"]["sources"] <= 3
    for other in (x for x in LIBRARIES if x != caller):
        target = libraries.targets[other]
        for secret in (target.word, target.source, target.segment, target.path):
            assert not any(secret in text for text in everything)


@pytest.mark.parametrize(("caller", "owner"), PAIRS)
async def test_a_cursor_of_another_tenant_shows_the_callers_own(
    libraries: World, caller: str, owner: str
) -> None:
    async with libraries.client(caller) as mcp:
        cursor = libraries.targets[owner].cursor
        page = str(await mcp.call_tool("list_sources", {"limit": 1, "cursor": cursor}))
    assert word_of(owner) not in page


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_same_file_is_each_tenants_own(libraries: World, mode: Any) -> None:
    text = f"# Shared\n\nThe same bytes, {mode} once more.\n"
    first, second = "acme", "Globex AG"
    for tenant in (first, second):
        await anyio.Path(roots(libraries.folder, tenant) / f"{mode}-{tenant}.md").write_text(text)
    async with libraries.client(first, mode) as a, libraries.client(second, mode) as b:
        mine = await a.call_tool(
            "ingest_media",
            {"source": f"{mode}-{first}.md", "title": f"Ours alone {mode}", "wait_s": 45},
        )
        theirs = await b.call_tool("ingest_media", {"source": f"{mode}-{second}.md", "wait_s": 45})
        source = mine.structured_content["source_id"]
        assert theirs.structured_content["source_id"] == source
        assert "duplicate_of" not in theirs.structured_content
        assert "Nothing to do" not in str(theirs)
        assert f"{mode}-{first}" not in str(theirs)
        opened = str(await b.call_tool("get_segment", {"ref": source}))
        assert "Ours alone" not in opened
        assert f"{mode}-{first}.md" not in opened
        assert not (await a.call_tool("delete_source", {"source": source})).is_error
        assert not (await b.call_tool("read_source", {"source": source})).is_error
        assert (await a.call_tool("read_source", {"source": source})).is_error
        assert not (await b.call_tool("delete_source", {"source": source})).is_error


async def test_only_ones_own_folder_is_read(libraries: World) -> None:
    async with libraries.client("acme") as mcp:
        tried = [
            str(roots(libraries.folder, "Globex AG")), str(roots(libraries.folder, MAIN)),
            "../", "..", "../*/*.md", str(libraries.folder), f"{libraries.folder}/people/*/*.md",
            str(libraries.folder / "tokens.toml"), str(libraries.folder / "store"),
        ]  # fmt: skip
        for path in tried:
            result = await mcp.call_tool("ingest_media", {"source": path})
            assert result.is_error
            assert "PATH_NOT_ALLOWED" in str(result)
            assert str(roots(libraries.folder, "Globex AG")) not in str(result)


async def test_a_link_from_ones_own_folder_into_anothers_is_refused(libraries: World) -> None:
    link = anyio.Path(roots(libraries.folder, "acme") / "link.md")
    await link.symlink_to(libraries.targets["Globex AG"].path)
    async with libraries.client("acme") as mcp:
        result = await mcp.call_tool("ingest_media", {"source": "link.md"})
    await link.unlink()
    assert result.is_error


async def test_an_upload_is_its_tenants_own(libraries: World) -> None:
    upload = libraries.targets["Globex AG"].upload
    async with libraries.client("acme") as mcp:
        assert (await mcp.call_tool("ingest_media", {"source": upload})).is_error
    async with libraries.http("acme") as http, libraries.http("Globex AG") as owner:
        assert upload not in (await http.get("/uploads")).text
        assert upload in (await owner.get("/uploads")).text
        for method in ("GET", "HEAD", "PATCH", "DELETE"):
            assert (await http.request(method, f"/uploads/{upload}")).status_code == 404
        assert (await owner.head(f"/uploads/{upload}")).status_code == 200
    async with libraries.client("Globex AG") as mcp:
        assert not (await mcp.call_tool("ingest_media", {"source": upload})).is_error


async def test_a_link_cannot_be_made_up(libraries: World) -> None:
    async with libraries.http("acme") as http:
        for token in ("x", "A" * 80, "../../store/tenants", "%2e%2e%2fcatalog.sqlite"):
            assert (await http.get(f"/media/{token}")).status_code in (403, 404)


async def test_callers_of_a_tenant_reach_only_routes_that_know_tenants(libraries: World) -> None:
    async with libraries.http("acme") as http, libraries.http(MAIN) as main:
        assert (await http.get("/metrics")).status_code == 403
        assert (await main.get("/metrics")).status_code == 200
        for path in ("/anything", "/upload/", "/mcp/"):
            assert (await http.get(path)).status_code == 403
            assert (await main.get(path)).status_code not in (401, 403)


@asynccontextmanager
async def heard(libraries: World, tenant: str, uris: list[str]) -> AsyncIterator[Heard]:
    """What a subscriber of a tenant hears inside the block."""
    events = Heard()
    async with (
        libraries.client(tenant) as mcp,
        mcp.listen(resources_list_changed=True, resource_subscriptions=uris) as stream,
        anyio.create_task_group() as group,
    ):
        group.start_soon(events.follow, stream)
        yield events
        group.cancel_scope.cancel()


class Heard:
    """The events of a stream."""

    def __init__(self) -> None:
        self.count = 0
        self.second = anyio.Event()

    async def follow(self, stream: AsyncIterable[Any]) -> None:
        async for _ in stream:
            self.count += 1
            if self.count == 2:
                self.second.set()


async def test_subscribers_hear_of_their_own_library_alone(libraries: World) -> None:
    uris = ["omni://library", f"omni://source/{libraries.targets['Globex AG'].source}"]
    file = anyio.Path(roots(libraries.folder, "Globex AG") / "news.md")
    await file.write_text("# News\n\nSomething new has happened.\n")
    async with (
        heard(libraries, "acme", uris) as others,
        heard(libraries, MAIN, uris) as main,
        heard(libraries, "Globex AG", uris) as own,
        libraries.client("Globex AG") as mcp,
    ):
        done = await mcp.call_tool("ingest_media", {"source": "news.md", "wait_s": 45})
        await mcp.call_tool("delete_source", {"source": done.structured_content["source_id"]})
        with anyio.fail_after(60):
            await own.second.wait()
        assert others.count == main.count == 0


async def test_every_tool_resource_prompt_and_argument_has_an_attempt(libraries: World) -> None:
    everything = Settings(
        store=str(libraries.folder / "none"), allow_delete=True, check_citations=True
    )
    server = await asyncio.to_thread(lambda: build(State(everything)))
    assert set(TOOLS) == {tool.name for tool in server._tool_manager.list_tools()}
    async with libraries.client("acme") as mcp:
        offered = {t.uri_template for t in (await mcp.list_resource_templates()).resource_templates}
        offered |= {str(r.uri) for r in (await mcp.list_resources()).resources}
        prompts = {p.name: p for p in (await mcp.list_prompts()).prompts}
    assert set(RESOURCES) == offered
    assert set(PROMPTS) == set(prompts)
    arguments = {a.name for p in prompts.values() for a in p.arguments or ()}
    arguments |= {part.split("}")[0] for uri in offered for part in uri.split("{")[1:]}
    assert set(COMPLETIONS) | NO_COMPLETION == arguments


async def test_every_route_has_an_attempt(libraries: World) -> None:
    assert set(ROUTES) == {r.path for r in libraries.app.routes if isinstance(r, Route)}


@pytest.mark.parametrize("name", PROMPTS)
async def test_a_prompt_repeats_its_arguments_and_nothing_else(libraries: World, name: str) -> None:
    target = libraries.targets["Globex AG"]

    def asked(t: Target) -> dict[str, str]:
        return {
            k: v.format(word=t.word, source=t.source, title=t.title)
            for k, v in PROMPTS[name].items()
        }

    async with libraries.client("acme") as mcp:
        got = await mcp.get_prompt(name, asked(target))
        other = await mcp.get_prompt(name, asked(invented(target)))
    assert target.hidden(str(got)) == invented(target).hidden(str(other))


async def test_no_arguments_of_a_caller_choose_its_tenant(libraries: World) -> None:
    word = word_of("Globex AG")
    async with libraries.client("acme") as mcp:
        result = await mcp.call_tool("search", {"query": word, "tenant": "Globex AG"})
        assert result.is_error
    async with libraries.http("acme") as http:
        message = {
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": "search", "arguments": {"query": word},
                       "_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
                                 "io.modelcontextprotocol/clientCapabilities": {},
                                 "tenant": "Globex AG"}},
        }  # fmt: skip
        headers = {
            "accept": "application/json, text/event-stream", "mcp-method": "tools/call",
            "mcp-name": "search", "mcp-protocol-version": "2026-07-28", "x-tenant": "Globex AG",
            "x-forwarded-user": "Globex AG",
        }  # fmt: skip
        answer = await http.post("/mcp?tenant=Globex%20AG", json=message, headers=headers)
    assert answer.status_code == 200
    assert f"plan {word}" not in answer.text.lower().replace("-", " ")
