"""Entries in the format of each client: functions from a server to an entry.

A token is never written: each client gets a reference to its environment variable, in its own
notation. Where a form has `type`, a client needs it to tell a URL from a command.
"""

from __future__ import annotations

from typing import Any

from omni_core.errors import BadRequestError
from omni_server.clients.server import Link, Server

Entry = dict[str, Any]

CODEX_START_S = 30
"""Codex gives a server 10 s to start, which a loaded machine can exceed."""


def typed(server: Server, reference: str) -> Entry:
    """Claude Code and VS Code: `type` says how the server is reached."""
    if isinstance(server, Link):
        return {"type": "http", "url": server.url, **_headers(server, reference)}
    return {"type": "stdio", "command": server.command, "args": list(server.args)}


def untyped(server: Server, reference: str) -> Entry:
    """Cursor: `url` or `command` says it."""
    if isinstance(server, Link):
        return {"url": server.url, **_headers(server, reference)}
    return {"command": server.command, "args": list(server.args)}


def commands_only(server: Server, reference: str) -> Entry:
    """Claude Desktop: its file takes commands; raises BadRequestError for a URL."""
    if isinstance(server, Link):
        raise BadRequestError(
            "Claude Desktop's file takes commands only: add the URL in the application, under "
            "Settings, Connectors, or leave --http out"
        )
    return untyped(server, reference)


def http_url(server: Server, reference: str) -> Entry:
    """Gemini CLI: `httpUrl` is streamable HTTP, `url` the older transport."""
    if isinstance(server, Link):
        return {"httpUrl": server.url, **_headers(server, reference)}
    return untyped(server, reference)


def codex(server: Server, reference: str) -> Entry:
    """Codex: the name of the token's variable has a key of its own."""
    if isinstance(server, Link):
        token = {"bearer_token_env_var": server.token_env} if server.token_env else {}
        return {"url": server.url, **token}
    return {
        "command": server.command,
        "args": list(server.args),
        "startup_timeout_sec": CODEX_START_S,
    }


def _headers(server: Link, reference: str) -> Entry:
    if not server.token_env:
        return {}
    return {"headers": {"Authorization": f"Bearer {reference.format(name=server.token_env)}"}}


TRANSPORT = frozenset({
    "type", "command", "args", "url", "httpUrl", "headers", "bearer_token_env_var", "cwd",
    "startup_timeout_sec",
})  # fmt: skip
"""Keys of the transport: removed when the transport changes; all others are the user's."""


def merged(old: Entry | None, new: Entry) -> Entry:
    """`new` with what the user added to `old` kept; its order is that of `old`.

    When a command becomes a URL or the reverse, the keys of the old transport are removed.
    """
    if not old:
        return dict(new)
    same_way = ("command" in old) == ("command" in new)
    kept = {k: v for k, v in old.items() if k not in TRANSPORT or k in new or same_way}
    if not same_way:
        kept.pop("env", None)
    both = {k: new.get(k, v) for k, v in kept.items()} | new
    for header in ("headers",):
        if isinstance(kept.get(header), dict) and header in new:
            both[header] = kept[header] | new[header]
    timeout = kept.get("startup_timeout_sec")
    if isinstance(timeout, int | float) and "startup_timeout_sec" in new:
        both["startup_timeout_sec"] = timeout  # the user's own choice
    return both
