"""Three libraries on one server: two tenants and the main one, each with a secret."""

from __future__ import annotations

import re
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from omni_core.settings import Settings
from omni_server.auth.token_edit import add
from omni_server.http.app import HttpServer, create_http
from omni_server.tenants import folder_of
from tests.omni_server.auth.conftest import address, bound, listening

TENANTS = ("acme", "Globex AG")
MAIN = ""
LIBRARIES = (*TENANTS, MAIN)
SHARED = "# Harbour rules\n\nEvery vessel reports to the lighthouse keeper before dusk.\n"
"""A file that all of them have."""


@dataclass(frozen=True)
class Target:
    """What an attacker may have learnt of something in a library."""

    source: str
    segment: str
    title: str
    word: str
    path: str
    collection: str
    upload: str
    cursor: str
    """The next page of its owner's list."""

    def hidden(self, text: str) -> str:
        """The text without what an attacker put in, and without what is random in any answer."""
        for value in (self.source, self.segment, self.path, self.upload, self.cursor, self.title,
                      self.word, self.collection):  # fmt: skip
            text = text.replace(value, "?")
        for end in range(len(self.path), 40, -1):  # messages cut long paths
            text = text.replace(self.path[:end], "?")
        text = re.sub(r"(?<=\[1\] )plan-\w*", "?", text)  # and quote what is left of a name
        text = re.sub(r"(did you mean|allowed folders:) [^\"]*", "", text)
        return re.sub(r"media-[0-9a-f]{8}", "media", text)


@dataclass
class World:
    """The running server; `targets` are what each library holds, by tenant."""

    app: HttpServer
    url: str
    folder: Path
    targets: dict[str, Target]

    @asynccontextmanager
    async def http(self, tenant: str) -> AsyncIterator[httpx2.AsyncClient]:
        """An HTTP client with the token of a tenant."""
        headers = {"authorization": f"Bearer {token_of(tenant)}"}
        async with httpx2.AsyncClient(base_url=self.url, headers=headers, timeout=120) as client:
            yield client

    @asynccontextmanager
    async def client(self, tenant: str, mode: Any = "auto") -> AsyncIterator[Client]:
        """An MCP client with the token of a tenant."""
        async with (
            self.http(tenant) as http,
            Client(streamable_http_client(f"{self.url}/mcp", http_client=http), mode=mode) as mcp,
        ):
            yield mcp


def token_of(tenant: str) -> str:
    return f"omni_{tenant or 'main'}_token_of_this_test".replace(" ", "_")


def word_of(tenant: str) -> str:
    """A word that stands in the secret file of this library and nowhere else."""
    return {"acme": "zanzibarite", "Globex AG": "quokkadrome"}.get(tenant, "mainframium")


def roots(folder: Path, tenant: str) -> Path:
    """The folder that a library may read."""
    return folder / "main" if tenant == MAIN else folder / "people" / folder_of(tenant)


def _prepare(folder: Path, where: Mapping[str, Any]) -> Settings:
    tokens = folder / "tokens.toml"
    for tenant in LIBRARIES:
        add(tokens, token_of(tenant), name=tenant or "main", tenant=tenant,
            scopes=["read", "ingest", "delete"])  # fmt: skip
        root = roots(folder, tenant)
        root.mkdir(parents=True)
        word = word_of(tenant)
        text = f"# Plan {word}\n\nThe {word} contract is worth 4711 doubloons to the board.\n"
        (root / f"plan-{word}.md").write_text(text)
        (root / "harbour.md").write_text(SHARED)
    return Settings(
        store=str(folder / "store"), roots=(str(roots(folder, MAIN)),), encoder="hashing",
        speech="off", screen_text="off", allow_delete=True, check_citations=True,
        tokens_file=str(tokens), tenant_roots=str(folder / "people"),
        **{"index": "memory", **where},
    )  # fmt: skip


@asynccontextmanager
async def world(folder: Path, **where: Any) -> AsyncIterator[World]:
    """The server, with every library filled; `where` are settings that say where they are."""
    settings = await anyio.to_thread.run_sync(_prepare, folder, where)
    listener: socket.socket
    with bound() as listener:
        app = await anyio.to_thread.run_sync(create_http, settings)
        async with listening(app, listener):
            made = World(app, address(listener), folder, {})
            for tenant in LIBRARIES:
                made.targets[tenant] = await _fill(made, tenant)
            yield made


async def _fill(made: World, tenant: str) -> Target:
    word = word_of(tenant)
    name, collection = f"plan-{word}.md", f"board-{word}"
    async with made.client(tenant) as mcp, made.http(tenant) as http:
        for file, part in ((name, collection), (name, "default"), ("harbour.md", "default")):
            done = await mcp.call_tool(
                "ingest_media", {"source": file, "collection": part, "wait_s": 45}
            )
            assert done.structured_content["state"] == "ready", done
        found = (await mcp.call_tool("search", {"query": word})).structured_content
        listed = await mcp.call_tool("list_sources", {"limit": 1})
        rows = (await mcp.call_tool("list_sources", {"match": word})).structured_content
        sent = await http.post("/upload?name=a.md", content=word.encode())
        return Target(
            source=rows["sources"][0]["id"], segment=found["hits"][0]["id"],
            title=rows["sources"][0]["title"], word=word,
            path=str(roots(made.folder, tenant) / name), collection=collection,
            upload=sent.json()["source"], cursor=listed.structured_content["next_cursor"],
        )  # fmt: skip


def invented(like: Target) -> Target:
    """Something of the same form that nobody has."""
    return replace(
        like, source="src_" + "q" * 16, segment="seg_" + "q" * 26,
        title=like.title.replace(like.word, "x" * len(like.word)), word="x" * len(like.word),
        path=like.path.replace(like.word, "x" * len(like.word)),
        collection=like.collection.replace(like.word, "x" * len(like.word)),
        upload="upload_" + "q" * 26,
    )  # fmt: skip
