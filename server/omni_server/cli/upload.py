"""upload: files of this machine to a server elsewhere."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from omni_core.errors import BadRequestError, NotFoundError
from omni_server.cli.printing import Bar, as_json, hint, say, table
from omni_server.text import one_line
from omni_server.upload_client import Progress, Sent, UploadClient, address

WAIT_S = 40


async def upload(args: argparse.Namespace) -> int:
    """Send files, list what was sent, or remove one; 1 when a file could not be ingested."""
    url = args.to or os.environ.get("OMNI_URL", "")
    if not url:
        raise BadRequestError("name the server: --to https://omni.example.com, or OMNI_URL")
    token = args.token or os.environ.get("OMNI_TOKEN", "")
    client = UploadClient(address(url), token)
    try:
        if args.list:
            return await _list(client, args.json)
        if args.remove:
            await client.remove(args.remove)
            as_json({"removed": args.remove}) if args.json else say(f"removed {args.remove}")
            return 0
        return await _send(client, args, _files(args.files), url)
    finally:
        await client.close()


def _files(names: list[str]) -> list[Path]:
    if not names:
        raise BadRequestError("name at least one file, or give --list")
    files = [Path(name).expanduser() for name in names]
    for file in files:
        if not file.is_file():
            raise NotFoundError(f"{file} is not a file; name files, not folders")
    return files


async def _send(client: UploadClient, args: argparse.Namespace, files: list[Path], url: str) -> int:
    done: list[dict[str, Any]] = []
    failed = False
    for file in files:
        with Bar() as bar:
            sent = await client.send(file, _shown(bar, file.name))
        row: dict[str, Any] = {
            "path": sent.path, "source": sent.source, "size": sent.size, "sent": sent.sent
        }  # fmt: skip
        if not args.json:
            hint(_how(file, sent))
        if args.ingest:
            row["ingest"] = await _ingest(client, url, sent.source, args)
            failed = failed or row["ingest"]["failed"]
        if not args.json:
            if args.ingest:
                say(row["ingest"]["text"])
            say(sent.source)
        done.append(row)
    if args.json:
        as_json(done)
    elif not args.ingest:
        hint("next: ingest_media with that id as its source, or the same command with --ingest")
    return int(failed)


def _shown(bar: Bar, name: str) -> Progress:
    def show(what: str, at: int, size: int) -> None:
        bar.show(at / max(1, size), f"{what} {name}")

    return show


def _how(file: Path, sent: Sent) -> str:
    before = sent.size - sent.sent
    if not sent.sent:
        return f"{one_line(file.name)}: the server has it already"
    resumed = f", {before:,} were there already" if before else ""
    return f"{one_line(file.name)}: {sent.sent:,} bytes sent{resumed}"


async def _ingest(
    client: UploadClient, url: str, source: str, args: argparse.Namespace
) -> dict[str, Any]:
    """Call ingest_media until the file is ingested."""
    arguments = {"source": source, "collection": args.collection, "wait_s": WAIT_S}
    transport = streamable_http_client(f"{address(url)}mcp", http_client=client.http)
    async with Client(transport) as mcp:
        while True:
            result = await mcp.call_tool("ingest_media", arguments)
            data = result.structured_content or {}
            if data.get("state") not in ("processing", "queued"):
                break
    text = "\n".join(b.text for b in result.content if b.type == "text")
    return {**data, "failed": bool(result.is_error), "text": text}


async def _list(client: UploadClient, as_data: bool) -> int:
    held = await client.uploads()
    if as_data:
        as_json(held)
        return 0
    if not held:
        say("no uploads.")
        return 0
    cells = [
        (
            u["source"],
            "whole" if u["complete"] else f"{u['offset'] / max(1, u['size']):.0%}",
            f"{u['size']:,}",
            (u["expires"] or "")[:16],
            u["name"],
        )
        for u in held
    ]
    table(cells, ("id", "state", "bytes", "expires", "name"), right=(1, 2))
    return 0
