"""Pydantic AI: an MCPToolset, called as an agent's run calls it."""

from __future__ import annotations

import json

import flow
from fastmcp.client.transports import StdioTransport
from pydantic_ai import BinaryContent, ModelRetry, RunContext
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.models.test import TestModel
from pydantic_ai.usage import RunUsage


async def drive(settings: flow.Config, report: flow.Report) -> None:
    """All steps with one toolset."""
    command, *args = settings.command
    toolset = (
        MCPToolset(StdioTransport(command=command, args=args, env=settings.env))
        if settings.stdio
        else MCPToolset(settings.url, headers=settings.headers)
    )
    async with toolset:
        context = RunContext(deps=None, model=TestModel(), usage=RunUsage())
        tools = await toolset.get_tools(context)

        async def names() -> list[str]:
            return list(tools)

        async def call(name: str, arguments: dict[str, object]) -> flow.Answer:
            try:
                output = await toolset.call_tool(name, arguments, context, tools[name])
            except ModelRetry as e:
                return flow.Answer(str(e), error=True)
            parts = output if isinstance(output, list | tuple) else [output]
            pictures = [part for part in parts if isinstance(part, BinaryContent)]
            words = [
                part if isinstance(part, str) else json.dumps(part, default=str)
                for part in parts
                if not isinstance(part, BinaryContent)
            ]
            return flow.Answer("\n".join(words), len(pictures))

        await flow.run(names, call, settings, report)


flow.main(drive)
