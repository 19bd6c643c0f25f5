"""What the server costs a model, in tokens: its tool definitions, and each kind of result.

    python bench/tokens.py [--tokenizer FILE] [--folder FOLDER] [--encoder NAME]

FILE is a `tokenizer.json`, or a wheel that holds one; `pip download --no-deps anthropic==0.38.0`
gets the vocabulary of an older Claude, whose counts are near those of the present ones. Without
FILE tokens are estimated (3.6 characters each). FOLDER is ingested into a store that is thrown
away; the samples of the repository by default. Exits with 1 when FILE's counts pass a bound.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(REPO), str(REPO / "server")]

from mcp import Client  # noqa: E402
from mcp.types import CallToolResult, TextContent  # noqa: E402

from omni_core.settings import Settings  # noqa: E402
from omni_server import text  # noqa: E402
from omni_server.app import INSTRUCTIONS, all_tools, create  # noqa: E402

BOUNDS = {"tool definitions": 1500, "search, six hits": 700, "get_segment": 450}
QUERIES = (
    "the lava field above the harbour and the rocks", "no dogs without a lead", "a trip to the sea",
    "how fast does lava run in a channel", "water", "people on the road in the evening",
)  # fmt: skip
"""The one with the most hits is shown."""
Count = Callable[[str], int]


@dataclass(frozen=True)
class Row:
    """One thing that a model reads. Most clients show text or structured content, not both."""

    name: str
    text: int
    structured: int | None = None
    bound: int | None = None

    @property
    def passed(self) -> bool:
        """Whether either form is longer than the bound."""
        return self.bound is not None and max(self.text, self.structured or 0) > self.bound


def counter(file: Path | None) -> Count:
    """Counts the tokens of a text."""
    if file is None:
        return text.tokens
    import tokenizers

    if file.suffix == ".whl":
        with zipfile.ZipFile(file) as wheel:
            (name,) = (n for n in wheel.namelist() if n.endswith("tokenizer.json"))
            vocabulary = wheel.read(name).decode()
    else:
        vocabulary = file.read_text(encoding="utf-8")
    loaded = tokenizers.Tokenizer.from_str(vocabulary)
    return lambda words: len(loaded.encode(words).ids)


def definitions(count: Count) -> list[Row]:
    """Each tool as a model sees it, with everything switched on, and their sum."""
    rows = []
    for tool in all_tools():
        seen = {"name": tool.name, "description": tool.description, "input_schema": tool.parameters}
        rows.append(Row(f"  {tool.name}", count(_json(seen))))
    whole = Row("tool definitions", sum(r.text for r in rows), None, BOUNDS["tool definitions"])
    return [whole, *rows, Row("instructions", count(INSTRUCTIONS))]


async def results(count: Count, settings: Settings, folder: Path) -> list[Row]:
    """The results of an agent's usual calls, in the library of `folder`."""
    rows: list[Row] = []

    def add(name: str, result: CallToolResult, bound: int | None = None) -> None:
        data = result.structured_content
        words = "\n".join(b.text for b in result.content if isinstance(b, TextContent))
        rows.append(Row(name, count(words), None if data is None else count(_json(data)), bound))

    async with Client(create(settings)) as client:
        ingest: dict[str, Any] = {"source": str(folder), "wait_s": 45}
        first = await client.call_tool("ingest_media", {**ingest, "wait_s": 1})
        while True:
            done = await client.call_tool("ingest_media", ingest)
            if (done.structured_content or {})["state"] != "processing":
                break
        add("ingest_media, under way", first)
        add("ingest_media, done", done)
        found = [
            await client.call_tool("search", {"query": query, "per_source": 6}) for query in QUERIES
        ]
        hits, best = max(((_hits(f), f) for f in found), key=lambda each: len(each[0]))
        add(f"search, {len(hits)} hits", best, BOUNDS["search, six hits"])
        for kind in ("video", "audio", "image", "document"):
            given = {"query": QUERIES[0], "modality": kind, "limit": 1}
            one = (await client.call_tool("search", given)).structured_content or {}
            for hit in one["hits"] or filter(None, [one.get("nearest")]):
                result = await client.call_tool("get_segment", {"ref": hit["id"], "show": ["text"]})
                add(f"get_segment, {kind}", result, BOUNDS["get_segment"])
        add("similar_to", await client.call_tool("similar_to", {"ref": hits[0]["id"]}))
        listed = await client.call_tool("list_sources", {})
        listed_rows = (listed.structured_content or {})["sources"]
        add(f"list_sources, {len(listed_rows)} rows", listed)
        source = next(r for r in listed_rows if r["kind"] == "document")["id"]
        add("read_source, one page", await client.call_tool("read_source", {"source": source}))
        quote = {"ref": hits[0]["cite"], "quote": hits[0].get("text", "x")}
        add("check_citation", await client.call_tool("check_citation", quote))
        add("delete_source", await client.call_tool("delete_source", {"source": source}))
    return rows


def _hits(result: CallToolResult) -> list[Any]:
    hits: list[Any] = (result.structured_content or {})["hits"]
    return hits


def _json(data: Any) -> str:
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokenizer", type=Path)
    parser.add_argument("--folder", type=Path, default=REPO / "samples" / "library")
    parser.add_argument("--encoder", default="hashing")
    args = parser.parse_args()
    count = counter(args.tokenizer)
    rows = definitions(count)
    with tempfile.TemporaryDirectory() as store:
        settings = Settings(
            store=store, roots=(str(args.folder.resolve()),), encoder=args.encoder, index="memory",
            speech="off", screen_text="off", allow_delete=True, check_citations=True,
        )  # fmt: skip
        rows += asyncio.run(results(count, settings, args.folder.resolve()))
    print(f"tokens by {args.tokenizer.name if args.tokenizer else 'estimate, 3.6 characters each'}")
    print(f"{'':28}{'text':>8}{'structured':>12}{'bound':>8}")
    for row in rows:
        structured = "" if row.structured is None else f"{row.structured:,}"
        bound = (
            ""
            if row.bound is None
            else f"{row.bound:,}" + " !" * (row.passed and args.tokenizer is not None)
        )
        print(f"{row.name:28}{row.text:>8,}{structured:>12}{bound:>8}")
    return int(args.tokenizer is not None and any(row.passed for row in rows))


if __name__ == "__main__":
    sys.exit(main())
