"""smolagents through mcpadapt: of a result its agents get the first block, here the words."""

from __future__ import annotations

import asyncio

import flow
from mcp import StdioServerParameters
from smolagents import MCPClient


async def drive(settings: flow.Config, report: flow.Report) -> None:
    """All steps with the tools of one client, whose calls block."""
    command, *args = settings.command
    server = (
        StdioServerParameters(command=command, args=args, env=settings.env)
        if settings.stdio
        else {"url": settings.url, "transport": "streamable-http", "headers": settings.headers}
    )
    client = await asyncio.to_thread(MCPClient, server)
    try:
        tools = {tool.name: tool for tool in client.get_tools()}

        async def names() -> list[str]:
            return list(tools)

        async def call(name: str, arguments: dict[str, object]) -> flow.Answer:
            return flow.Answer(str(await asyncio.to_thread(lambda: tools[name](**arguments))))

        await flow.run(names, call, settings, report)
    finally:
        await asyncio.to_thread(client.disconnect)


flow.main(drive)
