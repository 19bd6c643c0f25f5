"""An MCP client that plays the agent: calls the tools of `omni-mcp serve`, saves the results.

Run by ./scripts/demo. Text goes to the terminal; images, a clip and audio to demo-output/.
"""

from __future__ import annotations

import asyncio
import base64
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters
from mcp.types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    ImageContent,
    ResourceLink,
    TextContent,
)

HERE = Path(__file__).resolve().parent.parent
SAMPLES = HERE / "samples"
OUT = HERE / "demo-output"

QUESTIONS: tuple[dict[str, Any], ...] = (
    {"query": "how fast does lava run in a channel"},
    {"query": "a cat"},
    {"query": "where may I camp"},
    {"query": "when does the boat leave"},
    {"query": "cold hearted and selfish", "modality": ["audio"]},
    {"query": "earthquakes at night", "when": "May 2026"},
)


def heading(text: str) -> None:
    """A step of the demo."""
    print(f"\n== {text}")


def words(result: CallToolResult) -> str:
    """The text a model reads."""
    return "\n".join(b.text for b in result.content if isinstance(b, TextContent))


def data(result: CallToolResult) -> dict[str, Any]:
    """The structured content; exits when the tool failed."""
    if result.is_error or not isinstance(result.structured_content, dict):
        sys.exit(f"the tool failed: {words(result)}")
    return result.structured_content


def print_hits(found: dict[str, Any], most: int = 3) -> None:
    """Print citation, grade, channels and text of each hit."""
    for hit in found["hits"][:most]:
        print(f"   {hit['match']:6}  {hit['cite']}  ({', '.join(hit['why'])})")
        if hit.get("text"):
            print(f"           {hit['text']}")
    if not found["hits"]:
        print(f"   nothing good enough. {found.get('note') or ''}")


def save(result: CallToolResult, name: str) -> None:
    """Save the images and audio of a result as files."""
    for number, block in enumerate(result.content):
        if isinstance(block, (ImageContent, AudioContent)):
            ending = "jpg" if isinstance(block, ImageContent) else "wav"
            path = (
                OUT
                / f"{name}{f'-{number}' if (OUT / f'{name}.{ending}').exists() else ''}.{ending}"
            )
            path.write_bytes(base64.b64decode(block.data))
            print(f"   saved {path.relative_to(HERE)} ({path.stat().st_size / 1000:.0f} kB)")


async def main() -> None:
    """Run all steps; takes a few minutes, most of them for speech recognition."""
    if OUT.exists():
        shutil.rmtree(OUT)
    OUT.mkdir()
    server = StdioServerParameters(
        command=str(Path(sys.executable).with_name("omni-mcp")),
        args=["serve", "--root", str(SAMPLES), "--store", str(OUT / "library")],
    )
    started = time.perf_counter()
    async with Client(server, read_timeout_seconds=300) as client:
        tools = (await client.list_tools()).tools
        heading(f"The tools, {time.perf_counter() - started:.1f} s after starting the server")
        for tool in tools:
            print(f"   {tool.name:14} {(tool.description or '').split('. ')[0]}")
        await ingest(client)
        await ask(client)
        await open_evidence(client)
        await by_example(client)
        await refusals(client)
    heading(f"Done in {time.perf_counter() - started:.0f} s. Look at the evidence:")
    for path in sorted(OUT.iterdir()):
        if path.is_file():
            print(f"   {path}")
    print("\nYour own files: see 'Use it' in README.md.")


async def ingest(client: Client) -> None:
    """A folder: call until it is done, as an agent does."""
    heading("ingest_media: samples/library (video, audio, images, documents)")
    arguments = {"source": str(SAMPLES / "library"), "wait_s": 10}
    began = time.perf_counter()
    while True:
        status = data(await client.call_tool("ingest_media", arguments))
        done, total = status["files_done"], status["files_total"]
        spent = time.perf_counter() - began
        print(f"   {done:2} of {total} files after {spent:3.0f} s", flush=True)
        if status["state"] not in ("queued", "processing"):
            break
    heading("list_sources")
    for s in data(await client.call_tool("list_sources", {}))["sources"]:
        print(f"   {s['kind']:9} {s['segments']:3} segments  {s['title']}")


