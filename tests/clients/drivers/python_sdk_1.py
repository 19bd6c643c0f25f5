"""mcp 1.x: a ClientSession over either transport."""

from __future__ import annotations

from contextlib import AsyncExitStack

import flow
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client


async def drive(settings: flow.Config, report: flow.Report) -> None:
    """All steps in one session."""
    async with AsyncExitStack() as stack:
        if settings.stdio:
            command, *args = settings.command
            server = StdioServerParameters(command=command, args=args, env=settings.env)
            streams = await stack.enter_async_context(stdio_client(server))
        else:
            http = streamablehttp_client(settings.url, headers=settings.headers)
            streams = await stack.enter_async_context(http)
        session = await stack.enter_async_context(ClientSession(streams[0], streams[1]))
        await session.initialize()

        async def names() -> list[str]:
            return [tool.name for tool in (await session.list_tools()).tools]

        async def call(name: str, arguments: dict[str, object]) -> flow.Answer:
            result = await session.call_tool(name, arguments)
            return flow.blocks(result.content, error=bool(result.isError))

        await flow.run(names, call, settings, report)


flow.main(drive)
