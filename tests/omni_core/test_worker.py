"""The child process that everything dangerous runs in."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from omni_core import worker as worker_module
from omni_core.engine.decoder_death import decoder_error
from omni_core.errors import OmniError, TooLargeError, UnreadableError
from omni_core.sandbox.kernel import kernel
from omni_core.types import MediaInfo
from omni_core.worker import Worker, WorkerDied

HERE = Path(__file__).parent / "services"
ANSWERS = {"double": NDArray[np.uint8], "raise_ours": int, "lie": MediaInfo, "ended": MediaInfo}


@pytest.fixture
async def worker(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Worker]:
    monkeypatch.syspath_prepend(str(HERE))
    w = Worker("probe", "worker_probe:service", answers=ANSWERS, offset=5)
    yield w
    await asyncio.to_thread(w.close, 5.0)


async def test_a_call_answers_what_the_method_returns(worker: Worker) -> None:
    assert await worker.call("add", 1, deadline_s=20) == 6


async def test_arrays_travel_whole(worker: Worker) -> None:
    array = np.arange(3_000_000, dtype=np.uint8).reshape(1000, 1000, 3)
    assert np.array_equal(await worker.call("double", array, deadline_s=20), array * 2)


async def test_a_child_whose_frames_are_no_answers_is_ended_and_the_next_call_starts_another(
    worker: Worker,
) -> None:
    with pytest.raises(WorkerDied):
        await worker.call("garble", deadline_s=20)
    assert await worker.call("add", 1, deadline_s=20) == 6
    assert worker.starts == 2


async def test_arrays_of_an_answer_can_be_written(worker: Worker) -> None:
    doubled = await worker.call("double", np.ones((2, 3), np.uint8), deadline_s=20)
    doubled[0, 0] = 9
    assert doubled.tolist() == [[9, 2, 2], [2, 2, 2]]


async def test_what_is_no_plain_value_is_refused_where_no_type_was_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(HERE))
    w = Worker("probe", "worker_probe:service", offset=5)
    assert await w.call("add", 1, deadline_s=20) == 6
    assert await w.call("quick", deadline_s=20) == "quick"
    assert await w.call("double", b"ab", deadline_s=20) == b"abab"
    with pytest.raises(OmniError, match="ndarray is no plain value"):
        await w.call("double", np.ones(3), deadline_s=20)
    assert await w.call("add", 2, deadline_s=20) == 7
    await asyncio.to_thread(w.close, 5.0)


@pytest.mark.parametrize("kind", range(6))
async def test_a_child_that_was_taken_over_cannot_make_its_parent_run_code(
    worker: Worker, kind: int, tmp_path: Path
) -> None:
    proof = tmp_path / "ran"
    with pytest.raises(OmniError, match="unreadable answer of the probe"):
        await worker.call("lie", kind, str(proof), deadline_s=20)
    assert not proof.exists()
    assert await worker.call("add", 1, deadline_s=20) == 6


async def test_the_end_of_a_stream_is_no_answer_to_a_call(worker: Worker) -> None:
    with pytest.raises(OmniError, match="unreadable answer of the probe"):
        await worker.call("ended", deadline_s=20)


async def test_an_answer_longer_than_any_ends_the_child(worker: Worker) -> None:
    with pytest.raises(WorkerDied):
        await worker.call("endless", deadline_s=20)
    assert await worker.call("add", 1, deadline_s=20) == 6


async def test_an_error_of_a_child_is_one_line_with_a_code(worker: Worker) -> None:
    with pytest.raises(OmniError) as caught:
        await worker.call("shout", deadline_s=20)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) <= 4000
    assert caught.value.code == "ERROR"


async def test_many_calls_at_once_each_get_their_own_answer(worker: Worker) -> None:
    async with asyncio.timeout(20):
        answers = await asyncio.gather(*(worker.call("add", i) for i in range(100)))
    assert answers == [i + 5 for i in range(100)]


async def test_a_question_on_its_own_lane_is_answered_while_the_other_lane_works(
    worker: Worker,
) -> None:
    async with asyncio.timeout(20):
        slow = asyncio.create_task(worker.call("wait_for_release"))
        assert await worker.call("quick") == "quick"
        assert not slow.done()
        await worker.call("release")
        assert await slow == "released"


async def test_prints_of_python_and_c_do_not_reach_the_pipe(worker: Worker) -> None:
    assert await worker.call("print_noise", deadline_s=20) == 13
    assert await worker.call("add", 1, deadline_s=20) == 6


async def test_a_stream_gives_every_item_in_order(worker: Worker, tmp_path: Path) -> None:
    stream = worker.stream("count", str(tmp_path / "log"), 5, stall_s=20)
    assert [i async for i in stream] == [0, 1, 2, 3, 4]


async def test_a_stream_is_pulled_at_most_two_items_ahead_of_its_reader(
    worker: Worker, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    stream = worker.stream("count", str(log), 1000, stall_s=20)
    async for i in stream:
        if i == 3:
            break
    await stream.aclose()
    await worker.call("add", 0, deadline_s=20)  # the lane is serial: the close has been served
    seen = log.read_text().split()
    assert seen[-1] == "closed"
    assert len(seen) <= 3 + 4


async def came_ahead(worker: Worker) -> None:
    """Return once a stream of which one item was taken has the next one, or its error."""
    [task] = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.wait([task], timeout=20)
    assert task.done()


def kill(worker: Worker) -> None:
    """End the child behind the worker's back, between two calls."""
    child = worker._child
    assert child is not None
    os.kill(child._process.pid, signal.SIGKILL)
    child._process.wait(20)


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_stream_whose_child_was_killed_between_two_items_did_not_end(
    worker: Worker, tmp_path: Path, restarted: bool
) -> None:
    stream = worker.stream("count", str(tmp_path / "log"), 9, stall_s=20)
    seen = [await anext(stream)]
    await came_ahead(worker)
    await asyncio.to_thread(kill, worker)
    other = worker.stream("count", str(tmp_path / "other"), 9, stall_s=20)
    others = [await anext(other)] if restarted else []
    with pytest.raises(WorkerDied, match="killed") as e:
        while True:
            seen.append(await anext(stream))
    assert (seen, e.value.reason) == ([0, 1], "killed")
    others += [item async for item in other]  # neither read nor closed by the first
    assert others == list(range(9))


