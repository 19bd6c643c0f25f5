"""The SDK's server, with errors for wrong prompt requests and MIME types per resource read."""

from __future__ import annotations

from typing import Any

from mcp.server import MCPServer
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS, GetPromptResult, InputRequiredResult, Prompt

from omni_server.state import State
from omni_server.text import one_line


class TypedBytes(bytes):
    """A resource's bytes whose MIME type is known only when they are read."""

    mime_type: str

    @classmethod
    def of(cls, data: bytes, mime_type: str) -> TypedBytes:
        """The same bytes, with their type."""
        typed = cls(data)
        typed.mime_type = mime_type
        return typed


class EvidenceServer(MCPServer[State]):
    """`MCPServer` whose prompts and resources answer as the specification says."""

    async def get_prompt(
        self,
        name: str,
        arguments: dict[str, Any] | None = None,
        context: Context[State, Any] | None = None,
    ) -> GetPromptResult | InputRequiredResult:
        """The prompt; error -32602 for an unknown one or a missing argument."""
        known = {prompt.name: prompt for prompt in await self.list_prompts()}
        if name not in known:
            raise MCPError(
                INVALID_PARAMS,
                f"there is no prompt {one_line(name, 40)!r}; there are: {', '.join(sorted(known))}",
            )
        given = {n: v for n, v in (arguments or {}).items() if v is not None}
        missing = _missing(known[name], given)
        if missing:
            raise MCPError(INVALID_PARAMS, f"{name} needs the argument {missing[0]}")
        return await super().get_prompt(name, given, context)

    async def read_resource(self, uri: Any, context: Context[State, Any] | None = None) -> Any:
        """The contents; `TypedBytes` are sent with their own MIME type."""
        contents = await super().read_resource(uri, context)
        if isinstance(contents, InputRequiredResult):
            return contents
        return [_typed(item) for item in contents]


def _missing(prompt: Prompt, given: dict[str, Any]) -> list[str]:
    """The required arguments that are absent or blank."""
    return [
        argument.name
        for argument in prompt.arguments or ()
        if argument.required and not str(given.get(argument.name, "")).strip()
    ]


def _typed(item: ReadResourceContents) -> ReadResourceContents:
    if isinstance(item.content, TypedBytes):
        return ReadResourceContents(item.content, item.content.mime_type, item.meta)
    return item
