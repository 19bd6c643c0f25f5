"""mcp 2.x: its Client, which negotiates the newest protocol."""

from __future__ import annotations

from contextlib import AsyncExitStack

import flow
import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client


async def drive(settings: flow.Config, report: flow.Report) -> None:
    """All steps with one client."""
    async with AsyncExitStack() as stack:
        if settings.stdio:
            command, *args = settings.command
            server = StdioServerParameters(command=command, args=args, env=settings.env)
            client = await stack.enter_async_context(Client(server))
        else:
            http = await stack.enter_async_context(
                httpx2.AsyncClient(headers=settings.headers, timeout=httpx2.Timeout(30, read=300))
            )
            transport = streamable_http_client(settings.url, http_client=http)
            client = await stack.enter_async_context(Client(transport))

        async def names() -> list[str]:
            return [tool.name for tool in (await client.list_tools()).tools]

        async def call(name: str, arguments: dict[str, object]) -> flow.Answer:
            result = await client.call_tool(name, arguments)
            return flow.blocks(result.content, error=bool(result.is_error))

        report.notes["protocol"] = str(client.protocol_version)
        await flow.run(names, call, settings, report)


flow.main(drive)
