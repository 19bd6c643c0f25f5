"""Pixels from one child to another: by descriptors of sealed memory, or through the pipes."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from omni_core.errors import OmniError, UnreadableError
from omni_core.pipes import memory
from omni_core.pipes.memory import Sealed
from omni_core.sandbox import Rules
from omni_core.types import Pixels
from omni_core.worker import Worker, WorkerDied

HERE = Path(__file__).parent.parent / "services"
ANSWERS: dict[str, Any] = {
    "pixels": Pixels, "shots": Iterator[Pixels], "give_and_keep": Pixels, "forge": Pixels,
}  # fmt: skip
SECONDS = 60
needs_memory = pytest.mark.skipif(not memory.available(), reason="no sealed memory on this system")


@pytest.fixture(params=["memory", "pipes"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "pipes":
        monkeypatch.setattr(memory, "available", lambda: False)
    elif not memory.available():
        pytest.skip("no sealed memory on this system")
    return str(request.param)


async def nothing_held() -> None:
    """No sealed memory is open; the thread that delivered the last answer may still be at it, and
    an error be part of a cycle."""
    async with asyncio.timeout(SECONDS):
        while len(Sealed.held):
            gc.collect()
            await asyncio.sleep(0.01)


@pytest.fixture
async def cutter(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Worker]:
    """A decoder's place: confined as one, and closed with nothing left open."""
    monkeypatch.syspath_prepend(str(HERE))
    gc.collect()  # what an earlier test left open is closed before it is counted
    before = len(descriptors())
    rules = Rules(reads=(str(HERE),))
    w = Worker("probe", "pixel_probe:service", answers=ANSWERS, shares=True, rules=rules)
    yield w
    await asyncio.to_thread(w.close, 5.0)
    await nothing_held()
    assert len(descriptors()) <= before


@pytest.fixture
async def models(cutter: Worker) -> AsyncIterator[Worker]:
    """The model worker's place."""
    w = Worker("models", "pixel_probe:service", answers=ANSWERS, rules=Rules(reads=(str(HERE),)))
    yield w
    await asyncio.to_thread(w.close, 5.0)


def descriptors() -> list[str]:
    """What is open here."""
    if sys.platform != "linux":
        return []
    found = [f"/proc/self/fd/{n}" for n in os.listdir("/proc/self/fd")]
    return sorted(os.readlink(path).split(":")[0] for path in found if os.path.lexists(path))


def picture(number: int, edge: int = 800) -> NDArray[np.uint8]:
    return np.random.default_rng(number).integers(0, 255, (edge, edge, 3), np.uint8)


async def test_pixels_arrive_as_they_were_made(way: str, cutter: Worker) -> None:
    found = await cutter.call("pixels", 3, deadline_s=SECONDS)
    assert np.array_equal(found, picture(3))
    assert (memory.behind(found) is not None) == (way == "memory")


async def test_a_small_answer_goes_through_the_pipe(cutter: Worker) -> None:
    found = await cutter.call("pixels", 3, 8, deadline_s=SECONDS)
    assert memory.behind(found) is None
    found[0, 0] = 1  # as any answer of a worker


async def test_another_child_gets_the_same_memory_and_may_write_into_its_view(
    way: str, cutter: Worker, models: Worker
) -> None:
    shots = [shot async for shot in cutter.stream("shots", 5, stall_s=SECONDS)]
    given = [*shots, shots[0][10:200], np.ones(3)]
    said = await models.call("look", given, deadline_s=SECONDS)
    digest = hashlib.sha256(b"".join(a.tobytes() for a in given)).hexdigest()
    shared = ["memory" if way == "memory" else "own"] * 6
    assert said == f"{digest} {' '.join((*shared, 'own'))} True"
    assert await models.call("paint", shots[0], deadline_s=SECONDS) == 0
    assert np.array_equal(shots[0], picture(0))


@needs_memory
async def test_the_other_child_keeps_nothing_of_a_call_that_is_over(
    cutter: Worker, models: Worker
) -> None:
    shots = [shot async for shot in cutter.stream("shots", 3, stall_s=SECONDS)]
    await models.call("look", shots, deadline_s=SECONDS)
    await models.call("sound", shots[0], deadline_s=SECONDS)
    assert await models.call("mappings", deadline_s=SECONDS) == 0
    assert await models.call("descriptors", deadline_s=SECONDS) == 0
    assert await cutter.call("descriptors", deadline_s=SECONDS) == 0


@needs_memory
async def test_what_was_given_can_no_longer_be_changed_by_who_made_it(cutter: Worker) -> None:
    found = await cutter.call("give_and_keep", deadline_s=SECONDS)
    assert await cutter.call("tamper", deadline_s=SECONDS) == " ".join(["PermissionError"] * 4)
    assert np.array_equal(found, picture(1))


HOSTILE = [
    "unsealed", "may shrink", "may grow", "may be written", "sealed later writes only", "short",
    "empty", "holes", "of another type", "a file", "a folder", "a pipe", "a socket", "none",
    "words instead", "two", "two hundred",
]  # fmt: skip


