"""langchain-mcp-adapters: LangChain tools, in one session."""

from __future__ import annotations

import flow
from langchain_core.tools import ToolException
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools


async def drive(settings: flow.Config, report: flow.Report) -> None:
    """All steps with the tools of one session."""
    command, *args = settings.command
    omni = (
        {"transport": "stdio", "command": command, "args": args, "env": settings.env}
        if settings.stdio
        else {"transport": "streamable_http", "url": settings.url, "headers": settings.headers}
    )
    async with MultiServerMCPClient({"omni": omni}).session("omni") as session:
        tools = {tool.name: tool for tool in await load_mcp_tools(session)}

        async def names() -> list[str]:
            return list(tools)

        async def call(name: str, arguments: dict[str, object]) -> flow.Answer:
            asked = {"type": "tool_call", "id": "1", "name": name, "args": arguments}
            try:
                message = await tools[name].ainvoke(asked)
            except ToolException as e:
                return flow.Answer(str(e), error=True)
            content = message.content
            return flow.Answer(content) if isinstance(content, str) else flow.blocks(content)

        await flow.run(names, call, settings, report)


flow.main(drive)
