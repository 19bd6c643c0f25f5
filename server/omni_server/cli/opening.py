"""Opens the library for a verb, shared with whichever process has it open already."""

from __future__ import annotations

import argparse

from omni_core import SharedEngine
from omni_server.cli.printing import hint
from omni_server.cli.settings import settings_of


async def open_library(args: argparse.Namespace, *, store: str = "") -> SharedEngine:
    """The engine of these arguments, or of another store; says on stderr which of their settings
    have no effect."""
    settings = settings_of(args, store=store) if store else settings_of(args)
    engine = await SharedEngine.open(settings)
    if engine.overruled:
        hint(f"another omni-mcp has the library open, and its settings apply: {engine.overruled}")
    return engine
