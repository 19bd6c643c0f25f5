"""What a caller may do: a scope for each tool and each method of the protocol.

A tool's scope follows from its annotations: `read` where it only reads, `delete` where it destroys,
else `ingest`. Methods that show nothing of a library need no scope; a method that is not known
here needs `read`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_REQUEST, ToolAnnotations

from omni_core.errors import OmniError, RefusedError
from omni_server.auth.principal import OneScope, Principal
from omni_server.state import State
from omni_server.text import one_line

audit = logging.getLogger("omni_server.audit")
"""A line for each use of a tool that changes a library, and each refused one: who, what, how it
ended."""

OPEN_METHODS = frozenset(
    {"initialize", "ping", "server/discover", "tools/list", "tools/call", "prompts/list",
     "resources/templates/list", "tasks/get", "tasks/update", "tasks/cancel"}
)  # fmt: skip
"""Methods without a scope of their own: a tool has one, and a task is seen only by its caller."""


def principal(ctx: Context[State, Any]) -> Principal:
    """Who called the tool. Raises RefusedError where nobody has proved it."""
    return ctx.request_context.lifespan_context.caller()


def scope_of_tool(annotations: ToolAnnotations | None) -> OneScope:
    """The scope that a tool with these annotations needs."""
    if annotations is not None and annotations.read_only_hint:
        return "read"
    if annotations is not None and annotations.destructive_hint is False:
        return "ingest"
    return "delete"


def scope_of_method(method: str) -> OneScope | None:
    """The scope that a request needs, whatever its parameters; None without one."""
    return None if method in OPEN_METHODS or method.startswith("notifications/") else "read"


def scope_of_message(message: Any, tools: Mapping[str, OneScope]) -> OneScope | None:
    """The scope that a JSON-RPC message needs; None for one without any, or that is no request."""
    if not isinstance(message, dict) or not isinstance(method := message.get("method"), str):
        return None
    params = message.get("params")
    if method == "tools/call" and isinstance(params, dict):
        return tools.get(str(params.get("name")))
    return scope_of_method(method)


def require(caller: Principal, scope: OneScope, what: str) -> None:
    """Raise RefusedError FORBIDDEN, in one line, unless the caller has the scope."""
    if not caller.may(scope):
        have = ", ".join(sorted(caller.scopes)) or "none"
        raise RefusedError(
            f"{what} needs the scope {scope}, this token has {have}: ask whoever runs the server "
            "for a token with it",
            code="FORBIDDEN",
        )


@contextmanager
def use_of(tool: Tool, caller: Principal, arguments: Mapping[str, Any]) -> Iterator[None]:
    """A call of a tool: checked before, and noted in the log when it changes something.

    Raises RefusedError when the caller has not the tool's scope.
    """
    scope = scope_of_tool(tool.annotations)
    outcome = "ok"
    try:
        require(caller, scope, tool.name)
        yield
    except OmniError as e:
        outcome = e.code
        raise
    except BaseException as e:
        outcome = type(e).__name__
        raise
    finally:
        if scope != "read" or outcome == "FORBIDDEN":
            subject = one_line(str(arguments.get("source", "")), 200)
            audit.info("%s: %s %r: %s", caller, tool.name, subject, outcome)


async def authorize(ctx: ServerRequestContext[State], call_next: CallNext) -> HandlerResult:
    """Middleware: refuses methods that the caller has not the scope for, and lists the tools that
    it may use.

    Someone with an OAuth token sees all tools: a client that calls one without its scope is told
    by the gate which scope to ask the authorization server for.
    """
    scope = scope_of_method(ctx.method)
    try:
        caller = ctx.lifespan_context.caller()
        if scope is not None:
            require(caller, scope, ctx.method)
    except RefusedError as e:
        raise MCPError(INVALID_REQUEST, f"{e.code}: {e}") from e
    result = await call_next(ctx)
    if ctx.method != "tools/list" or caller.by_oauth or not isinstance(result, dict):
        return result
    return {**result, "tools": [t for t in result["tools"] if _listed(t, caller)]}


def _listed(tool: Mapping[str, Any], caller: Principal) -> bool:
    annotations = ToolAnnotations.model_validate(tool.get("annotations") or {})
    return caller.may(scope_of_tool(annotations))
