"""The product's server with the suite's fixtures on it, behind the product's HTTP application.

Real are the server object, its tools, resources and prompts, the engine (hashing encoder, memory
index), the gate, Host and Origin checks, and error handling. Added is what `fixtures` registers.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver.tools import Tool

from omni_core.settings import Settings
from omni_server.app import DurableTool, EvidenceTool, build
from omni_server.http.app import HttpServer, application
from omni_server.http.ending import EndingServer
from omni_server.http.gate import check
from omni_server.state import State
from tests.conformance.fixtures import asking, content, library, rounds, tasks

STOP_S = 20.0


def fixture_app(store: Path, *, fixtures: bool = True) -> HttpServer:
    """The application, with its library in `store`; without fixtures it is the product as it is."""
    settings = Settings(
        store=str(store), roots=(str(store),), encoder="hashing", index="memory", allow_delete=True
    )
    check(settings)
    state = State(settings)
    server = build(state)
    if fixtures:
        graft(server)
    return application(state, server)


def graft(server: MCPServer[State]) -> None:
    """Register what the suite calls; tools run as the product's own do."""
    for tool in (*content.TOOLS, *asking.TOOLS, *rounds.TOOLS, *tasks.AT_ONCE):
        _add(server, tool)
    for long in tasks.LONG:
        _add(server, long, DurableTool)
    _add(server, content.json_schema_2020_12_tool).parameters = content.SCHEMA_2020_12
    library.add_resources(server)
    library.add_prompts(server)
    library.add_methods(server)


def _add(
    server: MCPServer[State], fn: Callable[..., Any], kind: type[EvidenceTool] = EvidenceTool
) -> Tool:
    tool = kind.from_function(fn, structured_output=False)
    server._tool_manager._tools[tool.name] = tool  # MCPServer takes finished tools only when made
    return tool


@asynccontextmanager
async def serving(app: HttpServer) -> AsyncIterator[str]:
    """Serve on a free port of this machine; gives the address, `http://127.0.0.1:PORT`."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)  # who connects before the server runs is answered when it does
        server = EndingServer(app, app.end_subscriptions)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await asyncio.wait_for(running, STOP_S)
