"""Who has a store open, for people who ask; nothing is opened for it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from omni_core.sharing.connection import Connection
from omni_core.sharing.place import Place


async def open_in(store: Path) -> tuple[str, str]:
    """Two lines: which process has the store open, and what is wrong with that; "" for none."""
    place = Place(store)
    notice = await asyncio.to_thread(place.notice)
    if notice is None:
        return "", ""
    try:
        connection = await Connection.open(notice)
    except OSError as e:
        lock = await asyncio.to_thread(place.elect)
        if lock is not None:  # a killed process left the notice
            await asyncio.to_thread(lock.release)
            return "", ""
        who = f"open in the omni-mcp with pid {notice.pid} on {notice.machine}"
        return who, f"it cannot be reached from here ({e}): stop it"
    await connection.close()
    others = connection.terms.clients - 1  # this one was counted
    return f"open in the omni-mcp with pid {connection.terms.pid}, used by {others} more", ""
