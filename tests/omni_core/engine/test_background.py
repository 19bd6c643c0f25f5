"""What the engine does by itself, while nobody asks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from omni_core.engine import background
from omni_core.engine.index_opening import IndexOpening
from omni_core.errors import StoreError
from omni_core.index.edge import EdgeIndex


async def test_a_vacuum_that_failed_is_not_made_again_at_once(
    opened: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each writes the whole index anew."""
    vacuums: list[bool] = []
    rounds = asyncio.Semaphore(0)

    async def optimize(self: EdgeIndex) -> bool:
        vacuums.append(True)
        raise StoreError("the vacuum of the index died (killed); the index is as it was")

    async def look_for_lost(self: IndexOpening) -> None:
        rounds.release()

    monkeypatch.setattr(background, "IDLE_S", 0.01)
    monkeypatch.setattr(EdgeIndex, "optimize", optimize)
    monkeypatch.setattr(IndexOpening, "look_for_lost", look_for_lost)
    async with opened() as engine, asyncio.timeout(60):
        await engine.ready(60)
        for _ in range(5):
            await rounds.acquire()
    assert vacuums == [True]
