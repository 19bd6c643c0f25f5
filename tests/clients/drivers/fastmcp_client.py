"""fastmcp: its Client over either transport."""

from __future__ import annotations

import flow
from fastmcp import Client
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport


async def drive(settings: flow.Config, report: flow.Report) -> None:
    """All steps with one client."""
    command, *args = settings.command
    transport = (
        StdioTransport(command=command, args=args, env=settings.env)
        if settings.stdio
        else StreamableHttpTransport(settings.url, headers=settings.headers)
    )
    async with Client(transport) as client:

        async def names() -> list[str]:
            return [tool.name for tool in await client.list_tools()]

        async def call(name: str, arguments: dict[str, object]) -> flow.Answer:
            result = await client.call_tool(name, arguments)
            return flow.blocks(result.content, error=result.is_error)

        await flow.run(names, call, settings, report)


flow.main(drive)