async def test_calls_that_depend_on_each_other_reach_one_child_and_no_later_one(
    worker: Worker,
) -> None:
    first = await worker.bound()
    pid = await first.call("pid", deadline_s=20)
    assert pid == await worker.call("pid", deadline_s=20)
    await asyncio.to_thread(kill, worker)
    assert await worker.call("pid", deadline_s=20) != pid
    with pytest.raises(WorkerDied, match="killed"):
        await first.call("pid", deadline_s=20)
    assert await (await worker.bound()).call("add", 1, deadline_s=20) == 6


async def test_an_error_midway_arrives_after_the_items_before_it(worker: Worker) -> None:
    stream = worker.stream("fail_midway", stall_s=20)
    assert await anext(stream) == 1
    with pytest.raises(UnreadableError, match="the rest is damaged"):
        await anext(stream)


async def test_an_error_that_came_ahead_of_who_stopped_listening_is_not_logged_as_missed(
    worker: Worker,
) -> None:
    missed: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, about: missed.append(about))
    stream = worker.stream("fail_midway", stall_s=20)
    assert await anext(stream) == 1
    await came_ahead(worker)
    await stream.aclose()
    del stream
    gc.collect()
    assert await worker.call("add", 1, deadline_s=20) == 6
    assert missed == []


async def test_who_is_cancelled_while_a_stream_is_closed_is_cancelled(
    worker: Worker, tmp_path: Path
) -> None:
    stream = worker.stream("count", str(tmp_path / "log"), 9, stall_s=20)
    await anext(stream)

    async def closing() -> None:
        await stream.aclose()

    task = asyncio.create_task(closing())
    await asyncio.sleep(0)  # it has begun, and waits
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_our_errors_cross_with_class_and_code(worker: Worker) -> None:
    with pytest.raises(UnreadableError) as caught:
        await worker.call("raise_ours", deadline_s=20)
    assert (caught.value.code, str(caught.value)) == ("UNSUPPORTED_TYPE", "no such kind")


async def test_memory_that_runs_out_says_what_to_raise(worker: Worker) -> None:
    with pytest.raises(TooLargeError, match="raise memory_mb"):
        await worker.call("no_memory", deadline_s=20)


async def test_a_library_error_becomes_one_line(worker: Worker) -> None:
    with pytest.raises(OmniError, match=r"^ValueError: first line$"):
        await worker.call("raise_theirs", deadline_s=20)


async def test_a_crash_is_an_error_and_the_next_call_works(worker: Worker) -> None:
    before = await worker.call("pid", deadline_s=20)
    with pytest.raises(WorkerDied, match=r"died \(signal 11\)"):
        await worker.call("die", deadline_s=20)
    assert await worker.call("pid", deadline_s=20) != before


async def test_a_hang_ends_at_the_deadline_and_the_next_call_works(worker: Worker) -> None:
    await worker.call("add", 0, deadline_s=20)
    async with asyncio.timeout(10):
        with pytest.raises(WorkerDied, match=r"no answer within 0\.2 s"):
            await worker.call("hang", deadline_s=0.2)
    assert await worker.call("add", 1, deadline_s=20) == 6


async def test_a_service_that_cannot_start_tells_each_caller_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(HERE))
    w = Worker("probe", "worker_probe:broken")
    for _ in range(2):
        with pytest.raises(UnreadableError, match="cannot start"):
            await w.call("add", 1, deadline_s=20)
    await asyncio.to_thread(w.close, 5.0)


