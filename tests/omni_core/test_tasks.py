"""Work that several callers share: joined, followed, cancelled, and never joined while it dies."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from collections.abc import AsyncIterator

import pytest

from omni_core.errors import OmniError, StoppedError, UnreadableError
from omni_core.tasks import Report, SharedTasks, TaskOwner, finish_first, in_thread, result_of

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
async def owner() -> AsyncIterator[TaskOwner]:
    owner = TaskOwner("the test")
    yield owner
    await owner.close()


class Work:
    """Work that reports what it is told to, and counts its runs."""

    def __init__(self) -> None:
        self.runs = 0
        self.alive = 0
        self.most_alive = 0
        self.begun = asyncio.Event()
        self.go = asyncio.Event()
        self.tidied = asyncio.Event()
        self.tidied.set()

    async def __call__(self, report: Report[int]) -> str:
        self.runs += 1
        self.alive += 1
        self.most_alive = max(self.most_alive, self.alive)
        run = self.runs
        try:
            await report(run)
            self.begun.set()
            await self.go.wait()
            return f"run {run}"
        finally:
            await finish_first(self.tidied.wait())
            self.alive -= 1


def join(tasks: SharedTasks[str, int, str], work: Work, key: str = "k", **more: object):  # type: ignore[no-untyped-def]
    return tasks.join(key, work, first=0, name="the work", **more)  # type: ignore[arg-type]


async def test_callers_of_one_key_share_one_run(owner: TaskOwner) -> None:
    tasks, work = SharedTasks[str, int, str](owner), Work()
    callers = [asyncio.create_task(join(tasks, work)) for _ in range(8)]
    await work.begun.wait()
    work.go.set()
    results = {(await c).result for c in callers}
    assert (results, work.runs, tasks.running) == ({"run 1"}, 1, [])


async def test_a_wait_that_ends_leaves_the_work_running(owner: TaskOwner) -> None:
    tasks, work = SharedTasks[str, int, str](owner), Work()
    outcome = await join(tasks, work, wait_s=0)
    assert outcome.result is None
    work.go.set()
    assert (await join(tasks, work)).result == "run 1"


async def test_each_waiting_caller_hears_of_each_lasting_status(owner: TaskOwner) -> None:
    tasks: SharedTasks[str, int, str] = SharedTasks(owner)
    heard: list[list[int]] = [[], []]
    both = asyncio.Event()

    async def work(report: Report[int]) -> str:
        for n in (1, 2, 3):
            both.clear()
            await report(n)
            await both.wait()
        return "done"

    def listener(mine: list[int]):  # type: ignore[no-untyped-def]
        async def hear(status: int) -> None:
            mine.append(status)
            if heard[0][-1:] == heard[1][-1:]:
                both.set()

        return hear

    async with asyncio.timeout(20):
        await asyncio.gather(
            *(
                tasks.join("k", work, first=0, name="work", progress=listener(mine))
                for mine in heard
            )
        )
    assert heard[0][-3:] == heard[1][-3:] == [1, 2, 3]


async def test_a_status_that_comes_while_another_is_being_reported_is_not_lost(
    owner: TaskOwner,
) -> None:
    tasks: SharedTasks[str, int, str] = SharedTasks(owner)
    telling, told_last = asyncio.Event(), asyncio.Event()

    async def work(report: Report[int]) -> str:
        await telling.wait()
        await report(2)
        await told_last.wait()
        return "done"

    async def slow(status: int) -> None:
        telling.set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if status == 2:
            told_last.set()

    async with asyncio.timeout(20):
        await tasks.join("k", work, first=1, name="work", progress=slow)


async def test_only_the_last_callers_cancellation_cancels_the_work(owner: TaskOwner) -> None:
    tasks, work = SharedTasks[str, int, str](owner), Work()
    one, two = (asyncio.create_task(join(tasks, work)) for _ in range(2))
    await work.begun.wait()
    one.cancel()
    await asyncio.wait([one])
    assert one.cancelled() and work.alive == 1
    two.cancel()
    await asyncio.wait([two])
    assert two.cancelled() and work.alive == 0 and tasks.running == []


async def test_work_that_is_being_cancelled_is_never_joined_fifty_times(owner: TaskOwner) -> None:
    tasks: SharedTasks[str, int, str] = SharedTasks(owner)
    async with asyncio.timeout(30):
        for _ in range(50):
            work = Work()
            work.tidied.clear()  # it takes long to end
            first = asyncio.create_task(join(tasks, work))
            await work.begun.wait()
            first.cancel()
            second = asyncio.create_task(join(tasks, work))
            while not (tasks.running == [1, 0] or tasks.running == [0, 1]):  # noqa: ASYNC110
                await asyncio.sleep(0)
            assert work.runs == 1  # the second run has not begun: the first has not ended
            work.go.set()
            work.tidied.set()
            assert (await second).result == "run 2"
            await asyncio.wait([first])
            assert first.cancelled() and work.most_alive == 1


async def test_a_caller_that_does_not_wait_still_starts_the_successor_of_dying_work(
    owner: TaskOwner,
) -> None:
    tasks, work = SharedTasks[str, int, str](owner), Work()
    work.tidied.clear()
    first = asyncio.create_task(join(tasks, work))
    await work.begun.wait()
    cancelling = asyncio.create_task(tasks.cancel(lambda status: status == 1))
    await asyncio.sleep(0)
    outcome = await join(tasks, work, wait_s=0)
    assert (outcome.status, outcome.result) == (0, None)  # its own status, not the dying one's
    work.tidied.set()
    work.go.set()
    assert (await join(tasks, work)).result == "run 2"
    with pytest.raises(StoppedError):
        await first
    await cancelling


async def test_a_cancellation_by_others_is_an_error_and_never_a_cancellation(
    owner: TaskOwner,
) -> None:
    tasks, work = SharedTasks[str, int, str](owner), Work()
    callers = [asyncio.create_task(join(tasks, work)) for _ in range(3)]
    await work.begun.wait()
    await tasks.cancel(lambda _: True)
    for caller in callers:
        with pytest.raises(StoppedError) as caught:
            await caller
        assert caught.value.code == "CANCELLED" and not caller.cancelled()


async def test_work_on_one_lane_runs_one_after_another_and_on_two_at_once(
    owner: TaskOwner,
) -> None:
    tasks, work = SharedTasks[str, int, str](owner), Work()
    same = [asyncio.create_task(join(tasks, work, key, serial_key="x")) for key in "ab"]
    other = asyncio.create_task(join(tasks, work, "c"))
    async with asyncio.timeout(20):
        while work.runs < 2:  # noqa: ASYNC110
            await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)
        assert (work.runs, work.alive) == (2, 2)
        work.go.set()
        await asyncio.gather(*same, other)
    assert (work.runs, work.most_alive) == (3, 2)


async def test_a_wait_for_a_busy_lane_is_not_longer_than_asked(owner: TaskOwner) -> None:
    tasks, work = SharedTasks[str, int, str](owner), Work()
    await join(tasks, work, "a", serial_key="x", wait_s=0)
    async with asyncio.timeout(20):
        outcome = await join(tasks, work, "b", serial_key="x", wait_s=0.01)
    assert (outcome.status, outcome.result) == (0, None)
    work.go.set()
    assert (await join(tasks, work, "b", serial_key="x")).result == "run 2"


async def test_a_kept_outcome_is_returned_once_also_when_it_is_an_error(owner: TaskOwner) -> None:
    tasks: SharedTasks[str, int, str] = SharedTasks(owner, keep=True)
    runs = 0

    async def work(report: Report[int]) -> str:
        nonlocal runs
        runs += 1
        raise UnreadableError("it is broken")

    async def ask(wait_s: float | None):  # type: ignore[no-untyped-def]
        return await tasks.join("k", work, first=0, name="work", wait_s=wait_s)

    assert (await ask(0)).result is None
    while tasks.running:  # noqa: ASYNC110
        await asyncio.sleep(0)
    with pytest.raises(UnreadableError):
        await ask(0)
    assert runs == 1
    with pytest.raises(UnreadableError):
        await ask(None)
    assert runs == 2


async def test_a_failure_that_nobody_waits_for_is_logged(
    owner: TaskOwner, caplog: pytest.LogCaptureFixture
) -> None:
    tasks: SharedTasks[str, int, str] = SharedTasks(owner)

    async def work(report: Report[int]) -> str:
        raise UnreadableError("it is broken")

    with caplog.at_level(logging.WARNING, "omni_core.tasks"):
        await tasks.join("k", work, first=0, name="the work", wait_s=0)
        while tasks.running:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert "the work: it is broken" in caplog.text


@pytest.mark.parametrize("when", ["before", "in between", "after"])
async def test_a_failure_that_its_last_caller_cannot_hear_of_any_more_is_one_line_of_the_log(
    owner: TaskOwner, caplog: pytest.LogCaptureFixture, when: str
) -> None:
    """As where its end cannot be noted while the database is away: it fails before its caller is
    cancelled, while that waits for it, or once that has gone."""
    tasks: SharedTasks[str, int, str] = SharedTasks(owner)
    begun, go = asyncio.Event(), asyncio.Event()

    async def work(report: Report[int]) -> str:
        begun.set()
        try:
            await go.wait()
        finally:
            raise UnreadableError("it is broken")

    with caplog.at_level(logging.WARNING):
        caller = asyncio.create_task(
            tasks.join("k", work, first=0, name="the work", grace_s=60 * (when == "after"))
        )
        await begun.wait()
        if when == "before":
            (task,) = (s.task for s in tasks._live)
            task.add_done_callback(lambda _: caller.cancel())
            go.set()
        else:
            caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        go.set()
        while tasks.running:  # noqa: ASYNC110
            await asyncio.sleep(0)
        gc.collect()
    assert [r.getMessage() for r in caplog.records] == ["the work: it is broken"]


async def test_a_failure_is_one_line_also_where_its_callers_progress_cannot_be_told(
    owner: TaskOwner, caplog: pytest.LogCaptureFixture
) -> None:
    tasks: SharedTasks[str, int, str] = SharedTasks(owner)
    asked = asyncio.Event()

    async def work(report: Report[int]) -> str:
        await asked.wait()
        raise UnreadableError("it is broken")

    async def gone(status: int) -> None:
        asked.set()
        while tasks.running:  # noqa: ASYNC110
            await asyncio.sleep(0)
        raise ConnectionError("the client has gone")

    with caplog.at_level(logging.WARNING):
        with pytest.raises(ConnectionError):
            await tasks.join("k", work, first=0, name="the work", progress=gone)
        gc.collect()
    assert [r.getMessage() for r in caplog.records] == ["the work: it is broken"]


async def test_no_task_whose_failure_others_report_is_missed_by_the_log(
    owner: TaskOwner, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        raise UnreadableError("it is broken")

    with caplog.at_level(logging.WARNING):
        task = owner.start(work(), name="the work", log_failure=False)
        await asyncio.wait([task])
        del task
        gc.collect()
    assert not caplog.records


async def test_an_owner_that_closes_ends_all_its_tasks_and_takes_no_more() -> None:
    owner = TaskOwner("the owner")
    ended: list[int] = []

    async def work(n: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(n)

    for n in range(3):
        owner.start(work(n), name=f"work {n}")
    await asyncio.sleep(0)
    await owner.close()
    assert sorted(ended) == [0, 1, 2]
    with pytest.raises(StoppedError, match="the owner is closed"):
        owner.start(work(9), name="late")
    await owner.close()


async def test_closing_an_owner_from_another_task_than_the_one_that_opened_it_works() -> None:
    owner = TaskOwner("the owner")
    task = owner.start(asyncio.Event().wait(), name="work")
    await asyncio.create_task(owner.close())
    assert task.cancelled()


async def test_what_must_be_finished_is_finished_before_the_cancellation_goes_on() -> None:
    step, written = asyncio.Event(), []

    async def write() -> None:
        await step.wait()
        written.append("all")

    task = asyncio.create_task(finish_first(write()))
    await asyncio.sleep(0)
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert not task.done()
    step.set()
    await asyncio.wait([task])
    assert task.cancelled() and written == ["all"]


async def test_the_result_of_a_shared_task_is_not_lost_with_one_caller() -> None:
    go = asyncio.Event()

    async def work() -> str:
        await go.wait()
        return "here"

    task = asyncio.create_task(work())
    one, two = (asyncio.create_task(result_of(task)) for _ in range(2))
    await asyncio.sleep(0)
    one.cancel()
    await asyncio.wait([one])
    go.set()
    assert one.cancelled() and await two == "here"


def test_every_error_of_shared_work_is_one_of_ours() -> None:
    assert issubclass(StoppedError, OmniError) and not issubclass(
        StoppedError, asyncio.CancelledError
    )


async def test_a_cancelled_task_is_left_only_when_its_thread_has_ended() -> None:
    entered, go = threading.Event(), threading.Event()
    written: list[str] = []

    def work() -> None:
        entered.set()
        assert go.wait(30)
        written.append("the last line")

    task = asyncio.create_task(in_thread(work))
    assert await asyncio.to_thread(entered.wait, 30)
    task.cancel()
    for _ in range(10):
        await asyncio.sleep(0)
    assert not task.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert written == ["the last line"]
