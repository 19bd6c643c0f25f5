"""Callers that go away: their work goes on for a grace, and is joined by whoever asks again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from omni_core.tasks import Report, SharedTasks, TaskOwner

pytestmark = pytest.mark.timeout(60)


class Grace:
    """Stands for the passing of the grace, which the test ends."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.over = asyncio.Event()
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self.begun.set()
        await self.over.wait()


@pytest.fixture
async def owner() -> AsyncIterator[TaskOwner]:
    owner = TaskOwner("the test")
    yield owner
    await owner.close()


class Work:
    def __init__(self) -> None:
        self.runs = 0
        self.begun = asyncio.Event()
        self.go = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def __call__(self, report: Report[str]) -> str:
        self.runs += 1
        await report("at work")
        self.begun.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return f"run {self.runs}"


class Scene:
    """Work of which the only caller has just been cancelled."""

    def __init__(self, owner: TaskOwner) -> None:
        self.grace, self.work = Grace(), Work()
        self.tasks: SharedTasks[str, str, str] = SharedTasks(owner, sleep=self.grace)

    def join(self, grace_s: float = 60.0, wait_s: float | None = None):  # type: ignore[no-untyped-def]
        return self.tasks.join(
            "k", self.work, first="queued", name="the work", grace_s=grace_s, wait_s=wait_s
        )

    async def abandon(self) -> None:
        caller = asyncio.create_task(self.join())
        await asyncio.sleep(0)  # it joins
        await self.work.begun.wait()
        caller.cancel()
        await asyncio.wait([caller])
        assert caller.cancelled()


async def test_work_whose_last_caller_goes_away_runs_on_and_is_joined(owner: TaskOwner) -> None:
    scene = Scene(owner)
    async with asyncio.timeout(30):
        await scene.abandon()
        await scene.grace.begun.wait()
        assert scene.grace.seconds == [60.0] and scene.tasks.running == ["at work"]
        again = asyncio.create_task(scene.join())
        await asyncio.sleep(0)
        scene.grace.over.set()  # too late: somebody asked
        scene.work.go.set()
        assert (await again).result == "run 1"
    assert scene.work.runs == 1


async def test_work_that_nobody_asks_for_again_is_cancelled_when_the_grace_is_over(
    owner: TaskOwner,
) -> None:
    scene = Scene(owner)
    async with asyncio.timeout(30):
        await scene.abandon()
        scene.grace.over.set()
        await scene.work.cancelled.wait()
        scene.work.go.set()
        assert (await scene.join()).result == "run 2"


async def test_the_grace_of_work_that_is_abandoned_again_begins_anew(owner: TaskOwner) -> None:
    scene = Scene(owner)
    async with asyncio.timeout(30):
        for times in (1, 2, 3):
            scene.grace.begun.clear()
            await scene.abandon()
            await scene.grace.begun.wait()
            assert len(scene.grace.seconds) == times
        scene.grace.over.set()
        await scene.work.cancelled.wait()
    assert scene.work.runs == 1


async def test_work_of_which_a_caller_was_told_that_it_goes_on_is_not_cancelled(
    owner: TaskOwner,
) -> None:
    scene = Scene(owner)
    async with asyncio.timeout(30):
        assert (await scene.join(wait_s=0)).result is None
        await scene.abandon()
        assert scene.grace.seconds == []
        scene.work.go.set()
        assert (await scene.join()).result == "run 1"


async def test_without_a_grace_the_last_caller_ends_the_work_at_once(owner: TaskOwner) -> None:
    scene = Scene(owner)
    caller = asyncio.create_task(scene.join(grace_s=0.0))
    async with asyncio.timeout(30):
        await scene.work.begun.wait()
        caller.cancel()
        await asyncio.wait([caller])
    assert scene.work.cancelled.is_set() and scene.grace.seconds == []


async def test_an_explicit_cancellation_does_not_wait_for_the_grace(owner: TaskOwner) -> None:
    scene = Scene(owner)
    async with asyncio.timeout(30):
        await scene.abandon()
        assert await scene.tasks.cancel_keys(lambda key: key == "k") == ["at work"]
    assert scene.work.cancelled.is_set() and scene.tasks.running == []


async def test_what_a_caller_waits_for_is_spared_where_that_is_asked(owner: TaskOwner) -> None:
    scene = Scene(owner)
    caller = asyncio.create_task(scene.join())
    async with asyncio.timeout(30):
        await scene.work.begun.wait()
        assert await scene.tasks.cancel_keys(lambda _: True, unless_awaited=True) == []
        scene.work.go.set()
        assert (await caller).result == "run 1"


async def test_an_owner_that_closes_does_not_wait_for_a_grace(owner: TaskOwner) -> None:
    scene = Scene(owner)
    async with asyncio.timeout(30):
        await scene.abandon()
        await owner.close()
    assert scene.work.cancelled.is_set()


async def test_a_caller_in_a_queue_hears_what_the_one_before_does(owner: TaskOwner) -> None:
    scene, heard = Scene(owner), []

    async def note(status: str) -> None:
        heard.append(status)

    async with asyncio.timeout(30):
        await scene.join(wait_s=0)
        second = asyncio.create_task(
            scene.tasks.join(
                "other", scene.work, first="queued", name="the other", serial_key="k",
                behind=lambda status: f"behind one that is {status}", progress=note,
            )
        )  # fmt: skip
        while "behind one that is at work" not in heard:  # noqa: ASYNC110
            await asyncio.sleep(0)
        scene.work.go.set()
        assert (await second).result == "run 2"
