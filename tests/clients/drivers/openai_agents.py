"""openai-agents: the function tools that it makes of an MCP server, with its time-out of 5 s."""

from __future__ import annotations

import json

import flow
from agents import Agent
from agents.mcp import MCPServerStdio, MCPServerStreamableHttp
from agents.mcp.util import MCPUtil
from agents.run_context import RunContextWrapper
from agents.tool_context import ToolContext


async def drive(settings: flow.Config, report: flow.Report) -> None:
    """All steps with the tools of one server object."""
    command, *args = settings.command
    server = (
        MCPServerStdio({"command": command, "args": args, "env": settings.env})
        if settings.stdio
        else MCPServerStreamableHttp({"url": settings.url, "headers": settings.headers})
    )
    async with server:
        context = RunContextWrapper(context=None)
        made = await MCPUtil.get_function_tools(server, False, context, Agent(name="matrix"))
        tools = {tool.name: tool for tool in made}

        async def names() -> list[str]:
            return list(tools)

        async def call(name: str, arguments: dict[str, object]) -> flow.Answer:
            given = json.dumps(arguments)
            run = ToolContext(context=None, tool_name=name, tool_call_id="1", tool_arguments=given)
            output = await tools[name].on_invoke_tool(run, given)
            parts = output if isinstance(output, list) else [output]
            text, pictures = [], 0
            for part in parts:
                data = part if isinstance(part, dict) else {"type": "text", "text": str(part)}
                if not isinstance(part, dict | str):
                    data = part.model_dump()
                text += [data["text"]] if data.get("type") == "text" else []
                pictures += data.get("type") == "image"
            return flow.Answer("\n".join(text), pictures)

        await flow.run(names, call, settings, report)


flow.main(drive)
