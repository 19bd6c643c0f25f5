"""A walk through every tool, message, resource, prompt and completion of a server."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import (
    CallToolResult,
    ElicitResult,
    PromptReference,
    ResourceTemplateReference,
    TextContent,
)

from bench.injections.texts import MARK, UNSEEN, outside, unquoted
from omni_core.settings import Settings
from omni_server.app import create


@dataclass
class Seen:
    """What was heard on a walk, and what of it stands where it may not."""

    heard: int = 0
    """Answers and messages with the marker or without it."""
    carried: int = 0
    """Those with the marker."""
    stored: int = 0
    """Sources that hold the marker by themselves."""
    leaks: list[str] = field(default_factory=list)
    """Where a text stands outside the fence, and the line."""

    def note(self, where: str, text: str, free: str) -> None:
        """`free` is what of `text` stands outside its fences or quotation marks."""
        self.heard += 1
        self.carried += MARK in text
        if MARK in free or UNSEEN.search(text.replace("\n", "")):
            at = max(0, free.find(MARK) - 60)
            self.leaks.append(f"{where}: {free[at : at + 160]!r}")

    def answer(self, where: str, result: CallToolResult) -> None:
        """An answer of a tool, an error too: its blocks, and its data."""
        for block in result.content:
            if isinstance(block, TextContent):
                self.note(where, block.text, outside(block.text))
            elif MARK in (words := json.dumps(block.model_dump(mode="json", exclude={"data"}))):
                self.leaks.append(f"{where}: {block.type} {words[:160]}")
        if result.structured_content is not None:
            data = json.dumps(result.structured_content, ensure_ascii=False)
            self.note(f"{where} (data)", data, "" if '"quoted"' in data else data)

    def error(self, where: str, error: MCPError) -> None:
        """An error of the protocol."""
        self.note(where, str(error), outside(str(error)))


@contextlib.asynccontextmanager
async def connected(settings: Settings, seen: Seen) -> AsyncIterator[Client]:
    """A client of a new server; questions and log lines are noted as well."""

    async def asked(context: Any, params: Any) -> ElicitResult:
        form = json.dumps(params.requested_schema, ensure_ascii=False)
        for where, text in (("question", params.message), ("choices", json.loads(form))):
            words = text if isinstance(text, str) else " ".join(_strings(text))
            seen.note(where, words, unquoted(words))
        return ElicitResult(action="accept", content={"confirm": True})

    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setLevel(logging.WARNING)
    logging.getLogger().addHandler(handler)
    try:
        async with Client(create(settings), elicitation_callback=asked) as client:
            yield client
    finally:
        logging.getLogger().removeHandler(handler)
        for line in stream.getvalue().splitlines():
            seen.note("log", line, unquoted(line))


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for each in inner for text in _strings(each)]


async def walk(client: Client, root: Path, files: list[Path], text: str, seen: Seen) -> None:
    """Ingest the files, ask everything about them, and delete them again."""

    async def call(tool: str, **given: Any) -> CallToolResult:
        where = f"{tool} {' '.join(given)}"
        try:
            result = await client.call_tool(tool, given, progress_callback=heard)
        except MCPError as e:
            seen.error(where, e)
            return CallToolResult(content=[])
        seen.answer(where, result)
        return result

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        seen.note("progress", message or "", message or "")

    folder = files[0].parent
    await call("ingest_media", source=str(folder), wait_s=0)
    await call("list_sources")
    await call("ingest_media", source=str(folder), wait_s=45)
    listed = await call("list_sources", limit=50)
    for file in files:
        await call("ingest_media", source=str(file), wait_s=45)
        await call("ingest_media", source=str(file.with_stem(file.stem[:-1])))
        await call("similar_to", ref=str(file))
    for row in (listed.structured_content or {}).get("sources", []):
        held = await call("read_source", source=row["id"])
        seen.stored += MARK in getattr(held.content[0], "text", "")
    first = files[0]
    await call("ingest_media", source=str(first), title=text[:200], collection=text[:90])
    await call("ingest_media", source=str(first), stop=True)
    await call("ingest_media", source=text)
    await call("search", query="ferry", collection=text[:60])
    await call("search", query="ferry", source=text, when=text)
    await call("read_source", source=text)
    await call("get_segment", ref=text)
    await call("get_segment", ref=f"[{text}]")
    listed = await call("list_sources", limit=50)
    for row in (listed.structured_content or {}).get("sources", []):
        await _of_source(call, client, seen, row["id"], row["title"], text)
    await _resources(client, seen, "omni://library")
    for argument in ("source_a", "source_b"):
        done = await client.complete(
            PromptReference(type="ref/prompt", name="compare"), {"name": argument, "value": "z"}
        )
        seen.note("completion", " ".join(done.completion.values), " ".join(done.completion.values))
    prompt = await client.get_prompt("compare", {"source_a": text, "source_b": "src_x"})
    words = "\n".join(getattr(m.content, "text", "") for m in prompt.messages)
    seen.note("prompt", words, outside(words))
    for row in (listed.structured_content or {}).get("sources", []):
        await call("delete_source", source=row["id"])


async def _of_source(
    call: Any, client: Client, seen: Seen, source: str, title: str, text: str
) -> None:
    await call("read_source", source=source)
    await call("read_source", source=title)
    await call("get_segment", ref=source, show=["text", "sheet", "page", "clip"])
    await call("get_segment", ref=f"[{title}]", step=1)
    await call("check_citation", ref=source, quote=text[:200])
    await call("view_moment", ref=source)
    found = await call("search", query=f"{MARK} ferry", source=source, collection="default")
    for hit in (found.structured_content or {}).get("hits", [])[:2]:
        await call("get_segment", ref=hit["id"])
        await call("similar_to", ref=hit["id"], same_source=True)
        await _resources(client, seen, f"omni://segment/{hit['id']}/text")
        await _resources(client, seen, f"omni://segment/{hit['id']}/clip.mp4")
    await _resources(client, seen, f"omni://source/{source}")
    for uri in ("omni://source/{source_id}", "omni://segment/{segment_id}/text"):
        name = re.findall(r"\{(\w+)\}", uri)[0]
        done = await client.complete(
            ResourceTemplateReference(type="ref/resource", uri=uri), {"name": name, "value": source}
        )
        seen.note("completion", " ".join(done.completion.values), " ".join(done.completion.values))


async def _resources(client: Client, seen: Seen, uri: str) -> None:
    try:
        read = await client.read_resource(uri)
    except MCPError as e:
        seen.error(f"resource {uri[:20]}", e)
        return
    for part in read.contents:
        words = getattr(part, "text", "")
        free = "" if words.startswith("{") and '"quoted"' in words else outside(words)
        seen.note(f"resource {uri[:20]}", words, free)
