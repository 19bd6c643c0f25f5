"""The server's one engine: opened when it can be, tried again when it could not, closed once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from omni_core.errors import BadRequestError, StoppedError, StoreError
from omni_core.settings import Settings
from omni_server.state import State

pytestmark = pytest.mark.timeout(60)


async def test_a_library_that_cannot_be_opened_says_the_same_each_time(settings: Settings) -> None:
    """Not, the second time, that this very server holds the store."""
    state = State(replace(settings, encoder="hashing", index="nonsense"))
    for _ in range(3):
        with pytest.raises(BadRequestError, match="unknown index 'nonsense'"):
            await state.engine()


async def test_opening_is_tried_again_after_a_failure_and_shared_after_a_success(
    settings: Settings, engine: Any
) -> None:
    tries = 0

    async def opener(_: Settings) -> Any:
        nonlocal tries
        tries += 1
        await asyncio.sleep(0)
        if tries == 1:
            raise StoreError("the disk was away")
        return engine

    state = State(settings, opener)
    failed = await asyncio.gather(*(state.engine() for _ in range(3)), return_exceptions=True)
    assert [str(e) for e in failed] == ["the disk was away"] * 3
    assert [await state.engine() for _ in range(3)] == [engine] * 3
    assert tries == 2


async def test_one_caller_that_gives_up_does_not_stop_the_opening_for_the_others(
    settings: Settings, engine: Any
) -> None:
    go = asyncio.Event()

    async def opener(_: Settings) -> Any:
        await go.wait()
        return engine

    state = State(settings, opener)
    one, two = (asyncio.create_task(state.engine()) for _ in range(2))
    await asyncio.sleep(0)
    one.cancel()
    await asyncio.wait([one])
    go.set()
    assert one.cancelled() and await two is engine


async def test_a_server_that_ends_while_it_opens_tells_its_callers_and_may_begin_again(
    settings: Settings, engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omni_server.state.CLOSE_S", 0.01)
    begun = asyncio.Event()

    async def opener(_: Settings) -> Any:
        if not begun.is_set():
            begun.set()
            await asyncio.Event().wait()
        return engine

    state = State(settings, opener)
    async with state.running():
        waiting = asyncio.create_task(state.engine())
        await begun.wait()
    with pytest.raises(StoppedError):
        await waiting
    async with state.running():
        assert await state.engine() == engine
    assert engine.closed == 1


async def test_the_last_of_several_connections_closes_the_engine(
    settings: Settings, engine: Any
) -> None:
    async def opener(_: Settings) -> Any:
        return engine

    state = State(settings, opener)
    async with state.running():
        async with state.running():
            await state.engine()
        assert engine.closed == 0
    assert engine.closed == 1
