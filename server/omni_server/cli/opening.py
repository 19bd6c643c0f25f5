"""Opens the library for a verb, shared with whichever process has it open already."""

from __future__ import annotations

import argparse

from omni_core import SharedEngine
from omni_server.cli.printing import hint
from omni_server.cli.settings import settings_of


async def open_library(args: argparse.Namespace, **more: object) -> SharedEngine:
    """The engine of these arguments; says on stderr which of their settings have no effect."""
    engine = await SharedEngine.open(settings_of(args, **more))
    if engine.overruled:
        hint(f"another omni-mcp has the library open, and its settings apply: {engine.overruled}")
    return engine
