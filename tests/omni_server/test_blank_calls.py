"""For every optional argument of every tool blank equals absent: over the schemas themselves,
through a real server and a real engine."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.types import TextContent

from omni_core.settings import Settings
from omni_server.app import all_tools, create

BLANK: dict[str, list[Any]] = {
    "string": ["", "  ", "\u3000\t", None],
    "integer": ["", " ", None, "null"],
    "number": ["", " ", None, "null"],
    "boolean": ["", " ", None],
    "array": ["", " ", [], [""], ["  ", None], None, "[]"],
}
ALSO_BLANK = {
    ("get_segment", "crop"): [[0, 0, 0, 0], [0.0] * 4, "0,0,0,0"],
    ("read_source", "end"): [0, 0.0, "0"],
}
"""Values of the type that mean nothing: an empty picture, a range that ends at its beginning."""
OPTIONAL = {
    tool.name: {
        name: [*BLANK[schema["type"]], *ALSO_BLANK.get((tool.name, name), [])]
        for name, schema in tool.parameters["properties"].items()
        if name not in tool.parameters.get("required", ())
    }
    for tool in all_tools()
}


@pytest.fixture
def plain(settings: Settings) -> Settings:
    return replace(settings, encoder="hashing", index="memory", speech="off", screen_text="off")


@asynccontextmanager
async def connected(plain: Settings, root: Path) -> AsyncIterator[tuple[Client, dict[str, Any]]]:
    """A client of a library of one text, and the least arguments of every tool."""
    (root / "notes.md").write_text("# Harbour\n\nThe ferry leaves at seven from pier nine.\n")
    async with Client(create(plain)) as client:
        done = await client.call_tool("ingest_media", {"source": "notes.md", "wait_s": 45})
        source = done.structured_content["source_id"]
        found = await client.call_tool("search", {"query": "ferry"})
        ref = found.structured_content["hits"][0]["id"]
        yield (
            client,
            {
                "ingest_media": {"source": "notes.md"},
                "search": {"query": "the ferry at seven"},
                "get_segment": {"ref": ref},
                "similar_to": {"ref": ref},
                "list_sources": {},
                "read_source": {"source": source},
                "check_citation": {"ref": ref, "quote": "The ferry leaves"},
                "delete_source": {"source": source},
            },
        )


def text(result: Any) -> str:
    block = result.content[0]
    assert isinstance(block, TextContent)
    return block.text


def said(result: Any) -> tuple[Any, ...]:
    """A result without the random name of its fence."""
    texts = [re.sub(r"media-[0-9a-f]{8}", "media-", b.text) for b in result.content]
    return result.is_error, texts, result.structured_content


async def test_a_blank_optional_argument_changes_nothing(plain: Settings, root: Path) -> None:
    assert set(OPTIONAL) == {t.name for t in all_tools()}
    async with connected(plain, root) as (client, least):
        tried = 0
        for tool, optional in OPTIONAL.items():
            if not optional:
                continue
            expected = said(await client.call_tool(tool, least[tool]))
            assert not expected[0], expected
            for name, blanks in optional.items():
                for blank in blanks:
                    given = {**least[tool], name: blank}
                    assert said(await client.call_tool(tool, given)) == expected, (tool, given)
                    tried += 1
        library = await client.call_tool("list_sources", {})
    assert tried > 120
    assert library.structured_content["total"] == 1
    assert "collections" not in library.structured_content, "there is only the default one"


async def test_all_optional_arguments_blank_at_once_change_nothing(
    plain: Settings, root: Path
) -> None:
    """Strict function calling makes every argument required: models fill in what they must."""
    async with connected(plain, root) as (client, least):
        for tool, optional in OPTIONAL.items():
            if tool == "delete_source":
                continue
            expected = said(await client.call_tool(tool, least[tool]))
            for at in range(4):
                blank = {name: values[at % len(values)] for name, values in optional.items()}
                assert said(await client.call_tool(tool, {**blank, **least[tool]})) == expected


async def test_a_file_ingested_into_a_blank_collection_is_found_without_naming_one(
    plain: Settings, root: Path
) -> None:
    (root / "tide.md").write_text("# Tide\n\nHigh water comes at noon.\n")
    async with Client(create(plain)) as client:
        given = {"source": "tide.md", "collection": " ", "wait_s": 45}
        assert not (await client.call_tool("ingest_media", given)).is_error
        for spelling in ({}, {"collection": ""}, {"collection": " Default "}):
            found = await client.call_tool("search", {"query": "high water at noon", **spelling})
            assert found.structured_content["hits"], spelling


async def test_the_collections_are_listed_and_an_unknown_one_is_answered_with_them(
    plain: Settings, root: Path
) -> None:
    async with connected(plain, root) as (client, _):
        given = {"source": "notes.md", "collection": "Trips 2026", "wait_s": 45}
        added = await client.call_tool("ingest_media", given)
        again = await client.call_tool("ingest_media", {**given, "collection": " trips  2026"})
        listed = await client.call_tool("list_sources", {})
        unknown = await client.call_tool("search", {"query": "x", "collection": "Trips 2025"})
    words = text(added)
    assert "Nothing to do" not in words and "added to the collection [1]" in words
    assert "[1] trips 2026" in words
    assert added.structured_content["changed"] == ["added to the collection 'trips 2026'"]
    assert "Nothing to do" in text(again) and again.structured_content["already"] is True
    assert listed.structured_content["collections"] == {"default": 1, "trips 2026": 1}
    assert "Collections: 'default' 1, 'trips 2026' 1." in text(listed)
    assert text(unknown).startswith("UNKNOWN_COLLECTION: no collection [1]; there are: [2], [3]")
    for line in ("[1] trips 2025", "[2] default", "[3] trips 2026"):
        assert line in text(unknown).splitlines()
