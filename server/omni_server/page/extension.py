"""The MCP Apps extension: the page as a `ui://` resource, and the tools that are bound to it.

Only clients that say that they show apps are told of it: for all others the list of tools is as it
would be without the page.
"""

from __future__ import annotations

from typing import Any

from mcp.server.apps import APP_MIME_TYPE, Apps, client_supports_apps
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver.resources import FunctionResource
from mcp.server.mcpserver.tools import Tool

from omni_server.page.assemble import page
from omni_server.state import State

URI = "ui://omni/page.html"
SHOWN_BY = ("search", "similar_to", "get_segment")
"""Tools whose results hosts show on the page."""


def apps() -> Apps:
    """The extension with the page. Its tools are bound by `bind`: they are checked like all
    others, which the extension's own registration would not do."""
    extension = Apps()
    extension.add_resource(
        FunctionResource(
            uri=URI,
            name="omni-page",
            title="Omni evidence",
            description="Plays moments, shows pages and words, checks citations.",
            mime_type=APP_MIME_TYPE,
            meta={"ui": {"prefersBorder": True}},
            fn=lambda: page().html,
        )
    )
    return extension


def bind(tool: Tool) -> Tool:
    """The same tool, tied to the page where its results are shown there."""
    if tool.name in SHOWN_BY:
        tool.meta = {**(tool.meta or {}), "ui": {"resourceUri": URI}}
    return tool


def bind_private(tool: Tool) -> Tool:
    """The same tool, for the page alone."""
    tool.meta = {**(tool.meta or {}), "ui": {"resourceUri": URI, "visibility": ["app"]}}
    return tool


async def only_for_apps(ctx: ServerRequestContext[State], call_next: CallNext) -> HandlerResult:
    """Middleware: lists of tools and resources without the page, for clients that show no apps."""
    result = await call_next(ctx)
    if not isinstance(result, dict) or ctx.method not in ("tools/list", "resources/list"):
        return result
    if client_supports_apps(ctx):  # not to be given to other clients by a cache between
        return {**result, "cacheScope": "private"} if "cacheScope" in result else result
    if ctx.method == "resources/list":
        listed = [r for r in result["resources"] if r["uri"] != URI]
        return {**result, "resources": listed}
    tools = [_without_ui(t) for t in result["tools"] if not _is_private(t)]
    return {**result, "tools": tools}


def _is_private(tool: dict[str, Any]) -> bool:
    ui = tool.get("_meta", {}).get("ui", {})
    return "visibility" in ui and "model" not in ui["visibility"]


def _without_ui(tool: dict[str, Any]) -> dict[str, Any]:
    meta = {k: v for k, v in tool.get("_meta", {}).items() if k != "ui"}
    rest = {k: v for k, v in tool.items() if k != "_meta"}
    return {**rest, "_meta": meta} if meta else rest
