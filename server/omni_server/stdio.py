"""Serves one client over stdin and stdout, with an early start."""

from __future__ import annotations

import gc
import io
import os

from omni_core.settings import Settings


def run_stdio(settings: Settings) -> None:
    """Serve until the client disconnects.

    The protocol uses duplicates of both descriptors from the start. Descriptor 1 is redirected to
    stderr: C libraries print to it, and flush their buffers when the process ends.
    """
    wire_in, wire_out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    gc.disable()  # the SDK builds some 10^5 objects at import: collecting costs 0.1-0.15 of 0.7 s
    try:
        import anyio
        from mcp.server.stdio import stdio_server

        from omni_server.app import create

        server = create(settings)._lowlevel_server  # MCPServer's own run_stdio takes no streams
    finally:
        gc.freeze()
        gc.enable()

    async def serve() -> None:
        given = anyio.wrap_file(io.TextIOWrapper(wire_in, encoding="utf-8", errors="replace"))
        taken = anyio.wrap_file(io.TextIOWrapper(wire_out, encoding="utf-8", newline="\n"))
        async with stdio_server(given, taken) as (read, write):
            await server.run(read, write, server.create_initialization_options())

    anyio.run(serve)
