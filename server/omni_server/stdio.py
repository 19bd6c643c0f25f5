"""Serving one client over stdin and stdout, ready as early as Python allows."""

from __future__ import annotations

import gc
import os

from omni_core.settings import Settings


def run_stdio(settings: Settings) -> None:
    """Serve until the client hangs up.

    The SDK talks on a private copy of stdout and points descriptor 1 at stderr meanwhile; it
    stays there afterwards, since C libraries empty their buffers only when the process ends.
    """
    gc.disable()  # the SDK builds some 10^5 objects at import: collecting costs 0.1-0.15 of 0.7 s
    try:
        from omni_server.app import create

        server = create(settings)
    finally:
        gc.freeze()
        gc.enable()
    try:
        server.run("stdio")
    finally:
        os.dup2(2, 1)
