"""llama-index-tools-mcp: function tools; over stdio it starts the server anew for each call."""

from __future__ import annotations

import flow
from llama_index.tools.mcp import BasicMCPClient, McpToolSpec


async def drive(settings: flow.Config, report: flow.Report) -> None:
    """All steps with the tools of one client."""
    command, *args = settings.command
    client = (
        BasicMCPClient(command, args=args, env=settings.env)
        if settings.stdio
        else BasicMCPClient(settings.url, headers=settings.headers)
    )
    made = await McpToolSpec(client).to_tool_list_async()
    tools = {tool.metadata.name: tool for tool in made}

    async def names() -> list[str]:
        return list(tools)

    async def call(name: str, arguments: dict[str, object]) -> flow.Answer:
        output = await tools[name].acall(**arguments)
        raw = output.raw_output
        return flow.blocks(raw.content, error=output.is_error)

    await flow.run(names, call, settings, report)


flow.main(drive)