@needs_memory
@pytest.mark.parametrize("kind", HOSTILE)
async def test_a_child_that_was_taken_over_gets_one_clear_error_and_the_next_call_is_answered(
    cutter: Worker, kind: str
) -> None:
    before = (await cutter.call("pixels", 1, 8, deadline_s=SECONDS)).tolist()
    with pytest.raises(OmniError, match=r"^unreadable answer of the probe: [^\n]+$") as caught:
        await cutter.call("forge", kind, deadline_s=SECONDS)
    assert not isinstance(caught.value, WorkerDied)
    del caught
    await nothing_held()
    if kind in ("short", "of another type"):  # of sealed memory, so only this answer is wrong
        await asyncio.to_thread(cutter.kill)
    assert (await cutter.call("pixels", 1, 8, deadline_s=SECONDS)).tolist() == before
    assert cutter.starts == 2


@needs_memory
async def test_an_answer_for_which_there_is_no_memory_left_is_one_error_and_nobody_waits(
    cutter: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(descriptor: int) -> memoryview:
        os.close(descriptor)
        raise MemoryError

    await cutter.call("pixels", 1, deadline_s=SECONDS)
    real = memory.opened
    monkeypatch.setattr(memory, "opened", no_memory)
    with pytest.raises(OmniError, match="unreadable answer of the probe: no memory"):
        async with asyncio.timeout(SECONDS):
            await cutter.call("pixels", 1)
    monkeypatch.setattr(memory, "opened", real)
    assert np.array_equal(await cutter.call("pixels", 1, deadline_s=SECONDS), picture(1))


@needs_memory
async def test_a_child_that_may_open_nothing_more_answers_through_the_pipe(cutter: Worker) -> None:
    await cutter.call("pixels", 1, deadline_s=SECONDS)  # what it imports is imported
    await cutter.call("few_descriptors", deadline_s=SECONDS)
    found = await cutter.call("pixels", 2, deadline_s=SECONDS)
    assert memory.behind(found) is None
    assert np.array_equal(found, picture(2))


@needs_memory
async def test_a_child_that_may_open_nothing_more_is_told_so_and_lives(
    cutter: Worker, models: Worker
) -> None:
    found = await cutter.call("pixels", 1, deadline_s=SECONDS)
    await models.call("look", [found], deadline_s=SECONDS)
    await models.call("few_descriptors", deadline_s=SECONDS)
    with pytest.raises(OmniError, match="unreadable call: 1 of them belong to it"):
        await models.call("look", [found], deadline_s=SECONDS)
    assert await models.call("quick", deadline_s=SECONDS) == 1


@needs_memory
async def test_where_the_system_has_too_many_on_their_way_pixels_go_through_the_pipe(
    cutter: Worker, models: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    from omni_core.pipes.descriptors import Descriptors

    found = await cutter.call("pixels", 1, deadline_s=SECONDS)
    monkeypatch.setattr(Descriptors, "send", lambda *_: False)
    said = await models.call("look", [found], deadline_s=SECONDS)
    assert said == f"{hashlib.sha256(found.tobytes()).hexdigest()} own True"


@needs_memory
async def test_nothing_stays_open_after_calls_cancels_errors_and_kills(
    cutter: Worker, models: Worker
) -> None:
    async def one(number: int) -> None:
        found = await cutter.call("pixels", number, 750, deadline_s=SECONDS)
        await models.call("sound", found, deadline_s=SECONDS)

    await one(0)
    before = len(descriptors())
    async with asyncio.timeout(4 * SECONDS):
        for number in range(100):
            await one(number)
            if number % 10 == 0:  # a cancel, before and after the answer is on its way
                task = asyncio.create_task(one(number))
                for _ in range(number // 10):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait([task])
                with pytest.raises(UnreadableError):
                    await cutter.call("fail", deadline_s=SECONDS)
                stream = cutter.stream("shots", 9, 750, stall_s=SECONDS)
                await anext(stream)
                await stream.aclose()
            if number % 25 == 0:
                for worker in (cutter, models):
                    held = await cutter.call("pixels", number, deadline_s=SECONDS)
                    child = await worker.bound()  # no later one answers
                    hanging = asyncio.create_task(child.call("hang"))
                    while not await child.call("hangs", deadline_s=SECONDS):
                        pass
                    waiting = asyncio.create_task(child.call("look", [held]))
                    await child.call("quick", deadline_s=SECONDS)
                    await asyncio.to_thread(worker.kill)
                    died = await asyncio.gather(hanging, waiting, return_exceptions=True)
                    assert [type(each) for each in died] == [WorkerDied, WorkerDied]
                    del child, hanging, waiting, died, held
        await one(1)
        assert await models.call("descriptors", deadline_s=SECONDS) == 0
        assert await models.call("mappings", deadline_s=SECONDS) == 0
        assert await cutter.call("descriptors", deadline_s=SECONDS) == 0
    await nothing_held()
    assert len(descriptors()) == before