async def ask(client: Client) -> None:
    """Questions whose answers lie in five kinds of media."""
    for question in QUESTIONS:
        more = ", ".join(f"{k}={v}" for k, v in question.items() if k != "query")
        heading(f"search: {question['query']!r} {more}".rstrip())
        print_hits(data(await client.call_tool("search", {**question, "limit": 3})))


async def open_evidence(client: Client) -> None:
    """Open a moment: its text, image, page, clip, audio, and what came next."""

    async def best(query: str, kind: str) -> dict[str, Any]:
        found = data(await client.call_tool("search", {"query": query, "modality": [kind]}))
        hit: dict[str, Any] = found["hits"][0]
        return hit

    moment = await best("how fast does lava run in a channel", "video")
    heading(f"get_segment: {moment['cite']} as an agent sees it")
    opened = await client.call_tool("get_segment", {"ref": moment["id"]})
    print("   " + words(opened).replace("\n", "\n   "))
    save(opened, "moment")
    heading("get_segment step=+1: right after it")
    save(await client.call_tool("get_segment", {"ref": moment["id"], "step": 1}), "right-after")
    heading("get_segment show=sheet, audio, clip")
    for show in ("sheet", "audio", "clip"):
        result = await client.call_tool("get_segment", {"ref": moment["id"], "show": [show]})
        save(result, show)
        for block in result.content:
            if isinstance(block, ResourceLink):
                await save_clip(client, block)
    page = await best("limit for work without a mask", "document")
    heading(f"get_segment: {page['cite']}, the page as an image")
    save(await client.call_tool("get_segment", {"ref": page["id"], "show": ["page"]}), "page")
    heading("read_source: what is said and shown in the video, in order")
    result = await client.call_tool("read_source", {"source": "Field trip to Mount Sarn"})
    print("   " + words(result).replace("\n", "\n   "))


async def save_clip(client: Client, link: ResourceLink) -> None:
    """Save a clip: the result has a resource link, and the bytes are read separately."""
    read = await client.read_resource(link.uri)
    for part in read.contents:
        if isinstance(part, BlobResourceContents):
            path = OUT / "clip.mp4"
            path.write_bytes(base64.b64decode(part.blob))
            print(f"   saved {path.relative_to(HERE)} ({path.stat().st_size / 1000:.0f} kB)")


async def by_example(client: Client) -> None:
    """Questions that are not text."""
    spoken = SAMPLES / "questions" / "spoken.wav"
    heading(f"similar_to: {spoken.relative_to(HERE)}, a question asked aloud")
    print_hits(data(await client.call_tool("similar_to", {"ref": str(spoken)})))
    scan = SAMPLES / "library" / "field-trip" / "notice-scan.png"
    heading(f"similar_to: {scan.relative_to(HERE)}, an image")
    print_hits(data(await client.call_tool("similar_to", {"ref": str(scan)})))


async def refusals(client: Client) -> None:
    """Refused calls, with the error text that the model reads."""
    heading("What it refuses, and how it says so")
    for tool, arguments in (
        ("ingest_media", {"source": "/etc/passwd"}),
        ("get_segment", {"ref": "seg_nothing"}),
        ("search", {"query": "lava", "when": "the day before"}),
    ):
        result = await client.call_tool(tool, arguments)
        print(f"   {tool} {arguments}\n      {words(result)}")
    heading("search: 'quarterly tax return', which nobody recorded")
    print_hits(data(await client.call_tool("search", {"query": "quarterly tax return"})))


if __name__ == "__main__":
    asyncio.run(main())
