"""Serves one client over stdin and stdout, with an early start."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from functools import partial
from typing import Any, cast

from omni_core.settings import Settings

ENDING_S = 10.0
"""Seconds that the process may go on when the client has closed its end: a thread may hang in the
file system, and Python waits for threads."""


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
        from omni_server.wire import LinesIn, LinesOut

        server = create(settings)._lowlevel_server  # MCPServer's own run_stdio takes no streams
    finally:
        gc.freeze()
        gc.enable()

    async def serve() -> None:
        taken = LinesOut(wire_out)
        given = LinesIn(wire_in, taken, at_end=partial(end_within, ENDING_S))
        # only iterated over and written to
        async with stdio_server(cast(Any, given), cast(Any, taken)) as (read, write):
            await server.run(read, write, server.create_initialization_options())

    anyio.run(serve)


def end_within(seconds: float) -> None:
    """End this process in so many seconds, if it has not ended by then."""

    def end() -> None:
        time.sleep(seconds)
        sys.stderr.write(f"not closed within {seconds:g} s (a drive may hang): ended\n")
        sys.stderr.flush()
        os._exit(0)

    threading.Thread(target=end, name="end", daemon=True).start()