async def test_a_service_that_could_not_start_is_tried_again_by_the_next_call(
    tmp_path: Path,
) -> None:
    path = tmp_path / "later"
    w = Worker("probe", "builtins:open", file=str(path))
    with pytest.raises(OmniError, match="FileNotFoundError"):
        await w.call("read", deadline_s=20)
    path.write_text("it is there now")
    assert await w.call("read", deadline_s=20) == "it is there now"
    await asyncio.to_thread(w.close, 5.0)


async def test_a_closed_worker_refuses_politely(worker: Worker) -> None:
    await worker.call("add", 1, deadline_s=20)
    await asyncio.to_thread(worker.close, 5.0)
    with pytest.raises(WorkerDied, match="closed"):
        await worker.call("add", 1, deadline_s=20)


@pytest.mark.skipif(sys.platform != "linux", reason="address-space limits are Linux's")
async def test_memory_beyond_the_cap_is_an_error_not_the_machines_problem(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(HERE))
    w = Worker("probe", "worker_probe:service", memory_mb=1024)
    child = await w.call("pid", deadline_s=20)
    with pytest.raises(OmniError):
        await w.call("allocate", 4096, deadline_s=20)
    assert await w.call("pid", deadline_s=20) == child  # refused by the cap, not by the deadline
    assert await w.call("allocate", 1, deadline_s=20) == 1
    await asyncio.to_thread(w.close, 5.0)


@pytest.mark.skipif(sys.platform != "linux", reason="a thread has a priority of its own there")
async def test_a_child_gives_way_to_others_once_it_has_started_with_all_its_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(HERE))
    own = os.nice(0)
    lower = min(own + 5, 19)
    w = Worker("probe", "worker_probe:service", nice=5)
    assert await w.call("priorities", deadline_s=20) == f"{own} {lower} {lower}"
    await asyncio.to_thread(w.close, 5.0)


@pytest.mark.skipif(sys.platform == "win32", reason="process groups differ")
async def test_the_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    script = (
        "import asyncio, os, signal, sys\n"
        f"sys.path.insert(0, {str(HERE)!r})\n"
        "from omni_core.worker import Worker\n"
        "async def main():\n"
        "    w = Worker('probe', 'worker_probe:service')\n"
        "    print(await w.call('pid'), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    root = Path(__file__).parents[2]
    done = await asyncio.to_thread(
        lambda: subprocess.run(
            [sys.executable, "-c", script],
            cwd=root, capture_output=True, text=True, timeout=30, check=False,
        )
    )  # fmt: skip
    child = int(done.stdout)
    async with asyncio.timeout(10):
        while _alive(child):  # noqa: ASYNC110 - the kernel sends no event
            await asyncio.sleep(0)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        try:
            os.kill(pid, 0)
        except OSError:
            return False
        return not Path("/proc/self").exists()
    return state != "Z"


async def test_the_start_of_a_child_counts_in_no_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(HERE))
    w = Worker("probe", "worker_probe:slow")
    try:
        assert await w.call("add", 1, deadline_s=2.5) == 1
    finally:
        await asyncio.to_thread(w.close, 5.0)


async def test_a_child_that_does_not_start_in_time_is_ended_and_no_file_is_blamed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.setattr(worker_module, "START_S", 0.1)
    w = Worker("probe", "worker_probe:slow")
    try:
        with pytest.raises(WorkerDied, match="did not start within") as died:
            await w.call("add", 1, deadline_s=2.5)
        assert died.value.reason == "unstarted"
        assert decoder_error(died.value).code == "WORKER_DIED"
        assert w.pid is None
    finally:
        await asyncio.to_thread(w.close, 5.0)


class Unreadable:
    """A boot argument that the child cannot read, as those of a broken installation are."""

    def __reduce__(self) -> tuple[object, ...]:
        return int, ("no number",)


async def test_a_child_that_cannot_start_says_why_and_blames_no_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(HERE))
    w = Worker("probe", "worker_probe:service", offset=Unreadable())
    with pytest.raises(OmniError, match="ValueError: invalid literal") as failed:
        await w.call("add", 1, deadline_s=20)
    assert not isinstance(failed.value, WorkerDied)
    await asyncio.to_thread(w.close, 5.0)


READING = """
import asyncio, sys
from omni_core.sandbox import Rules
from omni_core.worker import Worker
async def main():
    child = Worker("probe", "builtins:open", rules=Rules(), file=sys.argv[1])
    try:
        print(await child.call("read", deadline_s=30))
    except Exception as e:
        print(e)
    await asyncio.to_thread(child.close, 5.0)
asyncio.run(main())
"""


@pytest.mark.skipif(not kernel().landlock, reason="this kernel has no Landlock")
async def test_a_decoder_may_not_read_the_folder_that_the_server_was_started_in(
    tmp_path: Path,
) -> None:
    started_in, modules = tmp_path / "home", tmp_path / "modules"
    for folder in (started_in, modules):
        folder.mkdir()
    (started_in / "secret").write_text("my words")
    (modules / "probing.py").write_text(READING)
    paths = [str(modules), *filter(None, sys.path)]
    run = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-m", "probing", str(started_in / "secret")],
        cwd=started_in, env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert "Permission denied" in run.stdout, run.stdout + run.stderr
