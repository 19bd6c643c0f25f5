"""Decoders are taken in order of arrival, and who waits hears for what."""

from __future__ import annotations

import asyncio

import pytest

from omni_core.engine.lanes import NOBODY, Lane, Whose
from omni_core.worker import Worker

pytestmark = pytest.mark.timeout(60)


def lane() -> Lane:
    return Lane([Worker("decoder", "nobody:starts")])


class Task:
    """Holds a worker of a lane until it is told to let go."""

    def __init__(self, lane: Lane, name: str, whose: Whose = NOBODY) -> None:
        self.heard: list[str] = []
        self.has, self.let_go = asyncio.Event(), asyncio.Event()
        self.task = asyncio.create_task(self._run(lane, name, whose))

    async def _run(self, lane: Lane, name: str, whose: Whose) -> None:
        async def waiting(ahead: str) -> None:
            self.heard.append(ahead)

        async with lane.worker(name, waiting, whose):
            self.has.set()
            await self.let_go.wait()


async def turn() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_files_wait_in_order_and_hear_what_is_ahead() -> None:
    taken = lane()
    one, two, three = [Task(taken, f"{n}.mp4") for n in range(3)]
    async with asyncio.timeout(30):
        await one.has.wait()
        await turn()
        assert (two.heard, three.heard) == (["0.mp4"], ["0.mp4 and 1 more file"])
        one.let_go.set()
        await two.has.wait()
        await turn()
        assert three.heard[-1] == "1.mp4" and not three.has.is_set()
        two.let_go.set()
        await three.has.wait()
        three.let_go.set()
        await asyncio.gather(*(t.task for t in (one, two, three)))
    assert taken.idle and not taken.busy and one.heard == []


async def test_a_file_that_is_cancelled_in_the_queue_leaves_its_place() -> None:
    taken = lane()
    one, two, three = [Task(taken, f"{n}.mp4") for n in range(3)]
    async with asyncio.timeout(30):
        await one.has.wait()
        await turn()
        two.task.cancel()
        await asyncio.wait([two.task])
        await turn()
        assert three.heard[-1] == "0.mp4"
        one.let_go.set()
        await three.has.wait()


async def test_a_worker_granted_to_a_file_that_is_cancelled_goes_to_the_next() -> None:
    taken = lane()
    one, two, three = [Task(taken, f"{n}.mp4") for n in range(3)]
    async with asyncio.timeout(30):
        await one.has.wait()
        await turn()
        one.let_go.set()
        two.task.cancel()  # in the same turn in which it is granted
        await three.has.wait()
        three.let_go.set()
        await asyncio.wait([one.task, two.task, three.task])
    assert taken.idle and not taken.busy


@pytest.mark.parametrize(
    ("waits", "told"),
    [
        (Whose("main", "hr", ("hr",)), "hr.mp4 and other files"),
        (Whose("main", "public", ("public",)), "other files"),
        (Whose("main", "public", ("hr", "legal")), "legal.mp4 and 1 more file"),
        (Whose("main", "public"), "legal.mp4 and 1 more file"),
        (Whose("tenants/acme", "hr"), "other files"),
    ],
)
async def test_who_waits_hears_no_names_of_files_that_it_may_not_see(
    waits: Whose, told: str
) -> None:
    taken = lane()
    one = Task(taken, "legal.mp4", Whose("main", "legal"))
    two = Task(taken, "hr.mp4", Whose("main", "hr", ("hr",)))
    three = Task(taken, "mine.mp4", waits)
    async with asyncio.timeout(30):
        await one.has.wait()
        await turn()
        assert three.heard == [told]
        for task in (one, two, three):
            task.let_go.set()
        await asyncio.gather(*(t.task for t in (one, two, three)))
