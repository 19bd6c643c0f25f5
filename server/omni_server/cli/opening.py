"""Opens the library for a verb, shared with whichever process has it open already."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from omni_core import Ahead, Settings, SharedEngine
from omni_core.engine.moving.leaving import require_library
from omni_server.cli.printing import hint
from omni_server.cli.settings import settings_of


async def open_library(
    args: argparse.Namespace, *, store: str = "", ahead: Ahead = "all"
) -> SharedEngine:
    """The engine of these arguments, or of another store; says on stderr which of their settings
    have no effect.

    `ahead`: the models that are loaded before they are needed, where no other process has them
    loaded: a verb that ends in a second should not begin to load what it does not use.
    """
    more: dict[str, Any] = {"store": store} if store else {}
    return await open_settled(await asyncio.to_thread(settings_of, args, **more), ahead)


async def open_existing(args: argparse.Namespace, *, ahead: Ahead = "all") -> SharedEngine:
    """`open_library` for what copies it: a store that is misspelt has no library, and would become
    an empty one. Raises NotFoundError."""
    settings = await asyncio.to_thread(settings_of, args)
    await asyncio.to_thread(require_library, settings)
    return await open_settled(settings, ahead)


async def open_settled(settings: Settings, ahead: Ahead = "all") -> SharedEngine:
    """`open_library` with settings that are known, as those of a tenant are."""
    engine = await SharedEngine.open(settings, ahead=ahead)
    if engine.overruled:
        hint(f"another omni-mcp has the library open, and its settings apply: {engine.overruled}")
    return engine
