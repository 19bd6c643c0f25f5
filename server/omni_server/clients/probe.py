"""Tries a client's entry: starts the command as configured, or calls the URL."""

from __future__ import annotations

import asyncio
import os
import shlex
import tempfile
import time
from collections.abc import Mapping
from typing import Any

from omni_server.clients.table import Client
from omni_server.doctor import Finding
from omni_server.text import one_line

LIMIT_S = 60.0
"""Time limit of a first answer; clients allow between 5 and 60 s."""
IMPATIENT_S = 5.0
"""Some clients show a server as disconnected when its first answer takes longer."""
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "omni-mcp doctor", "version": "1"},
    },
}


async def probe(client: Client, entry: Mapping[str, Any], *, limit_s: float = LIMIT_S) -> Finding:
    """Whether the entry (its references replaced) answers `tools/list`, and how soon."""
    url = entry.get("httpUrl") or entry.get("url")
    if url:
        return await _ask(str(url), dict(entry.get("headers") or {}), limit_s)
    return await _start(client, entry, limit_s)


async def _start(client: Client, entry: Mapping[str, Any], limit_s: float) -> Finding:
    from mcp import Client as McpClient
    from mcp.client.stdio import StdioServerParameters, stdio_client

    given = {str(k): str(v) for k, v in dict(entry.get("env") or {}).items()}
    server = StdioServerParameters(
        command=str(entry["command"]),
        args=[str(a) for a in entry.get("args") or []],
        env=(dict(os.environ) if client.inherits else {}) | given,
        cwd=entry.get("cwd"),
    )
    began = time.monotonic()
    limit_s = min(limit_s, _start_limit(client, entry) or limit_s)
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log_file:
        try:
            async with asyncio.timeout(limit_s):
                async with McpClient(stdio_client(server, errlog=log_file), mode="legacy") as mcp:
                    tools = len((await mcp.list_tools()).tools)
                    return _answered(client, time.monotonic() - began, tools)
        except TimeoutError:
            detail = f"no answer within {limit_s:g} s, when {client.title} gives up"
        except Exception as e:  # whatever the server does, it is the finding
            detail = f"it does not answer: {_root(e)}"
        log_file.seek(0)
        last = [line for line in log_file.read().splitlines() if line.strip()][-1:]
    said = f"; it said: {one_line(last[0], 300)}" if last else ""
    fix = f"run it in a terminal: {one_line(shlex.join([server.command, *server.args]), 500)}"
    return Finding("start", "missing", detail + said, get=fix)


def _start_limit(client: Client, entry: Mapping[str, Any]) -> float:
    """How long the client waits for the first answer; 0 where that is not known."""
    given = entry.get("startup_timeout_sec")
    return float(given) if isinstance(given, int | float) else client.starts_in


def _answered(client: Client, spent: float, tools: int) -> Finding:
    detail = f"it answers after {spent:.1f} s with {tools} tools"
    if spent < IMPATIENT_S:
        return Finding("start", "ok", detail)
    return Finding(
        "start", "warning", f"{detail}; some clients show it as failed after {IMPATIENT_S:g} s",
        get="try again: the first start after an installation is the slowest",
    )  # fmt: skip


async def _ask(url: str, headers: dict[str, str], limit_s: float) -> Finding:
    import httpx2
    from mcp import Client as McpClient
    from mcp.client.streamable_http import streamable_http_client

    accept = {"Accept": "application/json, text/event-stream"}
    began = time.monotonic()
    try:
        async with asyncio.timeout(limit_s), httpx2.AsyncClient(headers=headers) as http:
            answer = await http.post(url, json=HELLO, headers=accept)
            if problem := _refused(answer.status_code, url, bool(headers)):
                return problem
            async with McpClient(streamable_http_client(url, http_client=http)) as mcp:
                tools = len((await mcp.list_tools()).tools)
    except TimeoutError:
        return Finding("url", "missing", f"{url} does not answer within {limit_s:g} s", get=SERVE)
    except (httpx2.ConnectError, httpx2.ConnectTimeout):
        return Finding("url", "missing", f"nothing listens at {url}", get=SERVE)
    except Exception as e:  # whatever the server does, it is the finding
        return Finding("url", "missing", f"{url}: {_root(e)}", get="is it an MCP server?")
    spent = time.monotonic() - began
    return Finding("url", "ok", f"{url} answers after {spent:.1f} s with {tools} tools")


SERVE = "start it: omni-mcp serve --http"


def _refused(status: int, url: str, authorized: bool) -> Finding | None:
    """The finding for an HTTP status; None for success."""
    if status < 300:
        return None
    detail, fix = f"{url} answers {status}", "is it an MCP server?"
    if status == 401:
        what = "refuses the token" if authorized else "wants a token, and the entry sends none"
        detail = f"{url} {what} (401)"
        fix = (
            "set the variable to the OMNI_TOKEN of the server"
            if authorized
            else "omni-mcp install CLIENT --http URL --token-env OMNI_TOKEN"
        )
    elif status in (403, 421):
        detail = f"{url} does not know that host name ({status})"
        fix = "omni-mcp serve --http --allowed-host NAME"
    elif status == 404:
        detail, fix = f"{url} is not there (404)", "the path of this server is /mcp"
    return Finding("url", "missing", detail, get=fix)


def _root(error: BaseException) -> str:
    """The innermost error of a group, in one line."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return one_line(str(error) or type(error).__name__)
