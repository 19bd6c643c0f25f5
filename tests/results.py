"""What a tool's result says, in words."""

from __future__ import annotations

from mcp.types import CallToolResult, TextContent


def text(result: CallToolResult) -> str:
    """The first block, which must be words."""
    assert isinstance(result.content[0], TextContent)
    return result.content[0].text
