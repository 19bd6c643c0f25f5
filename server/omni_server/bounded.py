"""Limits of what a message names, outside the arguments of a tool: URIs, names, prompts."""

from __future__ import annotations

from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS

from omni_core import limits
from omni_core.errors import BadRequestError
from omni_server.state import State
from omni_server.text import one_line

FREE = frozenset({"_meta", "clientInfo", "capabilities"})
"""Parts of `params` that describe the client, icons included; the message as a whole is bounded."""


async def bound(ctx: ServerRequestContext[State, Any], call_next: CallNext) -> HandlerResult:
    """Middleware: refuses a request of which a part is longer than its limit.

    The arguments of a tool are left to the tool, whose errors a model sees.
    """
    try:
        check(ctx.method, ctx.params)
    except BadRequestError as e:
        raise MCPError(INVALID_PARAMS, f"{e.code}: {e}") from None
    return await call_next(ctx)


def check(method: str, params: Any) -> None:
    """Raise BadRequestError for the first text or list in `params` that is too long."""
    limits.check_text("method", method, limits.OF_PROTOCOL["method"])
    left = [("params", params)] if isinstance(params, dict) else []
    of_tool = method == "tools/call"
    while left:
        name, value = left.pop()
        if isinstance(value, str):
            most = limits.OF_PROTOCOL.get(name, limits.PROTOCOL_TEXT)
            limits.check_text(_shown(name), value, most)
        elif isinstance(value, list | dict):
            limits.check_count(_shown(name), len(value), limits.PROTOCOL_ENTRIES)
            if isinstance(value, list):
                left += [(name, each) for each in value]
            else:
                for key, each in value.items():
                    limits.check_text(f"a name in {_shown(name)}", key, limits.OF_PROTOCOL["name"])
                    if value is not params or not (key in FREE or (of_tool and key == "arguments")):
                        left.append((key, each))


def _shown(name: str) -> str:
    """A name that the client chose, short enough for a message."""
    return one_line(name, 40)
